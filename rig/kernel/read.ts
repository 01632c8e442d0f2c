/**
 * read(2) of the device: its checks in their order, and the delivery of one message
 * (fuse_dev_do_read() in fs/fuse/dev.c).
 */
import { IN_HEADER_SIZE } from '../protocol/constants.ts';
import { ProtocolError } from '../protocol/cursor.ts';
import { ERRNO } from '../protocol/errno.ts';
import { opcodeOf } from '../protocol/header.ts';
import { type BodyLimits, replyLimits } from '../protocol/message.ts';
import type { Negotiated } from '../protocol/negotiated.ts';
import { OP, opOf } from '../protocol/opcodes.ts';
import type { Connection } from './connection.ts';
import type { Device } from './device.ts';
import { writeInHeader } from './in-header.ts';
import { cancelInterrupt, deliverInterrupt, queueInterrupt } from './interrupt.ts';
import { BLOCK } from './kernel.ts';
import { type FuseReq, NO_LIMITS } from './request.ts';

/** What a reader of a dead connection gets. */
export const deathOf = (conn: Connection): number =>
  conn.aborted ? -ERRNO.ECONNABORTED : -ERRNO.ENODEV;

/**
 * Reads one message into `into`, which holds at least `size` bytes or the longest message. Returns
 * its length, a negative errno or BLOCK. `resumed`: the same call asked before and got BLOCK; a
 * sleeping reader's buffer is not measured again when INIT has raised what it must hold.
 */
export function readDevice(
  device: Device,
  size: number,
  into: Uint8Array,
  resumed = false,
): number {
  if (device.state === 'unbound') return -ERRNO.EPERM;
  const { conn } = device;
  if (conn === undefined) return BLOCK;
  if (!resumed && size < conn.negotiated.minReadBuffer) return -ERRNO.EINVAL;
  if (device.lost) return deathOf(conn);
  const { input } = conn;
  for (;;) {
    if (!input.connected) return deathOf(conn);
    if (!input.ready) return BLOCK;
    for (const req of input.interrupts) {
      input.interrupts.delete(req);
      return deliverInterrupt(into, req);
    }
    if (input.forgets.isNext(input.pending.length > 0)) {
      const minor = conn.accepted ? conn.negotiated.minor : 0;
      return input.forgets.deliver(into, size, input.nextUnique(), minor);
    }
    const req = input.pending.shift();
    if (req === undefined) continue;
    if (IN_HEADER_SIZE + req.spec.body.length <= size) return deliver(device, conn, req, into);
    const tooLong = req.spec.opcode === OP.SETXATTR.opcode ? ERRNO.E2BIG : ERRNO.EIO;
    conn.end(req, -tooLong);
  }
}

/** Moves a request to the handle's table, or ends it if no reply is awaited, and copies it out. */
function deliver(device: Device, conn: Connection, req: FuseReq, into: Uint8Array): number {
  const { unique, spec } = req;
  const length = IN_HEADER_SIZE + spec.body.length;
  req.place = 'sent';
  if (req.noReply) conn.end(req, 0);
  else {
    device.processing.set(unique, req);
    if (req.interrupted) queueInterrupt(conn, req);
  }
  // Whoever was called back may have read into the same buffer, or aborted: copy last.
  if (!conn.connected) return deathOf(conn);
  writeInHeader(into, unique, spec.body.length, spec);
  into.set(spec.body, IN_HEADER_SIZE);
  if (!req.noReply) req.limits = limitsOf(into.subarray(0, length), conn.negotiated);
  return length;
}

/** Reply sizes of a delivered request; none for a request that is not as its row says. */
export function limitsOf(message: Uint8Array, negotiated: Negotiated): BodyLimits {
  try {
    return replyLimits(opOf(opcodeOf(message)), message, negotiated) ?? NO_LIMITS;
  } catch (error) {
    if (error instanceof ProtocolError) return NO_LIMITS;
    throw error;
  }
}

/** The bytes just read could not be stored: EFAULT for the reader, EIO for the client. */
export function faultDevice(device: Device, message: Uint8Array): void {
  const req = device.requestOf(message);
  if (req === undefined || device.conn === undefined) return;
  device.processing.delete(req.unique);
  device.conn.end(req, -ERRNO.EIO);
}

/** Puts a request that nobody got back to the head of the queue, as RESEND does but as it was. */
export function unreadDevice(device: Device, message: Uint8Array): boolean {
  const { conn } = device;
  const req = device.requestOf(message);
  if (req === undefined || conn === undefined) return false;
  device.processing.delete(req.unique);
  // Queued again when it is delivered again.
  cancelInterrupt(conn, req);
  req.place = 'pending';
  conn.input.pending.splice([req]);
  conn.wake();
  return true;
}
