/**
 * The walk through a capture, with a feed of the test's own instead of the model: when requests are
 * due, how answers are compared, and what becomes of requests that cannot be asked.
 */
import { expect, it } from 'vitest';
import type { ReplayEvent, ReplyEvent, RequestEvent, SessionEvent } from '../rig/events.ts';
import type { Feed, Forget, RequestSpec } from '../rig/kernel/feed.ts';
import { buildReply, buildRequest } from '../rig/protocol/build.ts';
import { bareReply } from '../rig/protocol/header.ts';
import type { Reply, Request } from '../rig/protocol/message.ts';
import { BEFORE_INIT, type Negotiated } from '../rig/protocol/negotiated.ts';
import { OP, opName } from '../rig/protocol/opcodes.ts';
import { Cursor } from './cursor.ts';
import { SAME_OWNERS } from './normal.ts';

const RUN: Negotiated = { ...BEFORE_INIT, accepted: true, maxWrite: 4096 };
const wire = { t: 0, handle: 1, conn: 1, tid: 1 };

const request = (r: Request | Uint8Array): RequestEvent => ({
  kind: 'request',
  ...wire,
  bytes: r instanceof Uint8Array ? r : r.bytes,
});
const reply = (r: Reply | Uint8Array): ReplyEvent => {
  const bytes = r instanceof Uint8Array ? r : r.bytes;
  return { kind: 'reply', ...wire, bytes, result: bytes.length };
};

const init = buildRequest('INIT', { unique: 2n, nodeid: 0n }, { major: 7, minor: 45 });
const INIT = [
  request(init),
  reply(buildReply('INIT', init, { major: 7, minor: 45, max_write: 4096 })),
];

const lookup = (unique: bigint, nodeid = 1n) =>
  buildRequest('LOOKUP', { unique, nodeid }, { name: 'x' as never });
const entry = (r: Request, nodeid: bigint, size = 0n) =>
  buildReply('LOOKUP', r, { nodeid, attr: { mode: 0o100644, size } as never });
const getattr = (unique: bigint, nodeid = 1n) => buildRequest('GETATTR', { unique, nodeid }, {});
const attr = (r: Request, size: bigint) =>
  buildReply('GETATTR', r, { attr: { mode: 0o100644, size } as never });

/** A run of a capture against a server that the test plays. */
class Play {
  readonly asked: (RequestSpec & { ticket: number })[] = [];
  readonly forgets: Forget[] = [];
  readonly interrupts: number[] = [];
  readonly events: ReplayEvent[] = [];
  readonly feed: Feed;
  readonly cursor: Cursor;

  constructor(capture: SessionEvent[], ready = true, serial = false) {
    const none = () => {};
    this.feed = {
      enqueue: (_, spec) => this.asked.push({ ...spec, ticket: this.asked.length + 1 }),
      interrupt: (ticket) => void this.interrupts.push(ticket),
      forget: (_, forgets) => void this.forgets.push(...forgets),
      uniqueOf: () => undefined,
      connected: () => true,
      kill: none,
      notifyReply: none,
      shutdown: none,
      abort: none,
      forceUnmount: none,
      waiting: () => 0,
      onEnd: none,
      onInit: none,
      onNotify: none,
    };
    const emit = (event: ReplayEvent) => void this.events.push(event);
    this.cursor = new Cursor(capture.values(), this.feed, SAME_OWNERS, emit, { serial });
    if (!ready) return;
    this.cursor.connected(1);
    this.cursor.initialised(1, RUN);
    this.cursor.pump();
  }

  /** The server answers what was asked as the ticket. */
  answer(ticket: number, r: Reply | Uint8Array): void {
    const event = reply(r);
    const view = new DataView(event.bytes.buffer, event.bytes.byteOffset);
    const error = view.getInt32(4, true);
    this.feed.onEnd(ticket, { error, body: event.bytes.subarray(16), replied: true });
    this.cursor.replied(event);
  }

  names(): string[] {
    return this.asked.map((spec) => opName(spec.opcode));
  }

  /** What was said of each captured request. */
  said(): string[] {
    return this.events.map((event) => {
      if (event.kind === 'answered') {
        const same = event.actual === event.expected;
        return `${event.index} ${same ? 'same' : `${event.actual}, was ${event.expected}`}`;
      }
      if (event.kind === 'unanswered') return `${event.index} ${event.why}: ${event.detail}`;
      return event.kind;
    });
  }
}

it('asks nothing before the mount, and nothing after a refused INIT', () => {
  const [a, b] = [getattr(4n), getattr(6n)];
  const capture = [...INIT, request(a), reply(attr(a, 1n)), request(b), reply(attr(b, 1n))];
  const play = new Play(capture, false);
  play.cursor.pump();
  expect([play.asked.length, play.cursor.index]).toEqual([0, 0]);
  play.cursor.connected(1);
  play.cursor.initialised(1, { ...RUN, accepted: false });
  play.cursor.pump();
  expect(play.said()).toEqual([
    '2 ended: the connection is gone',
    '3 ended: the connection is gone',
  ]);
});

