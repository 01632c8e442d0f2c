/**
 * Requests into an entry's buffers, and replies out of them (fuse_uring_copy_to_ring() and
 * fuse_uring_commit() in fs/fuse/dev_uring.c).
 */
import { encode } from '../../protocol/codec.ts';
import {
  ERROR_LIMIT,
  IN_HEADER_SIZE,
  INTERRUPT_BIT,
  OUT_HEADER_SIZE,
} from '../../protocol/constants.ts';
import { readU32 } from '../../protocol/cursor.ts';
import { ERRNO } from '../../protocol/errno.ts';
import { errorOf, uniqueOf } from '../../protocol/header.ts';
import type { Negotiated } from '../../protocol/negotiated.ts';
import { ENT_OFFSET, IN_OUT_OFFSET, OP_IN_OFFSET, opInSize } from '../../protocol/ring.ts';
import { URING_ENT_IN_OUT } from '../../protocol/structs-session.ts';
import { writeInHeader } from '../in-header.ts';
import { limitsOf } from '../read.ts';
import type { FuseReq } from '../request.ts';
import { isFault, type RingEntry } from './entry.ts';

const EMPTY = new Uint8Array(0);
/** No first argument is longer: op_in has as many. */
const OP_IN_SIZE = 128;

const inOut = BigInt(IN_OUT_OFFSET);
const opIn = BigInt(OP_IN_OFFSET);
const ringEnt = BigInt(ENT_OFFSET);

/** Not a result of the copy but of the kernel that is modelled: more than the buffer holds. */
export const OVERSIZE = -0x10003;

/** How a successful reply's body may measure. NOTIFY_REPLY is committed, with nothing. */
function measure(req: FuseReq, negotiated: Negotiated): void {
  if (req.noReply) {
    req.limits = { min: 0, max: 0 };
    return;
  }
  // The sizes stand in the first structure: the rest of the body need not be copied for them.
  const body = req.spec.body.subarray(0, OP_IN_SIZE);
  const head = new Uint8Array(IN_HEADER_SIZE + body.length);
  writeInHeader(head, req.unique, body.length, req.spec);
  head.set(body, IN_HEADER_SIZE);
  req.limits = limitsOf(head, negotiated);
}

/**
 * Writes a request into an entry: 0, a negative errno, or OVERSIZE. Bytes of in_out behind the
 * header, of op_in behind the structure (all of it where there is none) and of the payload behind
 * the data stay as they were.
 */
export function copyToRing(entry: RingEntry, req: FuseReq, negotiated: Negotiated): number {
  if (req.unique === 0n) return -ERRNO.EINVAL;
  const { memory } = entry.command;
  const { body, opcode } = req.spec;
  const first = body.subarray(0, opInSize(opcode, negotiated));
  const rest = body.subarray(first.length);
  if (first.length > 0) {
    const error = memory.write(entry.headers + opIn, first);
    if (error !== 0) return error;
  }
  const fits = rest.length <= entry.payloadSize;
  if (rest.length > 0) {
    const error = memory.write(entry.payload, fits ? rest : rest.subarray(0, entry.payloadSize));
    if (error !== 0) return error;
    if (!fits) return OVERSIZE;
  }
  const ent = encode(URING_ENT_IN_OUT, { commit_id: req.unique, payload_sz: rest.length });
  const error = memory.write(entry.headers + ringEnt, ent);
  if (error !== 0) return error;
  const header = new Uint8Array(IN_HEADER_SIZE);
  writeInHeader(header, req.unique, body.length, req.spec);
  measure(req, negotiated);
  return memory.write(entry.headers + inOut, header);
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
  const header = memory.read(entry.headers + inOut, OUT_HEADER_SIZE);
  if (isFault(header)) return refused(header);
  const error = errorOf(header);
  const unique = uniqueOf(header);
  if (unique === 0n || error > 0 || error <= -ERROR_LIMIT) return refused(-ERRNO.EINVAL);
  if (error !== 0) return { error, body: EMPTY, replied: true };
  if ((unique & ~INTERRUPT_BIT) !== req.unique) return refused(-ERRNO.ENOENT);
  const ent = memory.read(entry.headers + ringEnt, URING_ENT_IN_OUT.size);
  if (isFault(ent)) return refused(ent);
  const size = readU32(ent, URING_ENT_IN_OUT.at.payload_sz);
  const { min, max } = req.limits;
  if (size < min || size > max) return refused(-ERRNO.EINVAL);
  if (size > entry.payloadSize) return refused(OVERSIZE);
  if (size === 0) return { error: 0, body: EMPTY, replied: true };
  const body = memory.read(entry.payload, size);
  return isFault(body) ? refused(body) : { error: 0, body, replied: true };
}
