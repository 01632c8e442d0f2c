/**
 * One request inside the kernel (struct fuse_req), from its allocation to its end. It holds the
 * body by reference: what a client put in must stay unchanged until the request has ended.
 */
import type { Key } from '../protocol/cursor.ts';
import type { BodyLimits } from '../protocol/message.ts';
import { opOf } from '../protocol/opcodes.ts';
import type { Connection } from './connection.ts';
import type { Outcome, RequestSpec, Ticket } from './feed.ts';
import type { RingEntry } from './ring/entry.ts';
import type { RingQueue } from './ring/queue.ts';

/**
 * Where it is: waiting in fuse_get_req(), in a background queue, in the input queue or a ring's
 * (FR_PENDING), with an entry of a ring but not copied, in a handle's or a ring queue's processing
 * table (FR_SENT), or FR_FINISHED.
 */
export type Place = 'blocked' | 'background' | 'pending' | 'assigned' | 'sent' | 'ended';

/**
 * How far the client's wait has come (request_wait_answer()): any signal wakes it, only fatal ones
 * do, none does.
 */
export type Wait = 'interruptible' | 'killable' | 'uninterruptible';

/** Any body will do: an opcode the protocol has no row for. */
export const NO_LIMITS: BodyLimits = { min: 0, max: Number.POSITIVE_INFINITY };

export class FuseReq {
  /** 0 for the kernel's own requests (INIT, DESTROY, NOTIFY_REPLY). */
  readonly ticket: Ticket;
  readonly spec: RequestSpec;
  readonly background: boolean;
  readonly force: boolean;
  /** Without FR_ISREPLY: finished by the read that delivers it. */
  readonly noReply: boolean;
  /** Called at the end of one of the kernel's own requests. */
  readonly own: ((outcome: Outcome) => void) | undefined;
  /** Of one that a client waits for. */
  conn: Connection | undefined;
  /** 0 while it has none. */
  unique: Key = 0;
  /** NOTIFY_REPLY: its unique is the server's and takes no number. */
  numbered = false;
  place: Place = 'blocked';
  /** When it was allocated (create_time), in ms of the model's time. */
  created = 0;
  wait: Wait = 'interruptible';
  /** FR_INTERRUPTED: its client was signalled, and the server is or will be told. */
  interrupted = false;
  /** A signal came before the wait for the answer began; it is found when that wait begins. */
  signalled = false;
  /** Counted by the background queue, until its end. */
  counted = false;
  /** What a successful reply's body may measure; known from the delivery on. */
  limits: BodyLimits = NO_LIMITS;
  /** The ring queue it was put into (FR_URING), and the entry that carries it. */
  queue: RingQueue | undefined;
  entry: RingEntry | undefined;
  /** Neighbours in the one RequestQueue that holds it. */
  previous: FuseReq | undefined;
  next: FuseReq | undefined;

  constructor(ticket: Ticket, spec: RequestSpec, own?: (outcome: Outcome) => void) {
    this.ticket = ticket;
    this.spec = spec;
    this.background = spec.background ?? false;
    this.force = spec.force ?? false;
    this.noReply = opOf(spec.opcode)?.reply.kind === 'none';
    this.own = own;
  }
}
