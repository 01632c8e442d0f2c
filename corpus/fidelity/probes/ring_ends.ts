/** What becomes of entries and requests when rings, threads, mounts and connections end (KERNEL 4.8-4.10). */
import {
  agreed,
  type CommandWords,
  carried,
  command,
  commit,
  dump,
  enter,
  exit,
  others,
  register,
  registered,
  ring,
  SMALL,
  slot,
  taken,
  until,
} from '../ring_words.ts';
import {
  call,
  client,
  clone,
  close,
  on,
  open,
  poll,
  read,
  ready,
  type Step,
  section,
  signal,
  umount,
} from '../step.ts';

const STATFS = client('c', 'statfs m');
const many = (n: number): Step[] =>
  Array.from({ length: n }, (_, i) => client(`c${i}`, 'statfs m'));
const ABORT = call('fusectl', 'a', 'abort', '1');
const CANCEL: CommandWords = { what: 'cancel', user: 'cancel' };
/** Entries e0 and e1 in queue 0, a request in e1, another waiting behind e0's. */
const busy = [...carried({ depth: 2 }), ...many(3), enter(), dump('e1'), dump('e0')];
const half = [...carried({ depth: 2 }), STATFS, enter(), dump('e1')];
/** Of this queue only: on a machine of more CPUs others are released too. */
const only = (name: string, depth = 3): Step[] => [
  ...agreed(),
  ring(name),
  ...others(),
  ...Array.from({ length: depth }, (_, n) => [
    slot(`e${n}`),
    register(`e${n}`, { ring: name }),
  ]).flat(),
];
/** The ring of queue 0 is closed, and nothing of it is left: then the clone goes that only it kept. */
const closed = [
  ...ready({ init: SMALL, flags: ['MAX_PAGES'] }),
  open('b'),
  clone('b'),
  client('k', 'statfs m'),
  read('b'),
  ring(),
  ...others(),
  slot('e0'),
  register('e0', { dev: 'b' }),
  close('b'),
  until('k', call('ringclose', 'r')),
];
const COMMIT = { op: 2, commit: 4n } as const;

