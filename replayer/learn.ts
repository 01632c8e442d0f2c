/** What the two replies to one request teach: ids of this run, and what directories hold. */
import { type Mark, replyMarks } from '../rig/protocol/marks.ts';
import type { Reply } from '../rig/protocol/message.ts';
import { OP } from '../rig/protocol/opcodes.ts';
import type { DirectoryStream } from './directory.ts';
import type { Flight } from './flight.ts';
import type { Identity } from './identity.ts';
import type { Side } from './side.ts';

const OUT_HEADER = 16;

const markOf = (marks: readonly Mark[], role: Mark['role']): bigint | undefined => {
  const mark = marks.find((m) => m.role === role);
  return mark === undefined ? undefined : BigInt(mark.value);
};

const GIVES_NAMES: ReadonlySet<number> = new Set(
  [
    OP.LOOKUP,
    OP.SYMLINK,
    OP.MKNOD,
    OP.MKDIR,
    OP.LINK,
    OP.CREATE,
    OP.TMPFILE,
    OP.OPEN,
    OP.OPENDIR,
  ].map((row) => row.opcode),
);

/** Whether replies to this operation teach anything. */
export const teaches = (opcode: number): boolean =>
  GIVES_NAMES.has(opcode) || opcode === OP.READDIR.opcode || opcode === OP.READDIRPLUS.opcode;

const IDS: ReadonlySet<Mark['role']> = new Set(['nodeid', 'fh']);

/** Both replies succeeded: binds the nodes and handles they name. */
export function learnIds(side: Side, flight: Flight, captured: Reply, run: Reply): void {
  const { identity } = side;
  if (!GIVES_NAMES.has(flight.opcode)) return;
  const there = replyMarks(captured, IDS);
  const here = replyMarks(run, IDS);
  const node = markOf(there, 'nodeid');
  const runNode = markOf(here, 'nodeid');
  if (node !== undefined && runNode !== undefined) identity.bindNode(node, runNode);
  const fh = markOf(there, 'fh');
  const runFh = markOf(here, 'fh');
  if (fh !== undefined && runFh !== undefined) {
    const opens = identity.bindHandle(node ?? BigInt(flight.nodeid), fh, runFh);
    if (flight.opcode === OP.OPENDIR.opcode && opens > 1) {
      side.stream(BigInt(flight.nodeid), fh).shared = true;
    }
  }
}

/** Only the capture's reply succeeded: its kernel counts a lookup that this run's does not. */
export function learnLost(identity: Identity, captured: Reply): void {
  if (!GIVES_NAMES.has(captured.request.opcode)) return;
  const node = markOf(replyMarks(captured, IDS), 'nodeid');
  if (node !== undefined) identity.lookedUpOnlyThere(node);
}

/** Two portions of a directory; READDIRPLUS binds the nodes both looked up. */
export function learnDirectory(
  identity: Identity,
  stream: DirectoryStream,
  flight: Flight,
  captured: Reply,
  run: Uint8Array,
): void {
  const plusRun = flight.request.opcode === OP.READDIRPLUS.opcode;
  const bindings = stream.add(
    captured.bytes.subarray(OUT_HEADER),
    run.subarray(OUT_HEADER),
    flight.plusCaptured,
    plusRun,
  );
  for (const { captured: there, run: here } of bindings) {
    if (here === 0n) identity.lookedUpOnlyThere(there);
    else identity.bindNode(there, here);
  }
}
