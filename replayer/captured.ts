/** Small questions to captured messages and to requests on their way. */
import type { RequestEvent, UnansweredEvent } from '../rig/events.ts';
import { type Key, keyOf, ProtocolError, readKey } from '../rig/protocol/cursor.ts';
import { nodeidOf, opcodeOf, uniqueOf } from '../rig/protocol/header.ts';
import { Request } from '../rig/protocol/message.ts';
import { BEFORE_INIT, type Negotiated, negotiate } from '../rig/protocol/negotiated.ts';
import { OP } from '../rig/protocol/opcodes.ts';
import type { Flight } from './flight.ts';

export const isRelease = (opcode: number): boolean =>
  opcode === OP.RELEASE.opcode || opcode === OP.RELEASEDIR.opcode;

export function faulted({ index, conn, opcode, nodeid, fault }: Flight): UnansweredEvent {
  const at = { index, conn, opcode, nodeid };
  return { kind: 'unanswered', ...at, why: 'faulted', detail: fault?.text ?? '' };
}

/** Undefined where the capture's messages say nothing of use. */
export function negotiateWith(
  request: Uint8Array | undefined,
  reply: Uint8Array,
): Negotiated | undefined {
  if (request === undefined) return BEFORE_INIT;
  try {
    return negotiate(request, reply);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

/** The highest bit of a unique marks a request that is sent again. */
const RESENT = 0x80;
export const isResent = (bytes: Uint8Array): boolean => ((bytes[15] as number) & RESENT) !== 0;

/** The unique of the request that a reply is to; undefined for notifications and INTERRUPTs. */
export function repliedTo(reply: Uint8Array): Key | undefined {
  if (((reply[8] as number) & 1) === 1) return undefined;
  const unique = isResent(reply) ? keyOf(BigInt.asUintN(63, uniqueOf(reply))) : readKey(reply, 8);
  return unique === 0 ? undefined : unique;
}

/** Names a captured request, were it only a part of one. */
export function named({ conn, bytes }: RequestEvent, index: number) {
  const opcode = bytes.length >= 8 ? opcodeOf(bytes) : 0;
  return { index, conn, opcode, nodeid: bytes.length >= 24 ? nodeidOf(bytes) : 0n };
}

/** The same request with the opcode READDIR. */
export function asReaddir(request: Request): Request {
  const bytes = request.bytes.slice();
  new DataView(bytes.buffer).setUint32(4, OP.READDIR.opcode, true);
  return new Request(bytes, request.negotiated);
}
