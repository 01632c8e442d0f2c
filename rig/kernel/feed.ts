/**
 * The client side of the model Kernel: what a mount's callers, the VFS and fusectl would do to a
 * connection. The replayer feeds captured requests through this; probes script it.
 */
import type { Key } from '../protocol/cursor.ts';
import type { ConnId } from './kernel.ts';

/** Names one request put into a connection, from 1. */
export type Ticket = number;

export interface RequestSpec {
  opcode: number;
  nodeid: Key;
  uid: number;
  gid: number;
  pid: number;
  /** Everything after fuse_in_header: arguments, names, data, extensions. */
  body: Uint8Array;
  /** in_header.total_extlen, in 8-byte units. */
  extlen: number;
  /** Goes through the background queue (KERNEL 1.15). */
  background?: boolean;
  /** Cannot be killed while pending (FLUSH, RELEASE, DESTROY ...). */
  force?: boolean;
  /** CPU the client runs on, from 0: decides over the queue of a ring. Default 0. */
  cpu?: number;
}

/** How a request ended, as its client sees it. */
export interface Outcome {
  /** 0, or the negative errno the client gets. */
  error: number;
  /** Reply body after fuse_out_header; empty when error is not 0. */
  body: Uint8Array;
  /** True when the server's reply ended it, false when the kernel did (abort, bad reply ...). */
  replied: boolean;
}

/** Who a request is made for. */
export interface Writer {
  uid: number;
  gid: number;
  pid: number;
}

export interface Forget {
  nodeid: bigint;
  nlookup: bigint;
}

export interface Feed {
  /** Puts a request into the pending (or background) queue; its unique is assigned here. */
  enqueue(conn: ConnId, spec: RequestSpec): Ticket;
  /** The unique a ticket got; undefined while it has none (INIT not answered, background). */
  uniqueOf(ticket: Ticket): bigint | undefined;
  /** The server has the request, and nobody has answered it. */
  delivered?(ticket: Ticket): boolean;
  /** False once nothing can be sent any more. */
  connected(conn: ConnId): boolean;
  /** A non-fatal signal reached the client of this request (KERNEL 1.9). */
  interrupt(ticket: Ticket): void;
  /** A fatal signal reached the client of this request. */
  kill(ticket: Ticket): void;
  /** Queues forgets; delivery form and order are the kernel's (KERNEL 1.6). */
  forget(conn: ConnId, forgets: readonly Forget[]): void;
  /**
   * Queues a NOTIFY_REPLY for a RETRIEVE notification seen by `onNotify`; its header names the thread
   * that wrote the notification (fuse_get_req()).
   */
  notifyReply(
    conn: ConnId,
    notifyUnique: bigint,
    nodeid: bigint,
    body: Uint8Array,
    writer?: Writer,
  ): void;
  /** The last reference to the superblock goes: umount of an idle mount (KERNEL 1.12). */
  shutdown(conn: ConnId): void;
  /** A write to fusectl `abort`. */
  abort(conn: ConnId): void;
  /** umount -f: aborts without ABORT_ERROR, the mount stays. */
  forceUnmount(conn: ConnId): void;
  /** Number of requests from allocation to end, as fusectl `waiting` counts them. */
  waiting(conn: ConnId): number;

  /** A request has ended. */
  onEnd: (ticket: Ticket, outcome: Outcome) => void;
  /** The INIT reply was taken (or refused: `accepted` false). Body is init_out, zero-filled to 64. */
  onInit: (conn: ConnId, accepted: boolean, body: Uint8Array) => void;
  /** A notification was accepted; body is what follows fuse_out_header. */
  onNotify: (conn: ConnId, code: number, body: Uint8Array) => void;
}
