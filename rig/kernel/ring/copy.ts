/**
 * Requests into an entry's buffers, and replies out of them (fuse_uring_copy_to_ring() and
 * fuse_uring_commit() in fs/fuse/dev_uring.c).
 */
import { ERROR_LIMIT, IN_HEADER_SIZE, OUT_HEADER_SIZE } from '../../protocol/constants.ts';
import { readU32, writeKey, writeU32 } from '../../protocol/cursor.ts';
import { ERRNO } from '../../protocol/errno.ts';
import { errorOf, namedBy, uniqueKeyOf } from '../../protocol/header.ts';
import type { BodyLimits } from '../../protocol/message.ts';
import type { Negotiated } from '../../protocol/negotiated.ts';
import { ENT_OFFSET, IN_OUT_OFFSET, OP_IN_OFFSET, opInSize } from '../../protocol/ring.ts';
import { URING_ENT_IN_OUT } from '../../protocol/structs-session.ts';
import { writeInHeader } from '../in-header.ts';
import { limitsOf } from '../read.ts';
import type { FuseReq } from '../request.ts';
import { isFault, type RingEntry } from './entry.ts';

const EMPTY = new Uint8Array(0);
/** NOTIFY_REPLY is committed, with nothing. */
const NOTHING: BodyLimits = { min: 0, max: 0 };
/** ring_ent_in_out of the request that is being copied. */
const ENT = new Uint8Array(URING_ENT_IN_OUT.size);

/** Not a result of the copy but of the kernel that is modelled: more than the buffer holds. */
export const OVERSIZE = -0x10003;

/**
 * Writes a request into an entry: 0, a negative errno, or OVERSIZE. Bytes of in_out behind the
 * header, of op_in behind the structure (all of it where there is none) and of the payload behind
 * the data stay as they were.
 */
export function copyToRing(entry: RingEntry, req: FuseReq, negotiated: Negotiated): number {
  const { unique, spec } = req;
  if (unique === 0) return -ERRNO.EINVAL;
  const { memory } = entry.command;
  const { body } = spec;
  const opIn = Math.min(opInSize(spec.opcode, negotiated), body.length);
  const rest = body.length - opIn;
  if (rest > entry.payloadSize) return overflow(entry, body, opIn);
  const request = memory.room(IN_HEADER_SIZE + body.length);
  writeInHeader(request, unique, body.length, spec);
  request.set(body, IN_HEADER_SIZE);
  writeKey(ENT, URING_ENT_IN_OUT.at.commit_id, unique);
  writeU32(ENT, URING_ENT_IN_OUT.at.payload_sz, rest);
  req.limits = req.noReply ? NOTHING : limitsOf(request, negotiated);
  return memory.put(entry, request, opIn, ENT);
}

/** What the payload holds is written; then the kernel finds that there is more. */
function overflow(entry: RingEntry, body: Uint8Array, opIn: number): number {
  const { memory } = entry.command;
  const first = body.subarray(0, opIn);
  const error = opIn > 0 ? memory.write(entry.headers + OP_IN_OFFSET, first) : 0;
  if (error !== 0) return error;
  const fits = body.subarray(opIn, opIn + entry.payloadSize);
  return memory.write(entry.payload, fits) || OVERSIZE;
}

/** What became of a committed reply, for its client. */
export interface Committed {
  /** 0 or a negative errno. */
  readonly error: number;
  readonly body: Uint8Array;
  /** The server's reply was taken, an error of its own too; false where the kernel refused it. */
  readonly replied: boolean;
}

const refused = (error: number): Committed => ({ error, body: EMPTY, replied: false });

/** Reads the reply to `req` from an entry: nothing the server did wrong shows in a CQE. */
export function copyFromRing(entry: RingEntry, req: FuseReq): Committed {
  const { memory } = entry.command;
  const header = memory.read(entry.headers + IN_OUT_OFFSET, OUT_HEADER_SIZE);
  if (isFault(header)) return refused(header);
  const error = errorOf(header);
  const unique = uniqueKeyOf(header);
  if (unique === 0 || error > 0 || error <= -ERROR_LIMIT) return refused(-ERRNO.EINVAL);
  if (error !== 0) return { error, body: EMPTY, replied: true };
  if (namedBy(unique) !== req.unique) return refused(-ERRNO.ENOENT);
  const ent = memory.read(entry.headers + ENT_OFFSET, URING_ENT_IN_OUT.size);
  if (isFault(ent)) return refused(ent);
  const size = readU32(ent, URING_ENT_IN_OUT.at.payload_sz);
  const { min, max } = req.limits;
  if (size < min || size > max) return refused(-ERRNO.EINVAL);
  if (size > entry.payloadSize) return refused(OVERSIZE);
  if (size === 0) return { error: 0, body: EMPTY, replied: true };
  const body = memory.read(entry.payload, size);
  return isFault(body) ? refused(body) : { error: 0, body, replied: true };
}
