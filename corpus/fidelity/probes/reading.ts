/** read(2) and readv(2): what fits, what comes, and in which order it is checked (KERNEL 1.5). */
import {
  call,
  client,
  close,
  mounted,
  on,
  open,
  read,
  ready,
  reply,
  section,
  signal,
} from '../step.ts';

/** The least buffer with max_write 65536. */
const LEAST = 65616;
const sized = (max_write: number) => ({ init: { max_write } });

// biome-ignore format: one row a probe
export const READING = section('1.5', [
  ['8191 bytes are too few for INIT', [...mounted(), read('a', 8191)], ['EINVAL']],
  ['no bytes are too few', [...mounted(), read('a', 0)], ['EINVAL']],
  ['8192 bytes are enough for INIT', [...mounted(), read('a', 8192)], [104]],
  ['a short read leaves the request', [...mounted(), read('a', 8191), read('a', 8192)], ['EINVAL', 104]],
  ['an empty queue', [...ready(), read()], ['EAGAIN']],
  ['too few bytes for an empty queue', [...ready(), read('a', LEAST - 1)], ['EINVAL']],
  ['the least of max_write 65536', [...ready(), read('a', LEAST)], ['EAGAIN']],
  ['the least of max_write 4096', [...ready(sized(4096)), read('a', 8191), read('a', 8192)], ['EINVAL', 'EAGAIN']],
  ['a max_write of 0 counts as 4096', [...ready(sized(0)), read('a', 8191), read('a', 8192)], ['EINVAL', 'EAGAIN']],
  ['the least of max_write 1 MiB', [...ready(sized(1 << 20)), read('a', (1 << 20) + 79), read('a', (1 << 20) + 80)], ['EINVAL', 'EAGAIN']],
  ['max_pages plays no role', [...ready({ init: { max_write: 1 << 20, max_pages: 256 }, flags: ['MAX_PAGES'] }), read('a', (1 << 20) + 79), read('a', (1 << 20) + 80)], ['EINVAL', 'EAGAIN']],
  ['a request as it is, whatever the buffer', [...ready(), client('c', 'stat m/f'), read('a', '1M')], [42]],
  ['too few bytes with a request there', [...ready(), client('c', 'stat m/f'), read('a', LEAST - 1), read('a', LEAST)], ['EINVAL', 42]],
  ['readv at any byte', [...ready(), client('c', 'stat m/f'), call('readv', 'a', '1,2,37,1,1,65600')], [42]],
  ['readv measures all of it', [...ready(), call('readv', 'a', `10,${LEAST - 11}`), call('readv', 'a', `10,${LEAST - 10}`)], ['EINVAL', 'EAGAIN']],
  ['a buffer that is not there: the request is lost', [...ready(), client('c', 'stat m/f'), call('readhole', 'a', LEAST, 0), read()], ['EFAULT', 'EAGAIN']],
  ['a buffer that is there in part', [...ready(), client('c', 'stat m/f'), call('readhole', 'a', LEAST, 41), read()], ['EFAULT', 'EAGAIN']],
  ['a buffer of which enough is there', [...ready(), client('c', 'stat m/f'), call('readhole', 'a', LEAST, 42)], [42]],
  ['a fault of INIT refuses the connection', [...mounted(), call('readhole', 'a', 8192, 10), client('c', 'stat m/f')], ['EFAULT', 'ECONNREFUSED']],
  ['a sleeping read gets what comes', [...ready(), call('nonblock', 'a', 0), on('r', read()), client('c', 'stat m/f'), reply()], ['asleep', 'asleep', 144]],
  ['a sleeping read is interrupted', [...ready(), call('nonblock', 'a', 0), on('r', read()), signal('r', 'USR1')], ['asleep', 'EINTR']],
  ['a short read does not sleep', [...ready(), call('nonblock', 'a', 0), on('r', read('a', 100))], ['EINVAL']],
  ['two sleepers, one request: one is woken', [...ready(), call('nonblock', 'a', 0), on('r', read()), on('s', read()), client('c', 'stat m/f')], ['asleep', 'asleep', 'asleep']],
  ['nothing is delivered twice', [...ready(), client('c', 'stat m/f'), read(), read()], [42, 'EAGAIN']],
  ['nothing before INIT is answered', [...mounted(), client('c', 'stat m/f'), read(), read()], ['asleep', 104, 'EAGAIN']],
  ['a device that only reads reads', [open('a', 'RDONLY'), ...mounted().slice(1), read()], [104]],
  ['a device that only writes does not read', [open('a', 'WRONLY'), ...mounted().slice(1), read()], ['EBADF']],
  ['a copy of the descriptor reads too', [...mounted(), call('dup', 'a', 'b'), close('a'), read('b')], [104]],
]);
