/** write(2) of replies, in the order of the kernel's checks (KERNEL 1.8). */
import { call, client, clone, mounted, open, read, ready, reply, replyBy, section, type Step, signal, umount, write } from '../step.ts';

/** A client's LOOKUP in the server's hands. */
const asked = (): Step[] => [...ready(), client('c', 'stat m/f'), read()];
const STAT = '100644 0:0 size 5 links 1';
/** After the step the request is still there: a good reply ends it. */
const stays = (step: Step): Step[] => [...asked(), step, reply()];
/** After it the request is gone. */
const gone = (step: Step): Step[] => [...asked(), step, reply()];
const shortHeader = new Uint8Array(15);

export const REPLYING = section('1.8', [
  ['a good reply', [...asked(), reply()], [144]],
  ['2: fewer than 16 bytes', stays(write(shortHeader)), ['EINVAL', 144]],
  ['2: nothing at all', stays(call('write', 'a', '-')), ['EINVAL', 144]],
  ['3: the header is not there', stays(call('writehole', 'a', '-', 16)), ['EFAULT', 144]],
  ['3: the header is there in part', stays(replyBy('writehole', '144', {}, 8)), ['EFAULT', 144]],
  ['4: len is too large', stays(reply({ len: 145 })), ['EINVAL', 144]],
  ['4: len is too small', stays(reply({ len: 143 })), ['EINVAL', 144]],
  ['4: len is 0', stays(reply({ len: 0 })), ['EINVAL', 144]],
  ['4: len before unique', stays(reply({ len: 17, error: -2, unique: 0n })), ['EINVAL', 144]],
  ['6: a positive error', stays(reply({ error: 1 })), ['EINVAL', 144]],
  ['6: error -512', stays(reply({ error: -512 })), ['EINVAL', 144]],
  ['6: error -2147483648', stays(reply({ error: -2147483648 })), ['EINVAL', 144]],
  ['6: error before unique', stays(reply({ error: -512, unique: 99998n })), ['EINVAL', 144]],
  ['7: a unique nobody has', stays(reply({ unique: 99998n })), ['ENOENT', 144]],
  ['7: a unique nobody has, with an error', stays(reply({ unique: 99998n, error: -5 })), ['ENOENT', 144]],
  ['7: a unique nobody has, odd', stays(reply({ unique: 99999n })), ['ENOENT', 144]],
  ['7: the largest unique', stays(reply({ unique: 2n ** 64n - 2n })), ['ENOENT', 144]],
  ['7: what was not read yet', [...ready(), client('c', 'stat m/f'), reply({ unique: 4n, body: new Uint8Array(128) }), read()], ['ENOENT', 42]],
  ['7: a second reply', [...asked(), reply(), reply()], [144, 'ENOENT']],
  ['7: INIT once more', [...ready(), reply({ of: 'INIT' })], ['ENOENT']],
  ['9: an error with a body', gone(reply({ error: -2, body: new Uint8Array(8) })), ['EINVAL', 'ENOENT']],
  ['10: ENOENT', [...asked(), reply({ error: -2 })], [16]],
  ['10: error -511', [...asked(), reply({ error: -511 })], [16]],
  ['10: error -1', [...asked(), reply({ error: -1 })], [16]],
  ['11: one byte short', gone(reply({ cut: 1 })), ['EINVAL', 'ENOENT']],
  ['11: one byte long', gone(reply({ cut: -1 })), ['EINVAL', 'ENOENT']],
  ['11: empty', gone(reply({ cut: 128 })), ['EINVAL', 'ENOENT']],
  ['11: far too long', gone(reply({ cut: -70000 })), ['EINVAL', 'ENOENT']],
  ['11: an empty reply with a byte', [...ready(), client('c', 'open x m/f RDONLY'), read(), reply(), read(), reply(), client('c', 'close x'), read(), reply({ cut: -1 }), reply()], ['EINVAL', 'ENOENT']],
  ['12: READ longer than asked', [...ready(), client('c', 'open x m/f RDONLY'), read(), reply(), read(), reply(), client('c', 'read x 4096 0'), read(), reply({ cut: -1 }), reply()], ['EINVAL', 'ENOENT']],
  ['12: READ shorter than asked', [...ready(), client('c', 'open x m/f RDONLY'), read(), reply(), read(), reply(), client('c', 'read x 4096 0'), read(), reply({ cut: 4000 })], [112]],
  ['12: READ of nothing', [...ready(), client('c', 'open x m/f RDONLY'), read(), reply(), read(), reply(), client('c', 'read x 4096 0'), read(), reply({ cut: 4096 })], [16]],
  ['13: the body is not there', gone(replyBy('writehole', '144', {}, 16)), ['EFAULT', 'ENOENT']],
  ['13: the body is there in part', gone(replyBy('writehole', '144', {}, 100)), ['EFAULT', 'ENOENT']],
  ['13: a wrong length is found before the fault', gone(replyBy('writehole', '143', { len: 143 }, 16)), ['EINVAL', 'ENOENT']],
  ['writev, split anywhere', [...asked(), replyBy('writev', '1,2,4,1,7,2,100,27')], [144]],
  ['writev, split in the header only', [...asked(), replyBy('writev', '8,8', { error: -2 })], [16]],
  ['through a clone: ENOENT, and it stays', [...ready(), open('b'), clone('b'), client('c', 'stat m/f'), read(), reply({ to: 'b' }), reply()], ['ENOENT', 144]],
  ['read through a clone, replied through the first', [...ready(), open('b'), clone('b'), client('c', 'stat m/f'), read('b'), reply(), reply({ to: 'b' })], ['ENOENT', 144]],
  ['INIT read by a clone must be answered by it', [...mounted(), open('b'), clone('b'), read('b'), reply(), reply({ to: 'b' }), client('c', 'stat m/f')], ['ENOENT', 80, 'asleep']],
  ['two in hand, answered in the other order', [...ready(), client('c', 'stat m/f'), client('c2', 'stat m/g'), read(), read(), reply(), reply({ unique: 4n })], [144, 144]],
  ['after an abort: ENOENT', [...asked(), call('fusectl', 'a', 'abort', '1'), reply()], [1, 'ENOENT']],
  ['after an abort: the length is still looked at', [...asked(), call('fusectl', 'a', 'abort', '1'), reply({ len: 9 })], [1, 'EINVAL']],
  ['after an abort: the error is still looked at', [...asked(), call('fusectl', 'a', 'abort', '1'), reply({ error: 5 })], [1, 'EINVAL']],
  ['after an abort: too short', [...asked(), call('fusectl', 'a', 'abort', '1'), write(shortHeader)], [1, 'EINVAL']],
  ['after an unmount: ENOENT', [...ready(), umount(), reply({ unique: 4n })], [0, 'ENOENT']],
  ['after an unmount: the length is still looked at', [...ready(), umount(), reply({ unique: 4n, len: 3 })], [0, 'EINVAL']],
  ['of a client killed meanwhile', [...asked(), signal('c', 'KILL'), reply()], ['asleep', 144]],
  ['an error for a client killed meanwhile', [...asked(), signal('c', 'KILL'), reply({ error: -5 })], ['asleep', 16]],
  ['a device that only writes writes', [open('a', 'WRONLY'), ...mounted().slice(1), reply({ unique: 99998n })], ['ENOENT']],
  ['a device that only reads does not write', [open('a', 'RDONLY'), ...mounted().slice(1), read(), reply()], [104, 'EBADF']],
  ['what the client gets: the errno', [...asked(), reply({ error: -39 }), client('c', 'stat m/n')], [16, 'asleep']],
]);
export { STAT };
