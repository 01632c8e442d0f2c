/** Ways to use rings, and background requests on them (KERNEL 4.1, 4.10). */
import {
  agreed,
  carried,
  commit,
  dump,
  enter,
  others,
  register,
  registered,
  ring,
  slot,
  sqe,
  taken,
} from '../ring_words.ts';
import { call, client, on, type Step, section } from '../step.ts';

const STATFS = client('c', 'statfs m');
const many = (n: number, what = 'statfs m'): Step[] =>
  Array.from({ length: n }, (_, i) => client(`c${i}`, what));
const made = (flags: string): Step[] => [
  ...carried({ setup: `SQE128|${flags}` }),
  STATFS,
  ...taken('e0'),
  commit('e0'),
  client('c', 'stat m/f'),
  ...taken('e0'),
];
const DEFER = 'SQE128|SINGLE_ISSUER|DEFER_TASKRUN';
/** e0 gets what is asked next, and gives a good answer. */
const served = (words = {}): Step[] => [...taken('e0'), commit('e0', words)];
/**
 * Each of these clients holds an open file, whose end is a RELEASE without a FLUSH: with one entry at
 * first, since a client's second request may come before or after the entry of its first is free.
 */
const holders = (names: readonly string[]): Step[] => [
  ...names.flatMap((name) => [client(name, 'open x m/f RDONLY'), ...served(), ...served()]),
  client('z', 'open x m/f RDONLY'),
  ...served(),
  ...served(),
  client('z', 'close x'),
  ...served({ error: -38 }),
  ...served(),
  ...Array.from({ length: DEPTH - 1 }, (_, n) => [slot(`e${n + 1}`), register(`e${n + 1}`)]).flat(),
];
const DEPTH = 6;
/** All have closed; their RELEASEs are under way. */
const closing = (names: readonly string[]): Step[] =>
  names.flatMap((name) => [client(name, 'close x'), enter()]);

// biome-ignore format: one row a probe
export const RING_SHAPES = section('4.1', [
  ['COOP_TASKRUN', made('COOP_TASKRUN'), ['asleep', 'e0 0', 2]],
  ['COOP_TASKRUN and TASKRUN_FLAG', made('COOP_TASKRUN|TASKRUN_FLAG'), ['asleep', 'e0 0', 2]],
  ['SINGLE_ISSUER', made('SINGLE_ISSUER'), ['asleep', 'e0 0', 2]],
  ['SINGLE_ISSUER and DEFER_TASKRUN', made('SINGLE_ISSUER|DEFER_TASKRUN'), ['asleep', 'e0 0', 2]],
  ['CQE32', made('CQE32'), ['asleep', 'e0 0', 2]],
  ['SINGLE_ISSUER: another thread may not enter', [...carried({ setup: 'SQE128|SINGLE_ISSUER' }), slot('f'), on('s', register('f'))], ['EEXIST']],
  ['two entries by one enter', [...agreed(), ring(), ...others(), slot('e0'), slot('e1'), sqe({ slot: 'e0' }), sqe({ slot: 'e1' }), enter(), ...many(2), enter()], ['asleep', 'asleep', 'e1 0, e0 0']],
  ['two commits by one enter', [...carried({ depth: 2 }), ...many(2), enter(), dump('e1'), dump('e0'), commit('e1', { later: true }), commit('e0', { later: true }), enter()], [0, 0, '-']],
  ['a refused command among good ones', [...agreed(), ring(), slot('e0'), slot('e1'), sqe({ slot: 'e0' }), sqe({ slot: 'f', op: 9 }), sqe({ slot: 'e1' }), enter()], ['f EINVAL']],
  ['a NOP beside it', [...agreed(), ring(), slot('e0'), sqe({ what: 'nop', user: 'nop' }), sqe({ slot: 'e0' }), enter()], ['nop 0']],
  ['linked behind a NOP', [...agreed(), ring(), ...others(), slot('e0'), sqe({ what: 'nop', user: 'nop', link: 1 }), sqe({ slot: 'e0' }), enter(), STATFS, ...taken('e0')], ['nop 0', 'asleep', 'e0 0', 0]],
  ['a COMMIT linked behind a NOP', [...carried(), STATFS, ...taken('e0'), sqe({ what: 'nop', user: 'nop', link: 1 }), commit('e0', { later: true }), enter()], [0, 0, 'nop 0']],
  ['linked behind what fails: ECANCELED', [...agreed(), ring(), slot('e0'), sqe({ what: 'cancel', user: 'cancel', link: 1 }), sqe({ slot: 'e0' }), enter()], ['cancel ENOENT, e0 ECANCELED']],
  ['a COMMIT linked behind what fails', [...carried(), STATFS, ...taken('e0'), sqe({ what: 'cancel', user: 'cancel', link: 1 }), commit('e0', { later: true }), enter(), commit('e0')], [0, 0, 'cancel ENOENT, e0 ECANCELED', '-']],
  ['completions that do not fit', [...agreed(), ring('r', 'SQE128', 1, 2), ...registered(4), ...many(4), enter(), enter()], ['asleep', 'e3 0, e2 0', 'e1 0, e0 0']],
  ['DEFER_TASKRUN: nothing is delivered until the thread enters', [...carried({ setup: DEFER }), STATFS, dump('e0'), enter(), dump('e0')], ['asleep', 0xaaaaaaaa, 'e0 0', 0]],
  ['two rings, a queue each', [...agreed(), ring(), ...others(), slot('e0'), register('e0'), STATFS, ...taken('e0')], ['asleep', 'e0 0', 0]],
  ['two rings in one queue', [...carried(), ring('r2'), slot('f'), register('f', { ring: 'r2' }), ...many(2), enter('r2'), enter()], ['f 0', 'e0 0']],
  ['registered in one ring, committed in another', [...carried(), ring('r2'), STATFS, ...taken('e0'), commit('e0', { ring: 'r2' }), client('c', 'statfs m'), enter(), enter('r2'), dump('e0')], ['-', 'asleep', '-', 'e0 0', 0]],
  ['two rings: one is closed, the other goes on', [...carried(), ring('r2'), slot('f'), register('f', { ring: 'r2' }), call('ringclose', 'r'), STATFS, ...taken('f', 'r2')], [0, 'asleep', 'f 0', 0]],
  ['a ring of two threads', [...agreed(), ring(), ...registered().map((step) => on('s', step)), STATFS, on('s', enter()), dump('e0'), commit('e0'), client('c', 'stat m/f'), ...taken('e0')], ['e0 0', 0, '-', 'asleep', 'e0 0', 2]],
  ['two connections in one ring', [...carried(), ...[call('open', 'b', 'RDWR|NONBLOCK'), call('mount', 'probe', 'm2', 'fuse', '0', 'fd=@b,rootmode=40000,user_id=0,group_id=0')], slot('f'), register('f', { dev: 'b', wait: 1 }), STATFS, ...taken('e0')], ['f EAGAIN', 'asleep', 'e0 0', 0]],
  ['background: as many as there are entries', [...carried(), ...holders(['a1', 'a2', 'a3']), ...closing(['a1', 'a2', 'a3'])], ['0', 'e5 0', '0', 'e4 0', '0', 'e3 0']],
  ['background: one at a time where one is allowed', [...carried({ init: { max_background: 1 } }), ...holders(['a1', 'a2', 'a3']), ...closing(['a1', 'a2', 'a3']), dump('e5'), commit('e5'), dump('e5'), commit('e5'), call('fusectl', 'a', 'waiting')], ['-', 0, 'e5 0', 0, 'e5 0', '1\n']],
]);
