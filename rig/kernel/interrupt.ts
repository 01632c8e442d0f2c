/**
 * Signals and what they do to a request: INTERRUPT messages, killed clients, the server's reply to
 * an INTERRUPT (request_wait_answer(), queue_interrupt() and fuse_read_interrupt() in
 * fs/fuse/dev.c).
 */
import { IN_HEADER_SIZE, INTERRUPT_BIT, OUT_HEADER_SIZE } from '../protocol/constants.ts';
import { writeKey } from '../protocol/cursor.ts';
import { ERRNO } from '../protocol/errno.ts';
import { OP } from '../protocol/opcodes.ts';
import { INTERRUPT_IN } from '../protocol/structs-session.ts';
import type { Connection } from './connection.ts';
import { ownHeader, writeInHeader } from './in-header.ts';
import type { FuseReq } from './request.ts';

/** Queues an INTERRUPT unless one of this request is unread. */
export function queueInterrupt(conn: Connection, req: FuseReq): void {
  if (conn.input.interrupts.has(req)) return;
  conn.input.interrupts.add(req);
  conn.wake();
}

/** The request needs its INTERRUPT no more: it was answered, ended, or will be delivered again. */
export function cancelInterrupt(conn: Connection, req: FuseReq): void {
  if (req.interrupted) conn.input.interrupts.delete(req);
}

/** A non-fatal signal reached the client. */
export function signal(conn: Connection, req: FuseReq): void {
  req.signalled = true;
  if (req.background || req.place === 'blocked' || req.wait !== 'interruptible') return;
  // fc->no_interrupt is looked at only when a wait begins: who waited before is still heard.
  req.wait = 'killable';
  req.interrupted = true;
  if (req.place === 'sent') queueInterrupt(conn, req);
}

/** A fatal signal reached the client. */
export function kill(conn: Connection, req: FuseReq): void {
  if (req.place === 'blocked') {
    conn.unqueue(req);
    conn.end(req, -ERRNO.EINTR);
    return;
  }
  if (req.background || req.wait === 'uninterruptible') return;
  signal(conn, req);
  if (!req.force && req.place === 'pending') {
    conn.unqueue(req);
    conn.end(req, -ERRNO.EINTR);
  } else req.wait = 'uninterruptible';
}

/** The server replied to an INTERRUPT of `req`: 0, or the errno of its write. */
export function replyToInterrupt(
  conn: Connection,
  req: FuseReq,
  error: number,
  length: number,
): number {
  if (length !== OUT_HEADER_SIZE) return -ERRNO.EINVAL;
  if (error === -ERRNO.ENOSYS) conn.noInterrupt = true;
  if (error !== -ERRNO.EAGAIN) return 0;
  if (!req.interrupted) return -ERRNO.EINVAL;
  queueInterrupt(conn, req);
  return 0;
}

/** Writes the INTERRUPT of `req` to `into`; its length. */
export function deliverInterrupt(into: Uint8Array, req: FuseReq): number {
  const size = INTERRUPT_IN.size;
  writeInHeader(into, BigInt(req.unique) | INTERRUPT_BIT, size, ownHeader(OP.INTERRUPT.opcode));
  writeKey(into, IN_HEADER_SIZE + INTERRUPT_IN.at.unique, req.unique);
  return IN_HEADER_SIZE + size;
}
