/** Holds this run's answer to a captured request against the capture's, and learns from the two. */
import type { AnsweredEvent, ReplyEvent } from '../rig/events.ts';
import { OUT_HEADER_SIZE } from '../rig/protocol/constants.ts';
import { ProtocolError } from '../rig/protocol/cursor.ts';
import { decodeDirents } from '../rig/protocol/dirents.ts';
import { errnoName } from '../rig/protocol/errno.ts';
import { errorOf } from '../rig/protocol/header.ts';
import { Reply, Request } from '../rig/protocol/message.ts';
import { OP } from '../rig/protocol/opcodes.ts';
import type { Flight } from './flight.ts';
import { learnDirectory, learnIds, learnLost, teaches } from './learn.ts';
import { normalReply, type OwnerMap, SAME_OWNERS } from './normal.ts';
import type { Side } from './side.ts';

const compareBytes = Buffer.prototype.compare;

export const isDirectory = (opcode: number): boolean =>
  opcode === OP.READDIR.opcode || opcode === OP.READDIRPLUS.opcode;

/** The captured reply has been reached and this run's request has ended. */
export function compare(
  event: ReplyEvent,
  side: Side,
  flight: Flight,
  owners: OwnerMap,
): AnsweredEvent {
  const { index, conn, opcode, nodeid, request } = flight;
  const asCaptured =
    side.captured === side.run ? request : new Request(request.bytes, side.captured);
  const captured = parsedReply(event.bytes, asCaptured);
  let expected = form(captured, flight, owners);
  if (event.result < 0) expected = `refused -${errnoName(event.result)}`;
  const same = sameForm(event, side, flight, owners);
  const learns = teaches(opcode) && event.result >= 0;
  const { reply } = flight;
  const run = reply && (learns || !same) ? parsedReply(reply, request) : undefined;
  let actual = same ? expected : actualForm(flight, run);
  if (actual !== expected && owners !== SAME_OWNERS) {
    // An owner may come from the request, whose caller is the recorded one, and not from the fixture.
    const asRecorded = form(captured, flight, SAME_OWNERS);
    if (asRecorded === actual) expected = asRecorded;
  }
  if (learns && captured instanceof Reply && captured.error === 0) {
    const taught = normalForm(() => learn(side, flight, captured, run));
    if (taught !== undefined) {
      if (isDirectory(opcode) && malformedNames(flight, run)) actual = taught;
      else expected = taught;
    }
  }
  return { kind: 'answered', index, conn, opcode, nodeid, expected, actual };
}

/**
 * Whether the two forms are the same because the bytes are: the answer of most servers to most
 * requests, and much cheaper to see than two forms. Not where one reply is read differently: other
 * owners, other minors, or parts of a WRITE.
 */
function sameForm(event: ReplyEvent, side: Side, flight: Flight, owners: OwnerMap): boolean {
  const { reply, outcome, opcode } = flight;
  if (reply === undefined || outcome?.replied !== true || event.result < 0) return false;
  if (reply.length < OUT_HEADER_SIZE) return false;
  if (owners !== SAME_OWNERS || side.captured.minor !== side.run.minor) return false;
  if (opcode === OP.WRITE.opcode || flight.request.opcode !== opcode) return false;
  if (reply.length !== event.bytes.length || errorOf(reply) !== errorOf(event.bytes)) return false;
  return sameBody(reply, event.bytes);
}

/** Whether two messages of one length are the same behind their headers. */
function sameBody(a: Uint8Array, b: Uint8Array): boolean {
  const { length } = a;
  if (length === OUT_HEADER_SIZE) return true;
  // Without a view of either: those would cost twice what comparing does.
  return compareBytes.call(a, b, OUT_HEADER_SIZE, length, OUT_HEADER_SIZE, length) === 0;
}

function actualForm(flight: Flight, run: Reply | ProtocolError | undefined): string {
  const { outcome } = flight;
  if (outcome?.replied !== true || run === undefined) {
    return `ended by the kernel with -${errnoName(outcome?.error ?? 0)}`;
  }
  return form(run, flight, undefined);
}

function learn(
  side: Side,
  flight: Flight,
  captured: Reply,
  run: Reply | ProtocolError | undefined,
): undefined {
  const { outcome, opcode } = flight;
  if (!(run instanceof Reply) || outcome?.replied !== true || outcome.error !== 0) {
    learnLost(side.identity, captured);
  } else if (isDirectory(opcode)) {
    const stream = side.stream(BigInt(flight.nodeid), BigInt(flight.fh ?? 0));
    learnDirectory(side.identity, stream, flight, captured, run.bytes);
  } else learnIds(side, flight, captured, run);
}

/** Whether it is this run's server that gave names nobody can read. */
function malformedNames(flight: Flight, run: Reply | ProtocolError | undefined): boolean {
  if (!(run instanceof Reply) || run.error !== 0) return false;
  const plus = flight.request.opcode === OP.READDIRPLUS.opcode;
  return parsed(() => decodeDirents(run.bytes.subarray(OUT_HEADER_SIZE), plus)) instanceof Error;
}

function parsedReply(bytes: Uint8Array, request: Request): Reply | ProtocolError {
  try {
    return new Reply(bytes, request);
  } catch (error) {
    if (error instanceof ProtocolError) return error;
    throw error;
  }
}

/** What `make` gives; bytes that are not what the protocol says are a result too, not a failure. */
function parsed<T>(make: () => T): T | ProtocolError {
  try {
    return make();
  } catch (error) {
    if (error instanceof ProtocolError) return error;
    throw error;
  }
}

/** A normal form, or in what way there is none. */
export function normalForm<T>(make: () => T): T | string {
  const result = parsed(make);
  return result instanceof ProtocolError ? `malformed (${result.message})` : result;
}

/** Normal form of a reply; `owners` only for the captured one. */
function form(reply: Reply | ProtocolError, flight: Flight, owners: OwnerMap | undefined): string {
  if (reply instanceof ProtocolError) return `malformed (${reply.message})`;
  if (owners === undefined && flight.opcode === OP.WRITE.opcode && reply.error === 0) {
    return `size=${flight.written}`;
  }
  return normalForm(() => normalReply(reply.request, reply, owners));
}
