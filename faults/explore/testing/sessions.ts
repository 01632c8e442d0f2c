/** Sessions as a Watcher has seen them, for tests, and outcomes of runs that never were. */
import type { Failure, Outcome, Run } from '../outcome.ts';
import type { Seen } from '../seen.ts';

const moment = (name: string, opcode: number, count: number, transport = 'device', nr = -1) => ({
  ...{ name, transport, opcode, splice: false, nonblock: false, nr, count },
});
/** openat, eventfd2, mmap, mlock, io_uring_register, clone3, pwrite64. */
const CALLS = [257, 290, 9, 149, 427, 435, 18];

/** INIT, two LOOKUPs and one READ by the device. */
export const DEVICE_SEEN = {
  moments: [
    moment('mount', 0, 1),
    moment('mounted', 0, 1),
    moment('ask', 1, 2),
    moment('ask', 15, 1),
    ...['deliver', 'delivered', 'reply', 'replied'].flatMap((name) => [
      moment(name, 1, 2),
      moment(name, 15, 1),
      moment(name, 26, 1),
    ]),
  ],
  most: { when: 2, size: 80, nodeid: 3, inflight: 1 },
} as unknown as Seen;

/** The same over a ring of two entries. */
export const RING_SEEN = {
  moments: [
    ...['mount', 'mounted'].map((name) => moment(name, 0, 1)),
    ...['deliver', 'delivered', 'reply', 'replied'].map((name) => moment(name, 26, 1)),
    ...['register', 'registered'].map((name) => moment(name, 0, 2, 'ring')),
    ...['cqe', 'delivered', 'commit', 'ask'].map((name) => moment(name, 1, 2, 'ring')),
    moment('offer', 0, 1),
    ...CALLS.map((nr) => moment('call', 0, 2, 'device', nr)),
  ],
  most: { when: 2, queue: 0, entry: 1, size: 80, nodeid: 3, inflight: 1 },
} as unknown as Seen;

export const hang = (nr = 202, wchan = 'futex_do_wait'): Failure => ({
  check: 'termination',
  text: 'the server hangs: every thread waits and nothing can wake any (proven)',
  details: [`server (thread 4711): forever, system call ${nr}, in ${wchan}`, 'why: it must end'],
});

export const outcome = (plan: readonly string[], failures: readonly Failure[] = []): Outcome => ({
  exit: failures.length > 0 ? 1 : 0,
  failures,
  rules: plan.map((rule) => ({ rule, fired: 1, refused: 0, synthetic: false })),
  log: '0',
  seconds: 0,
});

export const runOf = (index: number, plan: readonly string[], failures?: Failure[]): Run => ({
  ...{ index, plan, audited: false, outcome: outcome(plan, failures) },
});
