/** In which order things are delivered (KERNEL 1.6, 1.1). */
import { call, client, clone, mounted, open, read, ready, reply, section, signal, type Step } from '../step.ts';

const stats = (n: number): Step[] =>
  Array.from({ length: n }, (_, i) => client(`c${i}`, `stat m/${String.fromCharCode(97 + i)}`));

export const ORDER = section('1.6', [
  ['INIT is unique 2, what waited for it comes in order', [...mounted(), ...stats(3), read(), reply(), read(), read(), read(), read()], [80, 42, 42, 42, 'EAGAIN']],
  ['requests as they were made', [...ready(), ...stats(5), read(), read(), read(), read(), read(), read()], [42, 42, 42, 42, 42, 'EAGAIN']],
  ['whoever reads gets the next', [...ready(), open('b'), clone('b'), ...stats(4), read('b'), read('a'), read('b'), read('a')], [42, 42, 42, 42]],
  ['an interrupt first', [...ready(), ...stats(2), read(), signal('c0', 'USR1'), read(), read()], [48, 42]],
  ['interrupts in the order of the signals', [...ready(), ...stats(2), read(), read(), signal('c1', 'USR1'), signal('c0', 'USR1'), read(), read()], [48, 48]],
  ['a killed client takes its request with it', [...ready(), ...stats(3), signal('c1', 'KILL'), read(), read(), read()], [42, 42, 'EAGAIN']],
  ['uniques are not used again', [...ready(), ...stats(2), signal('c0', 'KILL'), read(), reply(), client('c1', 'stat m/z'), read()], [42]],
  ['waiting counts all of them', [...mounted(), ...stats(2), call('fusectl', 'a', 'waiting'), read(), reply(), call('fusectl', 'a', 'waiting')], ['3\n', 104, 80, '2\n']],
]);
