/**
 * Holds a capture against the kernel's own account of the same connection.
 *
 * Verifies: every request that the kernel queued, and that did not end before a server could read it,
 * is in the capture with the same opcode and length, and the other way round; every end that the
 * kernel reports is a captured reply with the same error and length, or an abort.
 * Does not verify: bodies, order, and what the tracepoints do not report (FORGET, BATCH_FORGET,
 * INTERRUPT, notifications).
 */
import type { SessionEvent } from '../../rig/events.ts';
import { errnoName } from '../../rig/protocol/errno.ts';
import {
  Account,
  bump,
  type CapturedRequest,
  INIT,
  NOTIFY_REPLY,
  UNREPORTED,
  withoutResent,
} from './account.ts';
import type { WitnessEnd, WitnessEntry, WitnessSend } from './lines.ts';
import type { WitnessLog } from './witness.ts';

export interface WitnessComparison {
  /** False when the witness lost events: nothing follows from it then. */
  valid: boolean;
  lost: number;
  /** Requests that both saw, with the same opcode and length. */
  requests: number;
  /** Ends that both saw, with the same error and length. */
  ends: number;
  /** By opcode: captured requests that the tracepoints do not report. */
  onlyCapture: Map<number, number>;
  /** By opcode: queued, but withdrawn or ended by the kernel before they were delivered. */
  onlyWitness: Map<number, number>;
  /** By errno: delivered, then ended by the kernel without a reply it took. */
  endedWithoutReply: Map<number, number>;
  /** Captured without a reply, and without an end: still open when the witness stopped. */
  open: number;
  /** One line each: everything else. Empty when the capture is right. */
  unexplained: string[];
}

interface Witnessed {
  send?: WitnessSend;
  end?: WitnessEnd;
}

/** What the kernel said of one connection. */
interface Side {
  byUnique: Map<bigint, Witnessed>;
  notifyReplies: number;
  twice: string[];
}

/** The kernel gives a number again after an unmount: each INIT begins another connection. */
function connectionsOf(entries: readonly WitnessEntry[], dev: number): WitnessEntry[][] {
  const connections: WitnessEntry[][] = [];
  for (const entry of entries) {
    if (entry.dev !== dev) continue;
    const begins = entry.kind === 'send' && entry.opcode === INIT;
    if (begins || connections.length === 0) connections.push([]);
    connections.at(-1)?.push(entry);
  }
  return connections;
}

function sideOf(entries: readonly WitnessEntry[]): Side {
  const side: Side = { byUnique: new Map(), notifyReplies: 0, twice: [] };
  for (const entry of entries) {
    const unique = withoutResent(entry.unique);
    if (entry.kind === 'send' && entry.opcode === NOTIFY_REPLY) side.notifyReplies++;
    // A forced FORGET (fuse_force_forget) does go through fuse_send_one.
    else if (entry.kind === 'send' && UNREPORTED.has(entry.opcode)) continue;
    // Ended when read: NOTIFY_REPLY, whose unique is the server's, or that FORGET.
    else if (entry.kind === 'end' && entry.len === 0 && entry.error === 0) continue;
    else {
      const one = side.byUnique.get(unique) ?? {};
      if (one[entry.kind] !== undefined) {
        side.twice.push(`the kernel tells of request ${unique} twice (${entry.kind})`);
      }
      side.byUnique.set(unique, { ...one, [entry.kind]: entry });
    }
  }
  return side;
}

/** How many requests of the capture a connection has: the right one has nearly all. */
function alike(side: Side, requests: ReadonlyMap<bigint, CapturedRequest>): number {
  let count = 0;
  for (const [unique, { opcode, len }] of requests) {
    const send = side.byUnique.get(unique)?.send;
    if (send !== undefined && send.opcode === opcode && send.len === len) count++;
  }
  return count;
}

