/**
 * What a fault is: one way in which a transport goes wrong. A fault has a file of its own and a line in
 * list.ts; everything else (grammar, schema, help, documents) is derived from that.
 *
 * A fault is *possible* where a kernel could do it to a server, and then names the function of fs/fuse
 * (or above it) that does; else it is *synthetic*: what it finds says nothing of a bug by itself.
 */
import type { Fate } from '../rig/events.ts';
import type { ErrnoName } from '../rig/protocol/errno.ts';

export type Transport = 'device' | 'ring';

/** The moments of rig/decider.ts at which a call or a CQE can have another result. */
export type ResultMoment =
  | 'mount'
  | 'deliver'
  | 'reply'
  | 'clone'
  | 'ioctl'
  | 'setup'
  | 'register'
  | 'cqe'
  | 'commit';

/** One error that a call or a CQE can end with. */
export interface ErrnoRow {
  readonly errno: ErrnoName;
  /** The kernel's source function, and when; undefined: synthetic. */
  readonly possible?: string;
  /** Possible only where the handle is O_NONBLOCK. */
  readonly nonblock?: true;
  readonly fate: Fate;
  /**
   * The connection is whole and the server must go on; else it may end, and nobody blames it. Of what is
   * possible on some handles, only there; of what no kernel does, wherever the error itself says it.
   */
  readonly goesOn?: true;
}

interface Common {
  readonly name: string;
  /** One line: what happens. */
  readonly does: string;
  readonly transports: readonly Transport[];
}

/** A call or CQE ends with an error. Fires at one moment, and by default every time. */
export interface ResultFault extends Common {
  readonly kind: 'result';
  readonly moment: ResultMoment;
  /** Of moments of the device: splice(2) alone, or all but that. */
  readonly splice?: boolean;
  /** It is about a message: it can be chosen by opcode, nodeid, size, inflight. */
  readonly carries: boolean;
  readonly errnos: readonly ErrnoRow[];
}

/** The connection or the server ends. Fires at a point of points.ts, and by default once. */
export interface TeardownFault extends Common {
  readonly kind: 'teardown';
  /** The kernel's source function; undefined: synthetic. */
  readonly possible?: string;
  /** The session goes on: part of it is gone. */
  readonly goesOn?: true;
  /** Nothing is said of any request by default. */
  readonly fate?: Fate;
}

export type Fault = ResultFault | TeardownFault;
