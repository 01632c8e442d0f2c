/**
 * write(2) to the device: its checks in their order, and the end of the request that was answered
 * (fuse_dev_do_write() and fuse_copy_out_args() in fs/fuse/dev.c). From "not in the table" on a
 * wrong reply costs the request: its client gets EIO.
 */
import { ERROR_LIMIT, INTERRUPT_BIT, OUT_HEADER_SIZE } from '../protocol/constants.ts';
import { type Key, keyOf, readKey } from '../protocol/cursor.ts';
import { ERRNO } from '../protocol/errno.ts';
import { errorOf, lenOf, uniqueOf } from '../protocol/header.ts';
import { OUT_HEADER } from '../protocol/structs-common.ts';
import type { Connection } from './connection.ts';
import type { Device } from './device.ts';
import { replyToInterrupt } from './interrupt.ts';
import { type NodeFacts, notify } from './notify.ts';
import type { FuseReq } from './request.ts';

/**
 * Takes a write of `length` bytes of which `message` holds the readable ones. Returns `length` or a
 * negative errno.
 */
export function writeDevice(
  device: Device,
  message: Uint8Array,
  length: number,
  nodes: NodeFacts,
): number {
  const { conn } = device;
  if (conn === undefined) return -ERRNO.EPERM;
  if (length < OUT_HEADER_SIZE) return -ERRNO.EINVAL;
  if (message.length < OUT_HEADER_SIZE) return -ERRNO.EFAULT;
  if (lenOf(message) !== length) return -ERRNO.EINVAL;
  const unique = readKey(message, OUT_HEADER.at.unique);
  const error = errorOf(message);
  if (unique === 0) return notify(conn, error, message, length, nodes) || length;
  if (error > 0 || error <= -ERROR_LIMIT) return -ERRNO.EINVAL;
  const odd = isOdd(unique);
  const req = device.processing.get(odd ? keyOf(uniqueOf(message) ^ INTERRUPT_BIT) : unique);
  if (req === undefined) return -ERRNO.ENOENT;
  if (odd) return replyToInterrupt(conn, req, error, length) || length;
  device.processing.delete(unique);
  return take(conn, req, error, message, length);
}

const isOdd = (unique: Key): boolean =>
  typeof unique === 'number' ? unique % 2 === 1 : (unique & INTERRUPT_BIT) !== 0n;

/** Ends a request that was in the table, as its reply deserves. */
function take(
  conn: Connection,
  req: FuseReq,
  error: number,
  message: Uint8Array,
  length: number,
): number {
  const size = length - OUT_HEADER_SIZE;
  const { min, max } = error === 0 ? req.limits : { min: 0, max: 0 };
  let wrong = 0;
  if (size < min || size > max) wrong = -ERRNO.EINVAL;
  else if (message.length < length) wrong = -ERRNO.EFAULT;
  if (wrong !== 0) conn.end(req, -ERRNO.EIO);
  else conn.end(req, error, message.subarray(OUT_HEADER_SIZE, length), true);
  return wrong || length;
}