/** Compares what both say of the connection with st_dev `dev`; both must have all of it. */
export function compareWitness(
  log: WitnessLog,
  dev: number,
  events: Iterable<SessionEvent>,
): WitnessComparison {
  const account = new Account(dev, events);
  const sides = connectionsOf(log.entries, dev).map(sideOf);
  const side = sides.reduce(
    (best, one) => (alike(one, account.requests) > alike(best, account.requests) ? one : best),
    sides[0] ?? sideOf([]),
  );
  const comparison: WitnessComparison = {
    valid: log.lost === 0,
    lost: log.lost,
    requests: 0,
    ends: 0,
    onlyCapture: account.unreported,
    onlyWitness: new Map(),
    endedWithoutReply: new Map(),
    open: 0,
    unexplained: [...account.unexplained, ...side.twice],
  };
  for (const [unique, one] of side.byUnique) {
    const request = account.requests.get(unique);
    if (request === undefined) compareUncaptured(unique, one, comparison);
    else compareCaptured(unique, one, request, comparison);
  }
  for (const [unique, { opcode }] of account.requests) {
    if (side.byUnique.has(unique)) continue;
    comparison.unexplained.push(`request ${unique} (opcode ${opcode}) is only in the capture`);
  }
  if (side.notifyReplies < account.notifyReplies) {
    comparison.unexplained.push(
      `${account.notifyReplies} NOTIFY_REPLYs captured, ${side.notifyReplies} queued`,
    );
  }
  return comparison;
}

/** The kernel ended it by itself: no reply header was ever stored in the request. */
const endedByKernel = (end: WitnessEnd): boolean => end.len === 0 && end.error < 0;

function compareUncaptured(
  unique: bigint,
  { send, end }: Witnessed,
  { onlyWitness, unexplained }: WitnessComparison,
): void {
  const opcode = send?.opcode ?? 0;
  // Without an end: withdrawn by its killed caller (request_wait_answer), or still queued.
  if (end === undefined || endedByKernel(end)) bump(onlyWitness, opcode);
  else {
    unexplained.push(
      `request ${unique} (opcode ${opcode}) was answered (${end.error}), and is not in the capture`,
    );
  }
}

function compareCaptured(
  unique: bigint,
  { send, end }: Witnessed,
  request: CapturedRequest,
  comparison: WitnessComparison,
): void {
  const { unexplained } = comparison;
  const { opcode, len, reply } = request;
  if (send === undefined) unexplained.push(`request ${unique} was captured, but never queued`);
  else if (send.opcode === opcode && send.len === len) comparison.requests++;
  else {
    unexplained.push(
      `request ${unique} is opcode ${opcode}, ${len} bytes in the capture, ${send.opcode}, ${send.len} for the kernel`,
    );
  }
  if (end === undefined) {
    if (reply === undefined) comparison.open++;
    else unexplained.push(`the reply to ${unique} was taken, but the kernel ended nothing`);
  } else if (reply === undefined) {
    // A refused reply may have ended it with EIO, its header already stored.
    if (endedByKernel(end) || request.refused) bump(comparison.endedWithoutReply, -end.error);
    else unexplained.push(`request ${unique} ended with a reply that is not in the capture`);
  } else if (reply.error === end.error && (reply.len ?? end.len) === end.len) comparison.ends++;
  else {
    unexplained.push(
      `request ${unique} ended with ${errnoName(end.error)}, ${end.len} bytes, captured ${errnoName(reply.error)}, ${reply.len}`,
    );
  }
}

/** One line for people. */
export function showComparison(comparison: WitnessComparison): string {
  const counts = (map: Map<number, number>) =>
    [...map].map(([key, count]) => `${key}:${count}`).join(' ') || 'none';
  return [
    comparison.valid ? 'witness' : `witness INVALID (${comparison.lost} events lost)`,
    `${comparison.requests} requests and ${comparison.ends} ends alike`,
    `only captured by opcode ${counts(comparison.onlyCapture)}`,
    `never delivered by opcode ${counts(comparison.onlyWitness)}`,
    `ended without reply by errno ${counts(comparison.endedWithoutReply)}`,
    `${comparison.open} open, ${comparison.unexplained.length} unexplained`,
  ].join(', ');
}
