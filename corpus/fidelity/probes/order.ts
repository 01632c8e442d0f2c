/** In which order things are delivered (KERNEL 1.6, 1.1). */
import {
  call,
  client,
  clone,
  mounted,
  open,
  read,
  ready,
  reply,
  type Step,
  section,
  signal,
} from '../step.ts';

/** Names `a`, `b` ... looked up by clients of their own. */
const stats = (n: number): Step[] =>
  Array.from({ length: n }, (_, i) => client(`c${i}`, `stat m/${String.fromCharCode(97 + i)}`));
/** The same with nothing that the kernel would have them wait for. */
const statfs = (n: number): Step[] =>
  Array.from({ length: n }, (_, i) => client(`c${i}`, 'statfs m'));
/** Without this a directory's lookups go one after the other. */
const PARALLEL = { flags: ['PARALLEL_DIROPS'] } as const;

// biome-ignore format: one row a probe
export const ORDER = section('1.6', [
  ['INIT is unique 2, what waited for it comes in order', [...mounted(), ...statfs(3), read(), reply(), read(), read(), read(), read()], [80, 40, 40, 40, 'EAGAIN']],
  ['requests as they were made', [...ready(PARALLEL), ...stats(5), read(), read(), read(), read(), read(), read()], [42, 42, 42, 42, 42, 'EAGAIN']],
  ['whoever reads gets the next', [...ready(PARALLEL), open('b'), clone('b'), ...stats(4), read('b'), read('a'), read('b'), read('a')], [42, 42, 42, 42]],
  ['an interrupt first', [...ready(PARALLEL), ...stats(2), read(), signal('c0', 'USR1'), read(), read()], [48, 42]],
  ['interrupts in the order of the signals', [...ready(PARALLEL), ...stats(2), read(), read(), signal('c1', 'USR1'), signal('c0', 'USR1'), read(), read()], [48, 48]],
  ['a killed client takes its request with it', [...ready(PARALLEL), ...stats(3), signal('c1', 'KILL'), read(), read(), read()], [42, 42, 'EAGAIN']],
  ['uniques are not used again', [...ready(PARALLEL), ...stats(2), signal('c0', 'KILL'), read(), reply(), client('c1', 'stat m/z'), read()], [42]],
  ['waiting counts all of them', [...mounted(), ...statfs(2), call('fusectl', 'a', 'waiting'), read(), reply(), call('fusectl', 'a', 'waiting')], ['3\n', 104, 80, '2\n']],
]);
