/**
 * What a session asks at the moments at which something can go wrong, and what it may be told. The
 * session declares this and applies what it is told; who decides (faults/decider.ts) is handed in.
 */
import type { Fate } from './fault_events.ts';

export type MomentName =
  /** A FUSE file system is about to be mounted; it was, and the server does not know yet. */
  | 'mount'
  | 'mounted'
  /** Device: a message is about to be given to a read or splice. */
  | 'deliver'
  /** The server has a message: its read was answered, or its CQE is posted. */
  | 'delivered'
  /** Device: a reply was written and the kernel has not looked at it; it has taken it. */
  | 'reply'
  | 'replied'
  /** FUSE_DEV_IOC_CLONE; FUSE_DEV_IOC_BACKING_OPEN and _CLOSE. */
  | 'clone'
  | 'ioctl'
  /** io_uring_setup(2). */
  | 'setup'
  /** A REGISTER comes; it is held. */
  | 'register'
  | 'registered'
  /** The CQE that brings a request is about to be posted. */
  | 'cqe'
  /** A COMMIT_AND_FETCH comes: the io_uring_enter that carries it has not gone on. */
  | 'commit'
  /** The first process has exited, and another lives on. */
  | 'daemonized';

export interface Moment {
  readonly name: MomentName;
  readonly transport: 'device' | 'ring';
  readonly handle: number;
  readonly conn: number;
  readonly tid: number;
  /** Of the request; 0 where there is none. */
  readonly opcode: number;
  readonly nodeid: bigint;
  readonly unique: bigint;
  /** Bytes of the request, header included. */
  readonly size: number;
  /** -1 where there is none. */
  readonly queue: number;
  readonly entry: number;
  /** By splice(2). */
  readonly splice: boolean;
  /** The handle is O_NONBLOCK. */
  readonly nonblock: boolean;
  /** Requests the server has and has not answered, this one included. */
  readonly inFlight: number;
}

/** How a connection or its server can be ended. */
export const TEARDOWNS = [
  'unmount',
  'lazy',
  'force',
  'abort',
  'device',
  'clone-loss',
  'sigterm',
  'sigint',
  'sigkill',
  'restart',
] as const;
export type TeardownName = (typeof TEARDOWNS)[number];

/** One rule came true. */
export interface Verdict {
  /** Place in the plan, from 1, and its text. */
  readonly rule: number;
  readonly text: string;
  readonly fault: string;
  readonly synthetic: boolean;
  readonly goesOn: boolean;
  readonly fate: Fate;
  /** What the call or CQE ends with instead: a positive errno, or 0. */
  readonly errno: number;
  readonly teardown: TeardownName | undefined;
  /** How often the teardown is done. */
  readonly times: number;
}

export interface Decider {
  /** The rules that come true now, in the plan's order; often none. */
  decide(moment: Moment): readonly Verdict[];
  /** The server was started again: connections and messages have their numbers anew. */
  restarted?(): void;
}

/** Who carries out teardowns: the replayer, or what runs a live session. */
export interface Teardowns {
  /** 0, or the negative errno with which the teardown is refused here: nothing happens. */
  refused(how: TeardownName, moment: Moment): number;
  perform(how: TeardownName, moment: Moment, times: number): void;
}
