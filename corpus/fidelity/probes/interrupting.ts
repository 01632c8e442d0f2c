/** Signals of clients, and the server's replies to INTERRUPT (KERNEL 1.9). */
import {
  call,
  client,
  clone,
  close,
  open,
  poll,
  read,
  ready,
  reply,
  type Step,
  section,
  signal,
  write,
} from '../step.ts';
import { header } from './words.ts';

const PARALLEL = { flags: ['PARALLEL_DIROPS'] } as const;
/** A client's LOOKUP in the server's hands; its unique is 4. */
const asked = (): Step[] => [...ready(PARALLEL), client('c', 'stat m/f'), read()];
const hit = signal('c', 'USR1');
const interrupted = (): Step[] => [...asked(), hit, read()];
const answer = (error: number, unique = 5n, more = 0) => write(header(unique, error, more));

// biome-ignore format: one row a probe
export const INTERRUPTING = section('1.9', [
  ['of a request in the hands of the server', [...interrupted(), read()], [48, 'EAGAIN']],
  ['the device polls IN for it', [...asked(), poll(), hit, poll()], ['OUT|WRNORM', 'asleep', 'IN|OUT|RDNORM|WRNORM']],
  ['of a request that was not read yet', [...ready(PARALLEL), client('c', 'stat m/f'), hit, read(), read(), read()], [42, 48, 'EAGAIN']],
  ['once a request', [...interrupted(), hit, read()], ['asleep', 'EAGAIN']],
  ['twice before it is read', [...asked(), hit, hit, read(), read()], [48, 'EAGAIN']],
  ['answered before the INTERRUPT is read', [...asked(), hit, reply(), read()], [144, 'EAGAIN']],
  ['the client goes on waiting', [...interrupted(), reply()], [144]],
  ['EINTR as the reply', [...interrupted(), reply({ error: -4 })], [16]],
  ['the server says 0', [...interrupted(), answer(0), reply()], [16, 144]],
  ['the server says ENOENT', [...interrupted(), answer(-2), read()], [16, 'EAGAIN']],
  ['EAGAIN: it comes again', [...interrupted(), answer(-11), read(), read()], [16, 48, 'EAGAIN']],
  ['EAGAIN twice: once', [...interrupted(), answer(-11), answer(-11), read(), read()], [16, 16, 48, 'EAGAIN']],
  ['EAGAIN of what was not interrupted', [...asked(), answer(-11), read()], ['EINVAL', 'EAGAIN']],
  ['ENOSYS: never again', [...interrupted(), answer(-38), client('c2', 'stat m/g'), read(), signal('c2', 'USR1'), read()], [16, 'asleep', 42, 'asleep', 'EAGAIN']],
  ['ENOSYS of what was not interrupted', [...asked(), answer(-38), hit, read()], [16, 'asleep', 48]],
  ['who waited before ENOSYS is still heard', [...ready(PARALLEL), client('c', 'stat m/f'), client('c2', 'stat m/g'), read(), read(), hit, read(), answer(-38), signal('c2', 'USR1'), read()], [48, 16, 'asleep', 48]],
  ['a reply with a body', [...interrupted(), answer(-11, 5n, 8), read()], ['EINVAL', 'EAGAIN']],
  ['a reply with a positive error', [...interrupted(), answer(11), read()], ['EINVAL', 'EAGAIN']],
  ['a reply of what is not there', [...interrupted(), answer(0, 7n)], ['ENOENT']],
  ['a reply after the answer', [...interrupted(), reply(), answer(0)], [144, 'ENOENT']],
  ['a reply through another handle', [...ready(PARALLEL), open('b'), clone('b'), client('c', 'stat m/f'), read(), hit, read('b'), write(header(5n, -11), 'b'), write(header(5n, -11))], [48, 'ENOENT', 16]],
  ['the other handle may read it', [...ready(PARALLEL), open('b'), clone('b'), client('c', 'stat m/f'), read(), hit, read('b'), read()], [48, 'EAGAIN']],
  ['killed: INTERRUPT, and the kernel waits', [...asked(), signal('c', 'KILL'), read(), reply()], ['asleep', 48, 144]],
  ['killed after a signal', [...interrupted(), signal('c', 'KILL'), read(), reply()], ['asleep', 'EAGAIN', 144]],
  ['killed before it is read', [...ready(PARALLEL), client('c', 'stat m/f'), signal('c', 'KILL'), read()], ['killed', 'EAGAIN']],
  ['signalled and killed before it is read', [...ready(PARALLEL), client('c', 'stat m/f'), hit, signal('c', 'KILL'), read()], ['killed', 'EAGAIN']],
  ['killed while INIT is not answered', [open(), ...ready().slice(1, 2), client('c', 'stat m/f'), signal('c', 'KILL'), read(), read()], ['killed', 104, 'EAGAIN']],
  ['signalled while INIT is not answered', [open(), ...ready().slice(1, 2), client('c', 'stat m/f'), hit, read(), reply(), read(), read()], ['asleep', 104, 80, 42, 48]],
  ['of two requests in two hands', [...ready(PARALLEL), client('c', 'stat m/f'), client('c2', 'stat m/g'), read(), read(), signal('c2', 'USR1'), hit, read(), reply(), read()], [48, 144, 48]],
  ['gone with the handle that has its request', [...ready(PARALLEL), open('b'), clone('b'), client('c', 'stat m/f'), read('b'), hit, close('b'), read()], [0, 'EAGAIN']],
  ['gone with the connection', [...asked(), hit, call('fusectl', 'a', 'abort', '1'), read()], [1, 'ENODEV']],
]);
