/**
 * FUSE over io_uring: numbers of the commands, and how a request and its reply lie in an entry's
 * two buffers (fs/fuse/dev_uring.c). Layouts are with the others: uring_req_header (288 bytes, the
 * first iovec of a REGISTER), uring_ent_in_out inside it, uring_cmd_req in the SQE.
 */

import { decode, encode } from './codec.ts';
import { ERROR_LIMIT, IN_HEADER_SIZE, OUT_HEADER_SIZE } from './constants.ts';
import { concat, type Key, need } from './cursor.ts';
import { ERRNO } from './errno.ts';
import { errorOf, lenOf, namedBy, uniqueKeyOf } from './header.ts';
import type { Values } from './layout.ts';
import { type BodyLimits, Request } from './message.ts';
import type { Negotiated } from './negotiated.ts';
import { opOf } from './opcodes.ts';
import { structSize } from './parts.ts';
import { IN_HEADER, OUT_HEADER } from './structs-common.ts';
import { URING_CMD_REQ, URING_ENT_IN_OUT, URING_REQ_HEADER } from './structs-session.ts';

/** SQE cmd_op of IORING_OP_URING_CMD; the last two exist from protocol 7.46 on. */
export const URING_CMD = {
  REGISTER: 1,
  COMMIT_AND_FETCH: 2,
  ADD_QUEUE: 3,
  ADD_BUFPOOL: 4,
} as const;

/** The command area of an SQE128 begins at its byte 48. */
export const SQE_CMD_OFFSET = 48;

export const IN_OUT_OFFSET = URING_REQ_HEADER.at.in_out;
export const OP_IN_OFFSET = URING_REQ_HEADER.at.op_in;
export const ENT_OFFSET = URING_REQ_HEADER.at.ring_ent_in_out;

export type UringCmd = Values<typeof URING_CMD_REQ>;
export type UringEnt = Values<typeof URING_ENT_IN_OUT>;

/** uring_cmd_req of a whole SQE128. */
export const uringCmdOf = (sqe: Uint8Array): UringCmd => decode(URING_CMD_REQ, sqe, SQE_CMD_OFFSET);

/** uring_ent_in_out of an entry's header buffer. */
export const uringEntOf = (headers: Uint8Array): UringEnt =>
  decode(URING_ENT_IN_OUT, headers, ENT_OFFSET);

/** A request as its three places of an entry receive it. */
export interface RingRequest {
  /** in_header, to the start of in_out. */
  readonly header: Uint8Array;
  /** The kernel's first argument, to the start of op_in; empty: nothing is written there. */
  readonly opIn: Uint8Array;
  readonly payload: Uint8Array;
  /** uring_ent_in_out as delivered. */
  readonly ent: Uint8Array;
}

/** Bytes of the body that lie in op_in: the leading structure, where the operation has one. */
export function opInSize(opcode: number, negotiated: Negotiated): number {
  const op = opOf(opcode);
  const first = op?.payloadOnly ? undefined : op?.request[0];
  return first?.part === 'struct' ? structSize(first, negotiated) : 0;
}

/** How a request is delivered into a ring entry. All but `ent` are views of its bytes. */
export function splitRequest(request: Request): RingRequest {
  const { bytes, opcode, negotiated, unique } = request;
  const opIn = opInSize(opcode, negotiated);
  need(bytes, IN_HEADER_SIZE, opIn, request.name, 'op_in');
  const payload = bytes.subarray(IN_HEADER_SIZE + opIn);
  return {
    header: bytes.subarray(0, IN_HEADER_SIZE),
    opIn: bytes.subarray(IN_HEADER_SIZE, IN_HEADER_SIZE + opIn),
    payload,
    ent: encode(URING_ENT_IN_OUT, { commit_id: unique, payload_sz: payload.length }),
  };
}

/** The request that a kernel delivered into a ring entry, as one message. */
export function joinRequest(
  headers: Uint8Array,
  payload: Uint8Array,
  negotiated: Negotiated,
): Request {
  need(headers, 0, URING_REQ_HEADER.size, URING_REQ_HEADER.name, 'ring_ent_in_out');
  const { opcode } = decode(IN_HEADER, headers);
  const { payload_sz } = uringEntOf(headers);
  need(payload, 0, payload_sz, URING_ENT_IN_OUT.name, 'payload_sz');
  const opIn = headers.subarray(OP_IN_OFFSET, OP_IN_OFFSET + opInSize(opcode, negotiated));
  const parts = [headers.subarray(0, IN_HEADER_SIZE), opIn, payload.subarray(0, payload_sz)];
  return new Request(concat(parts), negotiated);
}

/**
 * The reply that a server committed, as one message with its `len` set to what was committed: a
 * ring kernel ignores that field. `payload` holds at least ring_ent_in_out.payload_sz bytes unless
 * the reply is an error, whose payload nobody reads.
 */
export function joinReply(headers: Uint8Array, payload: Uint8Array): Uint8Array {
  const { error, unique } = decode(OUT_HEADER, headers);
  const size = error === 0 ? uringEntOf(headers).payload_sz : 0;
  need(payload, 0, size, URING_ENT_IN_OUT.name, 'payload_sz');
  const len = OUT_HEADER_SIZE + size;
  return concat([encode(OUT_HEADER, { len, error, unique }), payload.subarray(0, size)]);
}

/** What no reply is taken for on the device is committed on a ring, with nothing. */
const NOTHING: BodyLimits = { min: 0, max: 0 };

/**
 * What the client of request `unique` gets for a committed reply, which is as `joinReply` makes it or
 * shorter than its `len` where the payload cannot be read: 0 where the kernel takes it, the server's own
 * error included, else a negative errno. No CQE tells it (fuse_uring_commit(), in its order).
 * `limits` are those of the request; undefined: it takes no reply.
 */
export function commitRefusal(
  reply: Uint8Array,
  unique: Key,
  limits: BodyLimits = NOTHING,
): number {
  if (reply.length < OUT_HEADER_SIZE) return -ERRNO.EFAULT;
  const error = errorOf(reply);
  const named = uniqueKeyOf(reply);
  if (named === 0 || error > 0 || error <= -ERROR_LIMIT) return -ERRNO.EINVAL;
  if (error !== 0) return 0;
  if (namedBy(named) !== unique) return -ERRNO.ENOENT;
  const size = lenOf(reply) - OUT_HEADER_SIZE;
  if (size < limits.min || size > limits.max) return -ERRNO.EINVAL;
  return lenOf(reply) > reply.length ? -ERRNO.EFAULT : 0;
}
