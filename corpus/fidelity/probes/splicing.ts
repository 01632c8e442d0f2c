/** splice(2) from the device and to it (KERNEL 1.7, 1.8). */
import {
  call,
  client,
  mounted,
  on,
  open,
  read,
  ready,
  reply,
  replyBy,
  type Step,
  section,
} from '../step.ts';

const out = (length: number | string = 1 << 17, flags = '0', pipe: number | string = '1M'): Step =>
  call('spliceout', 'a', length, flags, pipe);
const asked = (): Step[] => [...ready(), client('c', 'stat m/f'), read()];
const sized = (max_write: number) => ({ init: { max_write } });

// biome-ignore format: one row a probe
export const SPLICING = section('1.7', [
  ['unbound', [open(), out()], ['EPERM']],
  ['INIT', [...mounted(), out(8192)], [104]],
  ['too few bytes asked for', [...mounted(), out(8191), out(8192)], ['EINVAL', 104]],
  ['an empty queue', [...ready(), out()], ['EAGAIN']],
  ['a request', [...ready(), client('c', 'stat m/f'), out()], [42]],
  ['a pipe of 16 pages is too small for max_write 65536', [...ready(), client('c', 'stat m/f'), out(1 << 17, '0', 65536), out()], ['EINVAL', 42]],
  ['a pipe of 16 pages does for max_write 4096', [...ready(sized(4096)), client('c', 'stat m/f'), out(1 << 17, '0', 65536)], [42]],
  ['a pipe of one page is too small for anything', [...mounted(), out(8192, '0', 4096), out(8192)], ['EINVAL', 104]],
  ["SPLICE_F_NONBLOCK is the pipe's: a device that may sleep does", [...ready(), call('nonblock', 'a', 0), on('r', out(1 << 17, 'NONBLOCK')), client('c', 'stat m/f')], ['asleep', 'asleep']],
  ['what was spliced out can be answered', [...ready(), client('c', 'stat m/f'), out(), reply()], [42, 144]],
  ['a reply', [...asked(), replyBy('splicein', '144 0')], [144]],
  ['a reply, SPLICE_F_MOVE', [...asked(), replyBy('splicein', '144 MOVE')], [144]],
  ['an error', [...asked(), replyBy('splicein', '16 0', { error: -2 })], [16]],
  ['more asked for than the pipe has', [...asked(), replyBy('splicein', '145 0'), reply()], ['EINVAL', 144]],
  ['15 bytes are gone all the same', [...asked(), replyBy('splicein', '15 0'), reply()], ['EINVAL', 144]],
  ['a wrong len is gone, and the request stays', [...asked(), replyBy('splicein', '144 0', { len: 9 }), reply()], ['EINVAL', 144]],
  ['a unique nobody has', [...asked(), replyBy('splicein', '144 0', { unique: 9998n }), reply()], ['ENOENT', 144]],
  ['one byte short', [...asked(), replyBy('splicein', '143 0', { cut: 1 }), reply()], ['EINVAL', 'ENOENT']],
  ['two replies in one pipe', [...asked(), replyBy('splicein', '16 0', { error: -2 }), reply()], [16, 'ENOENT']],
]);
