/** The canonical log: what is in a line, what is not, and the hash over all. */
import { expect, it } from 'vitest';
import type { ReplayEvent } from '../rig/events.ts';
import { OP } from '../rig/protocol/opcodes.ts';
import { CanonicalLog } from './canonical.ts';

const at = (index: number, nodeid: bigint, conn = 1) => ({
  index,
  conn,
  nodeid,
  opcode: OP.GETATTR.opcode,
});

function log(...events: ReplayEvent[]): { lines: string[]; digest: string } {
  const lines: string[] = [];
  const canonical = new CanonicalLog((line) => lines.push(line));
  for (const event of events) canonical.take(event);
  expect(canonical.lines).toBe(lines.length);
  return { lines, digest: canonical.digest() };
}

const answered = (index: number, nodeid: bigint, conn = 1): ReplayEvent => ({
  kind: 'answered',
  ...at(index, nodeid, conn),
  expected: 'was',
  actual: 'is',
});

it('names nodes by their first appearance, whatever numbers they have', () => {
  const { lines, digest } = log(
    answered(1, 1n),
    answered(2, 500n),
    answered(3, 1n),
    answered(4, 500n, 2),
  );
  expect(lines).toEqual([
    '1 GETATTR n1 = is',
    '2 GETATTR n2 = is',
    '3 GETATTR n1 = is',
    '4 GETATTR n3 = is',
  ]);
  expect(log(answered(1, 9n), answered(2, 7n), answered(3, 9n), answered(4, 7n, 2)).digest).toBe(
    digest,
  );
  expect(
    log(answered(1, 9n), answered(2, 9n), answered(3, 9n), answered(4, 7n, 2)).digest,
  ).not.toBe(digest);
});

it('has a line for everything that must be the same again', () => {
  const { lines } = log(
    { kind: 'unanswered', ...at(1, 1n), why: 'orphaned', detail: 'node 5 never came' },
    { kind: 'news', ...at(2, 1n), actual: 'ok' },
    { kind: 'directory', index: 3, conn: 1, nodeid: 1n, missing: ['a', 'b'], extra: [] },
    { kind: 'teardown', t: 5, how: 'unmount' },
    { kind: 'hang', t: 5, verdict: 'proven', seconds: 1, threads: [] },
    { kind: 'exit', t: 6, pid: 9, main: true, code: 0, signal: null },
    { kind: 'exit', t: 6, pid: 9, main: true, code: null, signal: 9 },
  );
  expect(lines).toEqual([
    '1 GETATTR n1 unanswered orphaned',
    '2 GETATTR n1 answered only here = ok',
    '3 directory missing ["a" "b"] extra []',
    'teardown unmount',
    'hang proven',
    'exit 0',
    'exit signal 9',
  ]);
});

it('leaves out where a message travelled, and all that a ring does', () => {
  const wire = { t: 1, handle: 1, conn: 1, tid: 99 };
  const place = { ring: 1, qid: 1, entry: 3 };
  const period = { t: 1, conn: 1, qid: 1, entry: 3, buffer: 'payload' as const, length: 9 };
  const buffers = { headers: 4096, payload: 8192, payloadSize: 8192 };
  const run = (...events: ReplayEvent[]) => log(answered(1, 1n), ...events).digest;
  expect(
    run(
      { kind: 'register', ...wire, ...place, ...buffers, result: 0 },
      { kind: 'request', ...wire, bytes: new Uint8Array(40), ring: { qid: 1, entry: 3 } },
      { kind: 'reply', ...wire, bytes: new Uint8Array(16), result: 16, ring: { qid: 1, entry: 3 } },
      { kind: 'completion', ...wire, ...place, command: 0, commitId: '', result: -107 },
      { kind: 'ring-close', t: 1, ring: 1 },
      { kind: 'unsupported', t: 1, tid: 9, what: 'IOSQE_IO_DRAIN on a FUSE command' },
      { kind: 'spoiled', ...period, offset: 0, unique: 4n, since: 0 },
      {
        ...{ kind: 'poison-read', ...period, unique: 4n, file: '', at: 0, offset: 0, before: 2n },
        untouched: false,
      },
    ),
  ).toBe(run());
});

it('leaves out times, threads, bytes, and processes that are not the main one', () => {
  const wire = { t: 1, handle: 1, conn: 1, tid: 99 };
  const { lines, digest } = log(
    { kind: 'request', ...wire, bytes: new Uint8Array(40) },
    { kind: 'reply', ...wire, bytes: new Uint8Array(16), result: 16 },
    { kind: 'open', t: 1, handle: 1, tid: 9, flags: 2 },
    { kind: 'output', t: 1, fd: 1, bytes: new Uint8Array(3) },
    { kind: 'exit', t: 6, pid: 9, main: false, code: 1, signal: null },
  );
  expect(lines).toEqual([]);
  expect(digest).toMatch(/^[0-9a-f]{12}$/);
  expect(digest).toBe(log().digest);
});

/** A log of a run with a plan: `moment` is what the cursor counts. */
function planned(script: (log: CanonicalLog, at: (moment: number) => void) => void): string[] {
  const lines: string[] = [];
  let moment = 0;
  const canonical = new CanonicalLog((line) => lines.push(line));
  canonical.follow(() => moment);
  script(canonical, (now) => {
    moment = now;
  });
  canonical.planned(['rule 1']);
  canonical.digest();
  return lines;
}

it('tells of no answer that was concurrent with a teardown, whichever came first', () => {
  const ended = (index: number, nodeid: bigint): ReplayEvent => ({
    ...{ kind: 'unanswered', ...at(index, nodeid), why: 'ended', detail: 'the abort came first' },
  });
  const slow = planned((log, now) => {
    now(1);
    log.take(answered(1, 1n));
    now(2);
    // Both are on their way when it comes.
    log.cut();
    log.take(ended(2, 5n));
    log.take(ended(3, 6n));
  });
  const fast = planned((log, now) => {
    now(1);
    log.take(answered(1, 1n));
    now(2);
    log.take(answered(2, 5n));
    log.cut();
    log.take(ended(3, 6n));
  });
  // Answered before it, and told of behind it: an answer the capture has before comes later here.
  const told = planned((log, now) => {
    now(1);
    log.take(answered(1, 1n));
    now(2);
    log.cut();
    log.take(ended(2, 5n));
    log.take(answered(3, 6n));
  });
  expect(fast).toEqual(slow);
  expect(told).toEqual(slow);
  expect(fast).toEqual([
    '1 GETATTR n1 = is',
    '2 GETATTR n2 unanswered ended',
    '3 GETATTR n3 unanswered ended',
    'rule 1',
  ]);
});

it('keeps every answer in its place where no teardown comes', () => {
  const lines = planned((log, now) => {
    now(1);
    log.take(answered(1, 1n));
    log.take(answered(2, 1n));
    now(2);
    log.take(answered(3, 1n));
  });
  const numbers = lines.map((line) => line.split(' ').slice(0, 2).join(' '));
  expect(numbers).toEqual(['1 GETATTR', '2 GETATTR', '3 GETATTR', 'rule 1']);
});
