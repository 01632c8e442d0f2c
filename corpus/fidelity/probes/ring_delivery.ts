/** How a request lies in an entry, and which entry it takes (KERNEL 4.4, 4.6). */
import {
  agreed,
  carried,
  commit,
  dump,
  enter,
  others,
  protect,
  register,
  ring,
  slot,
  taken,
} from '../ring_words.ts';
import { call, client, type Step, section, signal } from '../step.ts';

const STATFS = client('c', 'statfs m');
const many = (n: number, from = 0): Step[] =>
  Array.from({ length: n }, (_, i) => client(`c${from + i}`, 'statfs m'));
/** A client's file is open. */
const opened = (words: Parameters<typeof carried>[0] = {}): Step[] => [
  ...carried(words),
  client('c', 'open x m/f RDONLY'),
  ...taken('e0'),
  commit('e0'),
  dump('e0'),
  commit('e0'),
];
/** The entry that a request would take is not there; then it is, and the next one comes. */
const fault = (part: 'in_out' | 'ent' | 'payload', ask = 'stat m/f'): Step[] => [
  ...carried(),
  protect('e0', part),
  client('c', ask),
  enter(),
  protect('e0', part, 'RW'),
  client('c2', 'statfs m'),
  ...taken('e0'),
];

// biome-ignore format: one row a probe
export const RING_DELIVERY = section('4.4', [
  ['STATFS: nothing but a header', [...carried(), STATFS, ...taken('e0')], ['e0 0', 0]],
  ['LOOKUP: the name is the payload', [...carried(), client('c', 'stat m/f'), ...taken('e0')], ['e0 0', 2]],
  ['LOOKUP of a long name', [...carried(), client('c', `stat m/${'f'.repeat(255)}`), ...taken('e0')], ['e0 0', 256]],
  ['OPEN after LOOKUP: stale bytes stay', [...carried(), client('c', 'open x m/f RDONLY'), ...taken('e0'), commit('e0'), dump('e0')], ['e0 0', 0]],
  ['READ: a structure, no payload', [...opened(), client('c', 'read x 512 0'), ...taken('e0')], ['e0 0', 0]],
  ['READ of a page', [...opened(), client('c', 'read x 4096 0'), ...taken('e0')], ['e0 0', 0]],
  ['STATFS after READ: op_in stays', [...opened(), client('c', 'read x 512 0'), ...taken('e0'), commit('e0'), STATFS, ...taken('e0')], ['e0 0', 0]],
  ['FLUSH, and RELEASE behind it', [...opened(), client('c', 'close x'), ...taken('e0'), commit('e0'), dump('e0'), commit('e0')], ['e0 0', 0, 'e0 0', 0, '-']],
  ['UNLINK: the name is the payload', [...carried(), client('c', 'unlink m/f'), ...taken('e0'), commit('e0'), dump('e0')], ['e0 0', 2]],
  ['commit_id is the unique', [...carried({ depth: 3 }), ...many(3), enter(), dump('e2'), dump('e1'), dump('e0')], ['e2 0, e1 0, e0 0', 0, 0, 0]],
  ['the last entry registered is the first that is used', [...carried({ depth: 3 }), STATFS, enter(), dump('e2')], ['e2 0', 0]],
  ['the last entry committed is the first that is used', [...carried({ depth: 3 }), ...many(3), enter(), dump('e2'), dump('e1'), dump('e0'), commit('e1'), STATFS, enter()], ['-', 'asleep', 'e1 0']],
  ['committed in turn, used in the other', [...carried({ depth: 3 }), ...many(3), enter(), dump('e2'), dump('e1'), dump('e0'), commit('e0'), commit('e1'), commit('e2'), ...many(3, 3), enter()], ['asleep', 'asleep', 'asleep', 'e2 0, e1 0, e0 0']],
  ['no entry: they wait, in order', [...carried(), ...many(3), ...taken('e0'), commit('e0'), dump('e0'), commit('e0'), dump('e0'), commit('e0')], ['e0 0', 0, 'e0 0', 0, '-']],
  ['a fetch takes the next at once', [...carried(), ...many(2), ...taken('e0'), commit('e0'), dump('e0')], ['e0 0', 0, 'e0 0', 0]],
  ['a fetch takes it after a reply that was refused', [...carried(), ...many(2), ...taken('e0'), commit('e0', { unique: 98n }), dump('e0')], ['e0 0', 0, 'e0 0', 0]],
  ['a new entry does not take what waits', [...carried(), ...many(2), ...taken('e0'), slot('f'), register('f'), enter()], ['-', '-']],
  ['a new entry takes what comes then: the first that waits', [...carried(), ...many(2), ...taken('e0'), slot('f'), register('f'), ...many(1, 2), enter(), dump('f')], ['-', 'asleep', 'f 0', 0]],
  ['a new entry is fetched by its own commit', [...carried(), ...many(3), ...taken('e0'), slot('f'), register('f'), ...many(1, 3), enter(), dump('f'), commit('f'), dump('f')], ['f 0', 0, 'f 0', 0]],
  ['waiting counts them', [...carried(), ...many(3), call('fusectl', 'a', 'waiting'), ...taken('e0'), commit('e0'), call('fusectl', 'a', 'waiting')], ['e0 0', '2\n']],
  ['in_out is not there: EFAULT, and the entry is free', fault('in_out'), ['asleep', 'e0 0', 0]],
  ['ring_ent_in_out is not there', fault('ent'), ['asleep', 'e0 0', 0]],
  ['the payload is not there', fault('payload'), ['asleep', 'e0 0', 0]],
  ['the payload is not there and not needed', fault('payload', 'statfs m'), ['asleep', '-', 0]],
  ['buffers that never were', [...agreed(), ring(), ...others(), slot('e0'), register('e0', { headat: 16n, payat: 16n }), client('c', 'stat m/f'), enter()], ['EFAULT', '-']],
  ['a fault with another waiting: that is tried next', [...carried(), client('c', 'statfs m'), client('c1', 'statfs m'), ...taken('e0'), protect('e0', 'ent'), signal('c1', 'USR1'), protect('e0', 'ent', 'RW'), commit('e0'), dump('e0')], ['e0 0', 0]],
  ['headers that can only be read', [...carried(), protect('e0', 'in_out', 'R'), STATFS, enter()], ['EFAULT', '-']],
  ['the payload can only be read', [...carried(), protect('e0', 'payload', 'R'), client('c', 'stat m/f'), enter()], ['EFAULT', '-']],
]);
