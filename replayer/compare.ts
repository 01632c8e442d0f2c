/** Holds this run's answer to a captured request against the capture's, and learns from the two. */
import type { AnsweredEvent, ReplyEvent } from '../rig/events.ts';
import { errnoName } from '../rig/protocol/errno.ts';
import { Reply, Request } from '../rig/protocol/message.ts';
import { OP } from '../rig/protocol/opcodes.ts';
import type { Flight } from './flight.ts';
import { learnDirectory, learnIds, learnLost } from './learn.ts';
import { normalReply, type OwnerMap } from './normal.ts';
import type { Side } from './side.ts';

const isDirectory = (opcode: number): boolean =>
  opcode === OP.READDIR.opcode || opcode === OP.READDIRPLUS.opcode;

/** The captured reply has been reached and this run's request has ended. */
export function compare(
  event: ReplyEvent,
  side: Side,
  flight: Flight,
  owners: OwnerMap,
): AnsweredEvent {
  const { index, conn, opcode, nodeid, request } = flight;
  const captured = new Reply(event.bytes, new Request(request.bytes, side.captured));
  const run = flight.reply === undefined ? undefined : new Reply(flight.reply, request);
  const expected =
    event.result < 0 ? `refused -${errnoName(event.result)}` : form(captured, flight, owners);
  const actual = actualForm(flight, run);
  if (event.result >= 0 && captured.error === 0) learn(side, flight, captured, run);
  if (opcode === OP.RELEASE.opcode || opcode === OP.RELEASEDIR.opcode) {
    side.identity.dropHandle(nodeid, flight.fh ?? 0n);
  }
  return { kind: 'answered', index, conn, opcode, nodeid, expected, actual };
}

function actualForm(flight: Flight, run: Reply | undefined): string {
  const { outcome } = flight;
  if (outcome?.replied !== true || run === undefined) {
    return `ended by the kernel with -${errnoName(outcome?.error ?? 0)}`;
  }
  return form(run, flight, undefined);
}

function learn(side: Side, flight: Flight, captured: Reply, run: Reply | undefined): void {
  const { outcome, opcode } = flight;
  if (run === undefined || outcome?.replied !== true || outcome.error !== 0) {
    learnLost(side.identity, captured);
  } else if (isDirectory(opcode)) {
    const stream = side.stream(flight.fh ?? 0n);
    learnDirectory(side.identity, stream, flight, captured, run.bytes);
  } else learnIds(side.identity, flight, captured, run);
}

/** Normal form of a reply; `owners` only for the captured one. */
function form(reply: Reply, flight: Flight, owners: OwnerMap | undefined): string {
  try {
    if (owners === undefined && flight.opcode === OP.WRITE.opcode && reply.error === 0) {
      return `size=${flight.written}`;
    }
    return normalReply(reply.request, reply, owners);
  } catch (error) {
    return `malformed (${(error as Error).message})`;
  }
}
