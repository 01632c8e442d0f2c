/**
 * FUSE over io_uring as a port sees it: what becomes of an IORING_OP_URING_CMD on a fuse device, and
 * which side owns an entry's two buffers. The model (`rings.ts`) implements it after
 * fs/fuse/dev_uring.c.
 *
 * Every SQE has one outcome: `command` returns the `res` of its CQE, or HELD and then, at most once,
 * `onComplete` tells it. An SQE whose entry can never be reached again stays held for ever.
 */
import type { Key } from '../../protocol/cursor.ts';
import type { Ticket } from '../feed.ts';
import type { ConnId, HandleId } from '../kernel.ts';

/** Names one io_uring instance of the server; the port gives the numbers. */
export type RingId = number;

/** The SQE is held: no CQE now. Out of the range of errnos, never seen by a server. */
export const HELD = -0x10002;

/**
 * Memory of the task that submitted a command. Addresses are the server's, and below 2^47 as those of
 * every process: a number holds them.
 */
export interface Memory {
  /** `length` bytes, or -EFAULT if any of them cannot be read; valid until the next call. */
  read(address: number, length: number): Uint8Array | number;
  /**
   * 0, or -EFAULT if any of them cannot be written; those before it may have been. -ESRCH: there is no
   * such process any more.
   */
  write(address: number, bytes: Uint8Array): number;
  /** Room for a request of `size` bytes, for `put`; what lay there before is gone. */
  room(size: number): Uint8Array;
  /**
   * Puts a request into an entry's buffers, in the order of fuse_uring_copy_to_ring(): `opIn` bytes behind
   * the header go to op_in and the rest to the payload, then come ring_ent_in_out and the header. Result
   * as that of `write`.
   */
  put(entry: Buffers, request: Uint8Array, opIn: number, ent: Uint8Array): number;
}

/** Where an entry's two buffers lie in the server; `headers` has 288 bytes. */
export interface Buffers {
  readonly headers: number;
  readonly payload: number;
}

/** The fields of an SQE that the kernel looks at (struct io_uring_sqe, struct fuse_uring_cmd_req). */
export interface RingSqe {
  readonly cmdOp: number;
  readonly handle: HandleId;
  readonly qid: number;
  readonly commitId: Key;
  /** cmd_req.flags; no kernel without buffer pools looks at them. */
  readonly flags: bigint;
  /** REGISTER: `struct iovec[2]`, of the headers and of the payload. */
  readonly addr: bigint;
  /** REGISTER: number of iovecs, 2. */
  readonly len: number;
  /** Returned in the CQE; not looked at. */
  readonly userData: Key;
  /** The ring was made with IORING_SETUP_SQE128. */
  readonly sqe128: boolean;
  /** IOSQE_CQE_SKIP_SUCCESS: only a result below 0 has a CQE. */
  readonly quiet: boolean;
}

/** A command that was accepted: what a port needs to post its CQE. */
export interface RingCommand {
  readonly ring: RingId;
  readonly handle: HandleId;
  readonly userData: Key;
  /** FUSE_IO_URING_CMD_*. */
  readonly cmdOp: number;
  readonly quiet: boolean;
}

/** enum fuse_ring_req_state, without its FRRS_. Other texts call AVAILABLE "WAIT". */
export type EntryState =
  | 'INVALID'
  | 'COMMIT'
  | 'AVAILABLE'
  | 'FUSE_REQ'
  | 'USERSPACE'
  | 'TEARDOWN'
  | 'RELEASED';

/** Who may touch an entry's buffers. */
export type Owner = 'server' | 'kernel';

/** A pair of buffers registered with a queue (struct fuse_ring_ent). */
export interface Entry extends Buffers {
  readonly conn: ConnId;
  readonly qid: number;
  /** Counts the REGISTERs of a queue that succeeded, from 0. */
  readonly index: number;
  /** Bytes of `payload` that the kernel uses. */
  readonly payloadSize: number;
  readonly state: EntryState;
  readonly owner: Owner;
  /** The kernel holds an SQE for it. */
  readonly held: boolean;
  /** The last command accepted for it: in `onComplete` the one that ends. */
  readonly command: RingCommand;
  /** Most bytes that a successful reply to the request in it may have; 0 where nobody knows. */
  readonly mostReply: number;
}

