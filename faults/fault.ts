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
  | 'commit'
  | 'call';

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
   * possible on some handles, only there; of what no kernel does, wherever the error itself says it. `run`:
   * once requests come; while it starts it may give up.
   */
  readonly goesOn?: true | 'run';
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
  /** Of the moment `call`: the system calls of the server that are meant, by number. */
  readonly calls?: readonly number[];
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

/** The server has so much of something more from a point on, and no more; until it is given back. */
export interface QuotaFault extends Common {
  readonly kind: 'quota';
  /** What is counted, in a word or two, and by what it is limited. */
  readonly counts: string;
  readonly possible: string;
  /** What becomes of the requests of that time. */
  readonly fate: Fate;
  readonly goesOn?: true | 'run';
  /** Calls that the rig must see for it, by number: to refuse them, or to tell which the kernel must refuse. */
  readonly calls?: readonly number[];
}

/** A value of a change that is a word. */
export interface ChangeWord {
  readonly word: string;
  readonly does: string;
  /** The kernel's source function; undefined: synthetic. */
  readonly possible?: string;
  /** Its moment, where it is another than the fault's. */
  readonly moment?: ChangeMoment;
}

/** `offer`: INIT is made. `ask`: a request is put into the kernel's queue. `delivered`: the server has it. */
export type ChangeMoment = 'offer' | 'ask' | 'delivered';

/** The kernel's side does something else than usual: asks later, elsewhere, something odd. */
export interface ChangeFault extends Common {
  readonly kind: 'change';
  readonly moment: ChangeMoment;
  /** Only requests of these opcodes. */
  readonly opcodes?: readonly number[];
  /** The value is a number of these, or one of the words. */
  readonly numbers?: { readonly least: number; readonly most: number; readonly possible?: string };
  readonly words?: readonly ChangeWord[];
  /** What becomes of the request. */
  readonly fate: Fate;
  /** A server that cannot do without may end, and nobody blames it. */
  readonly mayEnd?: true;
}

export type Fault = ResultFault | TeardownFault | QuotaFault | ChangeFault;
