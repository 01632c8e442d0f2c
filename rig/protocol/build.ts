/** Builds requests and replies from the values their rows name; the counterpart of `message.ts`. */
import type { Partially } from './codec.ts';
import { Reply, Request } from './message.ts';
import { BEFORE_INIT, type Negotiated } from './negotiated.ts';
import type { OpSpec } from './op-spec.ts';
import { OP, type OpName, type ReplyArgs, type RequestArgs } from './opcodes.ts';
import { type Args, encodeParts } from './parts.ts';
import { IN_HEADER, OUT_HEADER } from './structs-common.ts';

/** The header fields of a request that its row does not decide. */
export interface RequestHead {
  readonly unique: bigint;
  readonly nodeid?: bigint;
  readonly uid?: number;
  readonly gid?: number;
  readonly pid?: number;
}

/**
 * The bytes of a request. Absent numbers are 0, absent lengths and counts follow from the data;
 * `ext` is an extension blob of whole 8-byte units.
 */
export function encodeRequest(
  op: OpSpec,
  head: RequestHead,
  args: Args,
  negotiated: Negotiated = BEFORE_INIT,
): Uint8Array {
  const ext = args.ext instanceof Uint8Array ? args.ext.length : 0;
  const fields = { ...head, opcode: op.opcode, total_extlen: Math.ceil(ext / 8) };
  return encodeParts(op.request, args, { what: op.name, negotiated }, IN_HEADER, fields);
}

/** The bytes of a successful reply to `request`, body after its row. */
export function encodeReply(request: Request, args: Args): Uint8Array {
  const { name: what, negotiated, unique } = request;
  const fields = { error: 0, unique };
  return encodeParts(request.replyParts, args, { what, negotiated }, OUT_HEADER, fields);
}

/** encodeRequest() with the argument types of one operation. */
export function buildRequest<N extends OpName>(
  name: N,
  head: RequestHead,
  args: Partially<RequestArgs<N>>,
  negotiated: Negotiated = BEFORE_INIT,
): Request {
  return new Request(encodeRequest(OP[name], head, args as Args, negotiated), negotiated);
}

/** encodeReply() with the argument types of one operation, which the request must be. */
export function buildReply<N extends OpName>(
  name: N,
  request: Request,
  args: Partially<ReplyArgs<N>>,
): Reply {
  if (request.op !== OP[name]) throw new Error(`${name} was asked of a ${request.name}`);
  return new Reply(encodeReply(request, args as Args), request);
}
