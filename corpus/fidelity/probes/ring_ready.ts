/** When requests begin to go over the ring, what never does, and which queue they take (KERNEL 4.3). */
import {
  agreed,
  CPUS,
  carried,
  commit,
  dump,
  enter,
  register,
  registered,
  ring,
  SMALL,
  slot,
  taken,
} from '../ring_words.ts';
import {
  call,
  client,
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

const STATFS = client('c', 'statfs m');
/** The server did not take the offer. */
const declined = (...steps: Step[]): Step[] => [
  ...ready({ init: SMALL, flags: ['MAX_PAGES', 'PARALLEL_DIROPS'] }),
  ring(),
  ...steps,
];
const refused = [slot('f'), register('f', { len: 1 })];
const odd = (error: number): Uint8Array =>
  Uint8Array.from([
    16,
    0,
    0,
    0,
    ...new Uint8Array(Int32Array.of(error).buffer),
    5,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
  ]);
/** The last queue but without an entry. */
const lastQueue = CPUS - 1;
const allButLast = Array.from({ length: lastQueue }, (_, qid) => [
  slot(`x${qid}`),
  register(`x${qid}`, { qid }),
]).flat();

// biome-ignore format: one row a probe
export const RING_READY = section('4.3', [
  ['taken up: requests wait for the ring', [...agreed(), STATFS, read(), poll()], ['asleep', 'EAGAIN', 'OUT|WRNORM']],
  ['they count as waiting', [...agreed(), STATFS, call('fusectl', 'a', 'waiting')], ['asleep', '1\n']],
  ['one that waits can be killed', [...agreed(), STATFS, signal('c', 'KILL'), call('fusectl', 'a', 'waiting')], ['killed', '0\n']],
  ['a signal that can be handled does not free it', [...agreed(), STATFS, signal('c', 'USR1')], ['asleep', 'asleep']],
  ['every queue has an entry: they go over the ring', [...agreed(), STATFS, ring(), ...registered(), dump('e0'), read()], [0, 'EAGAIN']],
  ['a client gets its answer', [...carried(), STATFS, ...taken('e0'), commit('e0'), enter()], ['-', '-']],
  ['a REGISTER that fails: they go over the device', [...agreed(), STATFS, ring(), ...refused, read()], ['f EINVAL', 40]],
  ['a REGISTER that fails when nobody waits', [...agreed(), ring(), ...refused, STATFS, read()], ['f EINVAL', 'asleep', 40]],
  ['a command that is none does not fail it', [...agreed(), ring(), slot('f'), register('f', { op: 9 }), STATFS, read()], ['f EINVAL', 'asleep', 'EAGAIN']],
  ['a COMMIT that fails does not', [...agreed(), ring(), slot('f'), register('f', { op: 2 }), STATFS, read()], ['f ENOTCONN', 'asleep', 'EAGAIN']],
  ['after one that failed, the others make it ready', [...agreed(), ring(), ...refused, ...registered(), STATFS, ...taken('e0')], ['asleep', 'e0 0', 0]],
  ['what waits on the device then stays there', [...agreed(), ring(), ...refused, STATFS, ...registered(), enter(), read(), reply()], ['-', 40, 96]],
  ['not taken up: nothing waits', declined(STATFS, read()), ['asleep', 40]],
  ['not taken up: the ring takes over all the same', declined(...registered(), STATFS, ...taken('e0')), ['asleep', 'e0 0', 0]],
  ['not taken up: what was on the device stays there', declined(STATFS, ...registered(), client('c2', 'statfs m'), ...taken('e0'), read(), reply()), ['e0 0', 0, 40, 96]],
  ['not taken up: what was read before is answered on the device', declined(STATFS, read(), ...registered(), reply()), [96]],
  ['a REGISTER that fails when the ring is ready', [...carried(), ...refused, STATFS, ...taken('e0')], ['f EINVAL', 'asleep', 'e0 0', 0]],
  ['no reply on the device', [...carried(), STATFS, ...taken('e0'), reply(), commit('e0')], ['ENOENT', '-']],
  ['the device is not readable', [...carried(), STATFS, poll()], ['asleep', 'OUT|WRNORM']],
  ['a notification on the device', [...carried(), write(Uint8Array.from([16, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])), STATFS, ...taken('e0')], [16, 'asleep', 'e0 0', 0]],
  ['RESEND leaves what is on the ring', [...carried(), STATFS, ...taken('e0'), write(Uint8Array.from([16, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])), read(), commit('e0')], [16, 'EAGAIN', '-']],
  ['an INTERRUPT on the device', [...carried(), STATFS, ...taken('e0'), signal('c', 'USR1'), poll(), read()], ['asleep', 'IN|OUT|RDNORM|WRNORM', 48]],
  ['an INTERRUPT answered with ENOSYS', [...carried(), STATFS, ...taken('e0'), signal('c', 'USR1'), read(), write(odd(-38))], [48, 'ENOENT']],
  ['an INTERRUPT answered with EAGAIN', [...carried(), STATFS, ...taken('e0'), signal('c', 'USR1'), read(), write(odd(-11)), read()], [48, 'ENOENT', 'EAGAIN']],
  ['an unread INTERRUPT goes with its request', [...carried(), STATFS, ...taken('e0'), signal('c', 'USR1'), commit('e0'), read()], ['asleep', '-', 'EAGAIN']],
  ['a second signal: no second INTERRUPT', [...carried(), STATFS, ...taken('e0'), signal('c', 'USR1'), read(), signal('c', 'USR1'), read()], [48, 'asleep', 'EAGAIN']],
  ['signalled while it waits for an entry: no INTERRUPT', [...carried(), client('c', 'statfs m'), client('c2', 'statfs m'), ...taken('e0'), signal('c2', 'USR1'), commit('e0'), dump('e0'), read()], ['e0 0', 0, 'EAGAIN']],
  ['and none for a second signal', [...carried(), client('c', 'statfs m'), client('c2', 'statfs m'), ...taken('e0'), signal('c2', 'USR1'), commit('e0'), dump('e0'), signal('c2', 'USR1'), read()], [0, 'asleep', 'EAGAIN']],
  ['killed in user space: INTERRUPT, and the client stays', [...carried(), STATFS, ...taken('e0'), signal('c', 'KILL'), read(), commit('e0')], ['asleep', 48, '-']],
  ['killed while it waits for an entry: gone', [...carried(), client('c', 'statfs m'), client('c2', 'statfs m'), ...taken('e0'), signal('c2', 'KILL'), commit('e0'), enter()], ['killed', '-', '-']],
  ['a FORGET on the device', [...carried(), client('c', 'unlink m/f'), ...taken('e0'), commit('e0'), ...taken('e0'), commit('e0'), enter(), read()], ['-', '-', 48]],
  ['the ring was offered to another connection', [...carried(), open('b'), call('mount', 'probe', 'm2', 'fuse', '0', 'fd=@b,rootmode=40000,user_id=0,group_id=0'), read('b'), reply({ to: 'b', init: SMALL, flags: ['MAX_PAGES'] }), client('c', 'statfs m2'), read('b')], [104, 80, 'asleep', 40]],
]);

const otherCpu: Step[] = [client('c', 'cpu 1'), client('c', 'statfs m')];

// biome-ignore format: one row a probe
const QUEUES = section('4.3q', [
  ['a queue without an entry: not ready', [...agreed(), ring(), ...allButLast, STATFS, enter(), read()], ['asleep', '-', 'EAGAIN']],
  ['the entry that was missing', [...agreed(), ring(), ...allButLast, STATFS, slot('last'), register('last', { qid: lastQueue }), dump('x0')], ['x0 0', 0]],
  ['a queue that a failed REGISTER made does not count', [...agreed(), ring(), ...allButLast, slot('last'), register('last', { qid: lastQueue, pay: 9 }), STATFS, enter(), read()], ['last EINVAL', 'asleep', '-', 40]],
  ['the client’s CPU is the queue', [...carried(), ...otherCpu, ...taken('q1e0', 'o'), commit('q1e0', { qid: 1, ring: 'o' })], ['q1e0 0', 0, '-']],
  ['a commit to another queue: ENOENT', [...carried(), ...otherCpu, ...taken('q1e0', 'o'), commit('q1e0', { qid: 0 }), commit('q1e0', { qid: 1 })], ['q1e0 ENOENT', '-']],
  ['a queue’s entries are not another’s', [...carried(), client('c', 'statfs m'), ...otherCpu.map((step) => ({ ...step, by: 'c2', client: 'c2', line: (seen: Parameters<Step['line']>[0]) => step.line(seen).replace('client c ', 'client c2 ') })), enter(), enter('o')], ['e0 0', 'q1e0 0']],
  ['a full queue does not use another', [...carried(), client('c', 'statfs m'), client('c2', 'statfs m'), enter(), read()], ['asleep', 'asleep', 'e0 0', 'EAGAIN']],
]);

/** Where there is only one CPU, there is only one queue. */
export const RING_QUEUES = CPUS > 1 ? QUEUES : [];