export interface RingKernel {
  /** module parameter enable_uring: decides what INIT offers and whether commands are taken. */
  enabled: boolean;
  /**
   * One SQE (fuse_uring_cmd()): the `res` of its CQE, HELD, or BLOCK while the handle waits for its
   * mount (the submitter sleeps in io_uring_enter; ask again after `onWake`). -EAGAIN: INIT is not
   * answered; nothing is remembered. `memory` is that of the submitting task; it is kept as long as
   * the SQE is held.
   */
  command(ring: RingId, sqe: RingSqe, memory: Memory): number;
  /**
   * The end of what one io_uring_enter submits. A Kernel may gather commands and carry them out here;
   * what becomes of them is told as of those that are held.
   */
  flush(): void;
  /**
   * The ring was closed (IO_URING_F_CANCEL for each SQE it holds). SQEs of
   * AVAILABLE entries end with -ENOTCONN; nothing else happens to the connection. `taskGone`: task
   * work of the ring that is pending runs as that of a dead task. Close the handle itself
   * (`Kernel.close`) after this, and only if no other ring `holds` it.
   */
  cancelRing(ring: RingId, taskGone?: boolean): void;
  /**
   * A thread has ended while others have its ring: nothing is cancelled (io_uring_cancel_generic() looks
   * for tracked files only), and task work of its commands runs as that of a dead task. `deferred`: the
   * ring has IORING_SETUP_DEFER_TASKRUN, and nobody else may run it.
   */
  taskEnded(ring: RingId, deferred: boolean): void;
  /** Held SQEs of this handle: each is a reference to the open file. */
  holds(handle: HandleId): number;
  /**
   * The task of the entry's ring enters the kernel, and the request that waits for it is copied and
   * delivered (fuse_uring_send_in_task()); `dead`: the task exits. Nothing if nothing waits.
   */
  runTask(entry: Entry, dead?: boolean): void;
  /**
   * The request just delivered to the entry reached nobody, for its CQE was another: it waits for the
   * next entry, and this one is dead, as after the cancel of its command. No kernel does this to a live ring.
   */
  withdraw?(entry: Entry): void;
  /** A REGISTER of this handle was refused before the Kernel saw it: clients go to the device again. */
  giveUp?(handle: HandleId): void;
  /** The ring carries this connection's requests; it never goes back. */
  ready(conn: ConnId): boolean;
  /** Every entry of a connection that was not freed, by queue and index. */
  entries(conn: ConnId): readonly Entry[];
  /** The ticket of the request an entry carries; undefined for none and for the kernel's own. */
  ticketOf(entry: Entry): Ticket | undefined;

  /** A held SQE has its CQE; `entry.command` says whose. */
  onComplete: (entry: Entry, res: number) => void;
  /**
   * The CQE of an SQE that `command` said was held, and that was refused after all: it came too early
   * for INIT, or was gathered. No entry holds it; a refused COMMIT leaves its entry with the server,
   * and `onOwner` says so first.
   */
  onRefused: (command: RingCommand, sqe: RingSqe, res: number) => void;
  /**
   * The entry's buffers changed hands. `unique` is the request delivered (to 'server') or committed
   * (to 'kernel', after the reply was read), 0 where there is none: registration, -ENOTCONN, and a
   * delivery that failed half-way, after which the kernel still owns what it has partly written.
   */
  onOwner: (entry: Entry, owner: Owner, unique: Key) => void;
  /** A request is about to be written into buffers the kernel owns: look at them now. */
  onDelivery: (entry: Entry, unique: Key) => void;
  /** A request was assigned; the ring's task must run. By default it does so at once. */
  onTaskWork: (entry: Entry) => void;
  /** From now on requests go over the ring. */
  onReady: (conn: ConnId) => void;
  /** The kernel that is modelled has a BUG_ON or a stale pointer here; the model goes on. */
  onBug: (entry: Entry, what: string) => void;
}
