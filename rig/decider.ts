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
  | 'daemonized'
  /** INIT is about to be made. */
  | 'offer'
  /** A client's request is about to get into the kernel's queue. */
  | 'ask'
  /** A system call of the server that is none of the transport's (Decider.calls). */
  | 'call';

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
  /** The request's place in the capture, from 1; undefined in a live session, and for what no capture holds. */
  readonly index?: number | undefined;
  /** Of `call`: its number. */
  readonly nr?: number | undefined;
}

/** The same at that place in the capture; every moment has the same fields in the same order, and so one shape. */
export const momentAt = (m: Moment, index: number): Moment => ({
  name: m.name,
  transport: m.transport,
  handle: m.handle,
  conn: m.conn,
  tid: m.tid,
  opcode: m.opcode,
  nodeid: m.nodeid,
  unique: m.unique,
  size: m.size,
  queue: m.queue,
  entry: m.entry,
  splice: m.splice,
  nonblock: m.nonblock,
  inFlight: m.inFlight,
  index,
  nr: m.nr,
});

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

/** What a server can run out of. */
export const QUOTAS = [
  ...(['fds', 'memory', 'locked', 'mappings', 'processes', 'space', 'backing-files'] as const),
] as const;
export type QuotaName = (typeof QUOTAS)[number];

/** What it runs out of, and how much more of it there is. */
export interface Quota {
  readonly name: QuotaName;
  /** Calls that take from it, by number. */
  readonly calls: readonly number[];
  readonly amount: number;
  /** It is given back when so many requests have been answered; undefined: never. */
  readonly until: number | undefined;
}

/** What the kernel's side does otherwise. */
export interface Change {
  readonly name:
    | 'hold'
    | 'migrate'
    | 'interrupt'
    | 'forgets'
    | 'malformed'
    | 'readahead'
    | 'max-pages'
    | 'not-offered';
  readonly value: number | string;
}

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
  readonly quota?: Quota;
  readonly change?: Change;
}

export interface Decider {
  /** System calls that the plan is about and that the seam does not look at by itself, by number. */
  readonly calls?: readonly number[];
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

/** A call of the server asks for more than a quota leaves it. */
export interface Denial {
  readonly quota: Quota;
  /** The negative errno it ends with. */
  readonly result: number;
  /** The kernel itself says so, and the call is to go on. */
  readonly byKernel: boolean;
}

/** Who limits what the server has. */
export interface Quotas {
  /** 0, or the negative errno for which the limit cannot be had here. */
  impose(quota: Quota): number;
  release(quota: Quota): void;
  /** Whether a call of the server, which is about to be made, meets a limit. */
  denied(nr: number, tid: number): Denial | undefined;
  /** A backing file is about to be opened (1), or was closed (-1). */
  backing(change: 1 | -1): Denial | undefined;
}

/** Who does what is otherwise. */
export interface Changes {
  /** 0, a negative errno for which it cannot be had here, or LATER: it is told when it has been done. */
  apply(verdict: Verdict, change: Change, moment: Moment): number;
  delivered(moment: Moment): void;
}

/** Not yet: see Changes.apply. Out of the range of errnos. */
export const LATER = -0x10004;
