/** Events of made-up ring servers, and what the ownership check makes of them. */
import { expect } from 'vitest';
import type {
  CompletionEvent,
  PoisonReadEvent,
  RegisterEvent,
  ReplayEvent,
  SpoiledEvent,
} from '../../events.ts';
import { buildRequest } from '../../protocol/build.ts';
import { bareReply } from '../../protocol/header.ts';
import type { OpName } from '../../protocol/opcodes.ts';
import { URING_CMD } from '../../protocol/ring.ts';
import type { Finding } from '../finding.ts';
import { Ownership } from '../ownership.ts';

export const ids = { handle: 1, conn: 1, tid: 9 };
export const ms = (n: number): number => n * 1e6;
export const [ENOENT, EINVAL, ENOTCONN, ECONNABORTED] = [-2, -22, -107, -103];
export const P = 8192;

/** Entry `entry` of queue `qid`, with buffers of its own unless others are given. */
export function register(
  qid: number,
  entry: number,
  more: Partial<RegisterEvent> = {},
): ReplayEvent {
  const headers = 0x10_0000 + (qid * 16 + entry) * 0x1_0000;
  const buffers = { headers, payload: headers + 0x1000, payloadSize: P };
  return {
    ...{ kind: 'register', t: ms(1), ...ids, ring: 1, qid, entry },
    ...{ ...buffers, result: 0, ...more },
  };
}
export const request = (
  t: number,
  qid: number,
  entry: number,
  unique: bigint,
  op: OpName = 'READ',
): ReplayEvent => ({
  ...{ kind: 'request', t: ms(t), ...ids, ring: { qid, entry } },
  bytes: buildRequest(op, { unique, nodeid: 5n }, {}).bytes,
});
export const reply = (t: number, qid: number, entry: number, unique: bigint): ReplayEvent => ({
  ...{ kind: 'reply', t: ms(t), ...ids, ring: { qid, entry }, result: 16 },
  bytes: bareReply(unique, 0),
});
/** A COMMIT that was refused. */
export const refused = (
  t: number,
  qid: number,
  unique: bigint,
  result = ENOENT,
  more: Partial<CompletionEvent> = {},
): ReplayEvent => ({
  ...{ kind: 'completion', t: ms(t), ...ids, ring: 1, command: URING_CMD.COMMIT_AND_FETCH },
  ...{ qid, entry: -1, commitId: unique.toString(16), result, ...more },
});
/** The CQE of an entry whose connection or ring went. */
export const ended = (t: number, qid: number, entry: number): ReplayEvent =>
  refused(t, qid, 0n, ENOTCONN, { command: 0, entry, commitId: '' });
export const teardown: ReplayEvent = { kind: 'teardown', t: ms(9), how: 'unmount' };

export function judge(...events: ReplayEvent[]): Finding[] {
  const check = new Ownership(2);
  for (const event of events) check.take(event);
  return check.findings();
}
/** The one finding of a run that must fail. */
export function failed(...events: ReplayEvent[]): Finding {
  const [finding, ...more] = judge(...events);
  expect(more).toEqual([]);
  expect(finding).toMatchObject({ check: 'ownership', verdict: 'fail' });
  return finding as Finding;
}
export const passes = (...events: ReplayEvent[]): void =>
  expect(judge(...events)).toMatchObject([{ verdict: 'pass', details: [] }]);

export const ring = [register(0, 0), register(1, 0), register(1, 1)];
/** READ unique 4 in queue 1 entry 0, answered. */
export const answered = [request(2, 1, 0, 4n), reply(3, 1, 0, 4n)];

export const spoiled: SpoiledEvent = {
  ...{ kind: 'spoiled', t: ms(5), conn: 1, qid: 1, entry: 0, buffer: 'payload' },
  ...{ offset: 0, length: 4096, unique: 4n, since: ms(3) },
};

export const read: PoisonReadEvent = {
  ...{ kind: 'poison-read', t: ms(5), conn: 1, unique: 6n, file: '', at: 16, length: 512 },
  ...{ qid: 1, entry: 0, buffer: 'payload', offset: 128, before: 4n, untouched: false },
};