it('asks a request when every reply before it has arrived', () => {
  const [a, b, c] = [getattr(4n), getattr(6n), getattr(8n)];
  const replies = [a, b, c].map((r) => reply(attr(r, 1n)));
  const [ra, rb, rc] = replies as [ReplyEvent, ReplyEvent, ReplyEvent];
  // Two at once, then, when both were answered, the third.
  const play = new Play([...INIT, request(a), request(b), ra, rb, request(c), rc]);
  expect(play.asked).toHaveLength(2);
  play.answer(2, attr(b, 1n));
  expect(play.asked).toHaveLength(2);
  expect(play.said()).toEqual([]);
  play.answer(1, attr(a, 1n));
  expect(play.asked).toHaveLength(3);
  play.answer(3, attr(c, 9n));
  // In the order of the capture, whatever the order of the answers.
  expect(play.said().map((line) => line.slice(0, 6))).toEqual(['2 same', '3 same', '4 size']);
  expect(play.cursor.done).toBe(true);
});

it('asks one request at a time where that is wanted', () => {
  const [a, b, c] = [getattr(4n), getattr(6n), getattr(8n)];
  const [ra, rb, rc] = [a, b, c].map((r) => reply(attr(r, 1n))) as ReplyEvent[];
  const capture = [...INIT, request(a), request(b), rb, ra, request(c), rc] as SessionEvent[];
  const concurrent = new Play(capture);
  expect([concurrent.asked.length, concurrent.cursor.overlaps]).toEqual([2, 1]);
  const play = new Play(capture, true, true);
  expect(play.asked).toHaveLength(1);
  play.answer(1, attr(a, 1n));
  expect(play.asked).toHaveLength(2);
  play.answer(2, attr(b, 1n));
  play.answer(3, attr(c, 1n));
  expect(play.said()).toEqual(['3 same', '2 same', '4 same']);
  expect(play.cursor.overlaps).toBe(0);
});

it('asks the next one too when the server waits for it', () => {
  const [lock, unlock, c] = [getattr(4n), getattr(6n), getattr(8n)];
  const [ra, rb, rc] = [lock, unlock, c].map((r) => reply(attr(r, 1n))) as ReplyEvent[];
  const interrupt = buildRequest('INTERRUPT', { unique: 5n, nodeid: 0n }, { unique: 4n });
  const capture = [...INIT, request(lock), request(interrupt), request(unlock), rb, ra];
  const play = new Play([...capture, request(c), rc] as SessionEvent[], true, true);
  // What is for the server that has yet to answer is not held.
  expect([play.asked.length, play.interrupts.length]).toEqual([1, 1]);
  expect(play.cursor.release()).toBe(true);
  expect(play.asked).toHaveLength(2);
  // It waits for an answer now: there is nothing to let go.
  expect(play.cursor.release()).toBe(false);
  play.answer(2, attr(unlock, 1n));
  play.answer(1, attr(lock, 1n));
  play.answer(3, attr(c, 1n));
  expect(play.said()).toEqual(['4 same', '2 same', '5 same']);
  expect(new Play(capture as SessionEvent[]).cursor.release()).toBe(false);
});

it('exchanges nodes learned from replies, and forgets this run’s', () => {
  const [a, b] = [lookup(4n), getattr(6n, 7n)];
  const forget = buildRequest('FORGET', { unique: 0n, nodeid: 7n }, { nlookup: 1n });
  const capture = [...INIT, request(a), reply(entry(a, 7n)), request(b), reply(attr(b, 0n))];
  const play = new Play([...capture, request(forget)]);
  play.answer(1, entry(a, 70n));
  expect(play.asked[1]).toMatchObject({ nodeid: 70 });
  play.answer(2, attr(b, 0n));
  expect(play.forgets).toEqual([{ nodeid: 70n, nlookup: 1n }]);
  expect(play.said()).toEqual(['2 same', '3 same']);
});

it('names what hangs on an answer that never came', () => {
  const [a, b] = [lookup(4n), getattr(6n, 7n)];
  const capture = [...INIT, request(a), reply(entry(a, 7n)), request(b), reply(attr(b, 0n))];
  const play = new Play(capture);
  play.answer(1, bareReply(4n, -2));
  expect(play.said()[0]).toMatch(/^2 -ENOENT, was /);
  expect(play.said()[1]).toBe('3 orphaned: node 7 never came');
  expect(play.names()).toEqual(['LOOKUP']);
});