// biome-ignore format: one row a probe
export const RING_ENDS = section('4.10', [
  ['abort: a free entry', [...half, ABORT, enter(), commit('e1')], [1, 'e0 ENOTCONN', 'e1 ENOTCONN']],
  ['abort: none free, one waiting', [...busy, ABORT, enter(), commit('e1'), commit('e0')], ['e1 ENOTCONN', 'e0 ENOTCONN']],
  ['abort: the clients', [...busy, ABORT, STATFS], [1, 'ENOTCONN']],
  ['abort before the ring is ready', [...agreed(), STATFS, ring(), slot('e0'), register('e0'), ABORT, enter()], [1, 'e0 ENOTCONN']],
  ['abort: the oldest entry is released first', [...only('r'), ABORT, enter()], [1, 'e0 ENOTCONN, e1 ENOTCONN, e2 ENOTCONN']],
  ['umount: entries are released', [...only('r'), umount(), enter()], [0, 'e0 ENOTCONN, e1 ENOTCONN, e2 ENOTCONN']],
  ['umount of a mount that is used: the ring goes on', [...half, umount(), commit('e1'), enter()], ['EBUSY', '-', '-']],
  ['umount -f of a mount that is used', [...busy, umount('m', 'FORCE'), enter(), commit('e0'), STATFS], ['EBUSY', '-', 'e0 ENOTCONN', 'ENOTCONN']],
  ['umount -f of an idle mount', [...only('r'), umount('m', 'FORCE'), enter(), poll()], [0, 'e0 ENOTCONN, e1 ENOTCONN, e2 ENOTCONN', 'ERR']],
  ['lazy umount', [...only('r'), umount('m', 'DETACH'), enter()], [0, 'e0 ENOTCONN, e1 ENOTCONN, e2 ENOTCONN']],
  ['a COMMIT after the umount', [...only('r'), umount(), enter(), command({ ...COMMIT })], ['none ENOTCONN']],
  ['a COMMIT that is submitted after the abort', [...half, commit('e1', { later: true }), ABORT, enter()], [0, 1, 'e0 ENOTCONN, e1 ENOTCONN']],
  ['a request that waits for its thread when the connection ends', [...only('r', 1), call('fusectl', 'a', 'waiting'), ABORT, STATFS, enter()], ['ENOTCONN', 'e0 ENOTCONN']],
  ['after an abort: the device', [...half, ABORT, read(), poll()], ['ENODEV', 'ERR']],
  ['after an abort: ABORT_ERROR', [...carried({ flags: ['ABORT_ERROR'] }), ABORT, read(), enter(), command({ ...COMMIT })], ['ECONNABORTED', 'e0 ENOTCONN', 'none ECONNABORTED']],
  ['ASYNC_CANCEL of a held SQE: ENOENT', [...only('r', 1), command({ ...CANCEL, slot: 'e0' }), STATFS, ...taken('e0')], ['cancel ENOENT', 'asleep', 'e0 0', 0]],
  ['the device is closed: its entries keep it', [...carried(), close(), STATFS, ...taken('e0')], [0, 'asleep', 'e0 0', 0]],
  ['the device is closed: fixed files commit', [...carried(), call('ringfiles', 'r', 'a'), close(), STATFS, ...taken('e0'), commit('e0', { fixed: 0 })], ['e0 0', 0, '-']],
  ['ring and device are closed: the last close', [...half, close(), call('ringclose', 'o'), until('c', call('ringclose', 'r'))], [0, 0, 0]],
  ['ring and device are closed, nothing was delivered', [...agreed(), STATFS, ring(), slot('e0'), register('e0'), close(), until('c', call('ringclose', 'r'))], [0, 0]],
  ['a clone keeps the connection', [...half, open('b'), clone('b'), close(), call('ringclose', 'o'), call('ringclose', 'r'), until('c', close('b'))], [0, 0, 0, 0]],
  ['the ring is closed: requests hang, the device shows nothing', [...closed, STATFS, read(), poll()], ['asleep', 'EAGAIN', 'OUT|WRNORM']],
  ['the ring is closed: a request that hangs can be killed', [...closed, STATFS, signal('c', 'KILL')], ['asleep', 'killed']],
  ['the ring is closed: another takes its place', [...closed, ring('r2'), slot('f'), register('f', { ring: 'r2' }), STATFS, ...taken('f', 'r2'), commit('f', { ring: 'r2' })], ['f 0', 0, '-']],
  ['the ring is closed: its entry in user space can be committed by another', [...half, ring('r2'), call('ringclose', 'r'), commit('e1', { ring: 'r2' }), client('c2', 'statfs m'), ...taken('e1', 'r2')], ['-', 'asleep', 'e1 0', 0]],
  ['a process holds the ring: closing it ends nothing', [...carried(), call('fork', 'p'), call('ringclose', 'r'), STATFS, dump('e0'), call('reap', 'p')], ['asleep', 0, 0]],
  ['a process holds ring and device', [...half, call('fork', 'p'), close(), call('ringclose', 'o'), call('ringclose', 'r'), until('c', call('reap', 'p'))], [0, 0, 0, 0]],
  ['a thread ends: its entries stay, what comes for them is cancelled', [...agreed(), ring(), ...registered().map((step) => on('s', step)), exit('s'), until('c', STATFS), enter()], [0, 'ECANCELED', 'e0 ECANCELED']],
  ['a thread ends: what is in user space is committed by another', [...agreed(), ring(), ...registered().map((step) => on('s', step)), STATFS, ...taken('e0'), exit('s'), commit('e0'), client('c2', 'statfs m'), ...taken('e0')], ['-', 'asleep', 'e0 0', 0]],
  ['killed while the request is in user space, then aborted', [...half, signal('c', 'KILL'), ABORT], ['asleep', 1]],
  ['FLUSH is not taken back by a kill', [...carried(), client('c', 'open x m/f RDONLY'), ...taken('e0'), commit('e0'), dump('e0'), commit('e0'), client('c2', 'statfs m'), ...taken('e0'), client('c', 'close x'), signal('c', 'KILL'), commit('e0'), dump('e0')], ['asleep', 'e0 0', 0]],
]);
