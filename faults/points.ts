/** The named points of a session at which it can be torn down. */
import type { MomentName } from '../rig/decider.ts';
import { OP } from '../rig/protocol/opcodes.ts';
import type { Transport } from './fault.ts';

export interface Point {
  readonly name: string;
  /** One line: when it is. */
  readonly when: string;
  readonly transports: readonly Transport[];
  readonly moment: MomentName;
  /** Only these opcodes come there; undefined: whatever the rule says. */
  readonly opcodes?: readonly number[];
  /** A message is there to choose by: opcode, nodeid, size, inflight. */
  readonly carries: boolean;
}

const BOTH = ['device', 'ring'] as const;
const DEVICE = ['device'] as const;
const RING = ['ring'] as const;

export const POINTS: readonly Point[] = [
  {
    name: 'before-init',
    when: 'the mount is made and INIT waits, but nobody has read it',
    transports: BOTH,
    moment: 'mounted',
    carries: false,
  },
  {
    name: 'before-init-reply',
    when: 'the server has read INIT and not answered it',
    transports: BOTH,
    moment: 'delivered',
    opcodes: [OP.INIT.opcode],
    carries: false,
  },
  {
    name: 'init-replied',
    when: 'the kernel has taken the reply to INIT: before the first request, and the first REGISTER',
    transports: BOTH,
    moment: 'replied',
    opcodes: [OP.INIT.opcode],
    carries: false,
  },
  {
    name: 'before-register',
    when: 'a REGISTER comes; with when=1 the first',
    transports: RING,
    moment: 'register',
    carries: false,
  },
  {
    name: 'registered',
    when: 'a REGISTER is held; with when=n between the n-th and the next',
    transports: RING,
    moment: 'registered',
    carries: false,
  },
  {
    name: 'asked',
    when: "a client asks: the request is about to get into the kernel's queue",
    transports: BOTH,
    moment: 'ask',
    carries: true,
  },
  {
    name: 'delivered',
    when: 'the server has a request and has not answered it; with inflight=n, n of them',
    transports: BOTH,
    moment: 'delivered',
    carries: true,
  },
  {
    name: 'cqe-before-commit',
    when: 'the CQE of a request is posted, its COMMIT has not come',
    transports: RING,
    moment: 'delivered',
    carries: true,
  },
  {
    name: 'commit',
    when: 'a COMMIT is being submitted: before the io_uring_enter that carries it goes on',
    transports: RING,
    moment: 'commit',
    carries: true,
  },
  {
    name: 'reply-write',
    when: 'the server writes a reply, and the kernel has not taken it',
    transports: DEVICE,
    moment: 'reply',
    carries: true,
  },
  {
    name: 'forget',
    when: 'a FORGET or BATCH_FORGET was delivered',
    transports: BOTH,
    moment: 'delivered',
    opcodes: [OP.FORGET.opcode, OP.BATCH_FORGET.opcode],
    carries: false,
  },
  {
    name: 'interrupt-pending',
    when: 'an INTERRUPT is queued, and about to be read',
    transports: BOTH,
    moment: 'deliver',
    opcodes: [OP.INTERRUPT.opcode],
    carries: false,
  },
  {
    name: 'daemonized',
    when: 'the first process has exited and its daemon lives on',
    transports: BOTH,
    moment: 'daemonized',
    carries: false,
  },
];

const byName = new Map(POINTS.map((point) => [point.name, point]));

export const pointOf = (name: string): Point | undefined => byName.get(name);