it('compares the sum of a WRITE that had to be split', () => {
  const data = new Uint8Array(6000);
  const a = buildRequest('WRITE', { unique: 4n, nodeid: 1n }, { size: 6000, data }, RUN);
  const capture = [...INIT, request(a), reply(buildReply('WRITE', a, { size: 6000 }))];
  const whole = new Play(capture);
  expect(whole.names()).toEqual(['WRITE', 'WRITE']);
  whole.answer(1, buildReply('WRITE', a, { size: 4096 }));
  whole.answer(2, buildReply('WRITE', a, { size: 1904 }));
  expect(whole.said()).toEqual(['2 same']);
  const short = new Play(capture);
  short.answer(1, buildReply('WRITE', a, { size: 4096 }));
  short.answer(2, buildReply('WRITE', a, { size: 4 }));
  expect(short.said()).toEqual(['2 size=4100, was size=6000']);
});

it('hands an interrupt to the request it names, while that is asked', () => {
  const a = getattr(4n);
  const interrupt = buildRequest('INTERRUPT', { unique: 5n, nodeid: 0n }, { unique: 4n });
  const play = new Play([...INIT, request(a), request(interrupt), reply(attr(a, 1n))]);
  expect(play.interrupts).toEqual([1]);
  expect(play.cursor.inFlight).toBe(1);
});

it('gives up an answer that does not come, and goes on behind it', () => {
  const [a, b] = [getattr(4n), getattr(6n)];
  const capture = [...INIT, request(a), reply(attr(a, 1n)), request(b), reply(attr(b, 1n))];
  const play = new Play(capture);
  expect(play.cursor.giveUp('missing', 'it is quiet')).toBe(true);
  play.cursor.pump();
  expect(play.said()).toEqual(['2 missing: it is quiet']);
  play.answer(2, attr(b, 1n));
  expect(play.said()).toEqual(['2 missing: it is quiet', '3 same']);
  expect(play.cursor.giveUp('missing', '')).toBe(false);
});

it('at the end tells what neither run answered, and what only this one did', () => {
  const [a, b] = [getattr(4n), getattr(6n)];
  const play = new Play([...INIT, request(a), request(b)]);
  play.answer(2, attr(b, 1n));
  play.cursor.finish();
  expect(play.said()).toEqual(['2 as-captured: never answered', 'news']);
});

it('remembers how the captured server ended', () => {
  const play = new Play([
    ...INIT,
    { kind: 'exit', t: 0, pid: 9, main: false, code: 5, signal: null },
    { kind: 'exit', t: 0, pid: 8, main: true, code: 3, signal: null },
  ]);
  expect(play.cursor.capturedExit).toEqual({ code: 3, signal: null });
});

it('names captured requests that nobody can read, and goes on', () => {
  const good = getattr(20n);
  const cut = getattr(4n).bytes.slice(0, 30);
  const liar = getattr(6n).bytes.slice();
  new DataView(liar.buffer).setUint32(0, 9999, true);
  const nameless = lookup(8n).bytes.slice(0, 41);
  new DataView(nameless.buffer).setUint32(0, 41, true);
  const many = buildRequest('BATCH_FORGET', { unique: 0n, nodeid: 0n }, {}).bytes.slice();
  new DataView(many.buffer).setUint32(40, 1 << 30, true);
  const bad = [cut, liar, nameless, many, new Uint8Array(3), new Uint8Array(0)].map(request);
  const play = new Play([...INIT, ...bad, request(good), reply(attr(good, 1n))]);
  expect(play.said().map((line) => line.replace(/capture: .*/, 'capture'))).toEqual(
    [2, 3, 4, 5, 6, 7].map((index) => `${index} orphaned: malformed in the capture`),
  );
  play.answer(1, attr(good, 1n));
  expect(play.said().at(-1)).toBe('8 same');
});

it('holds an answer against a captured reply that nobody can read', () => {
  const a = lookup(4n);
  const torn = entry(a, 7n).bytes.slice(0, 60);
  new DataView(torn.buffer).setUint32(0, 60, true);
  const short = reply(new Uint8Array(5));
  const play = new Play([...INIT, request(a), short, reply(torn), request(getattr(6n, 7n))]);
  play.answer(1, entry(a, 70n));
  expect(play.said()[0]).toMatch(/was malformed \(/);
  expect(play.said()[1]).toBe('3 orphaned: node 7 never came');
});

it('takes the run’s agreement where the captured INIT says nothing of use', () => {
  const a = getattr(4n);
  const nonsense = reply(bareReply(2n, 0));
  const play = new Play([request(init), nonsense, request(a), reply(attr(a, 1n))]);
  play.answer(1, attr(a, 1n));
  expect(play.said()).toEqual(['2 same']);
});

it('passes a resent request and replies to nothing it knows', () => {
  const a = getattr(4n);
  const again = a.bytes.slice();
  new DataView(again.buffer).setBigUint64(8, 4n | (1n << 63n), true);
  const stray = [bareReply(0n, 2), bareReply(5n, 0), bareReply(98n, 0)].map(reply);
  const capture = [...INIT, request(a), request(again), ...stray, reply(attr(a, 1n))];
  const play = new Play(capture);
  expect(play.names()).toEqual([opName(OP.GETATTR.opcode)]);
  play.answer(1, attr(a, 1n));
  expect(play.said()).toEqual(['2 same']);
});
