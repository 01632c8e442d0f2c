/** Rings as text and as JSON: places of messages, REGISTERs, CQEs, and what filters make of them. */
import { describe, expect, it } from 'vitest';
import type {
  CompletionEvent,
  RegisterEvent,
  ReplyEvent,
  RequestEvent,
  RingPlace,
  SessionEvent,
} from '../events.ts';
import { buildReply, buildRequest } from '../protocol/build.ts';
import { bareReply } from '../protocol/header.ts';
import type { Request } from '../protocol/message.ts';
import { OP } from '../protocol/opcodes.ts';
import { URING_CMD } from '../protocol/ring.ts';
import { type ShowOptions, showCapture } from './show.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const ids = { handle: 1, conn: 1, tid: 9 };
const ENOTCONN = -107;

function asked(ms: number, { bytes }: { bytes: Uint8Array }, ring?: RingPlace): RequestEvent {
  const event: RequestEvent = { kind: 'request', t: ms * 1e6, ...ids, bytes };
  return ring === undefined ? event : { ...event, ring };
}

function said(ms: number, bytes: Uint8Array, ring?: RingPlace, result?: number): ReplyEvent {
  const event: ReplyEvent = {
    kind: 'reply',
    t: ms * 1e6,
    ...ids,
    bytes,
    result: result ?? bytes.length,
  };
  return ring === undefined ? event : { ...event, ring };
}

const held: RegisterEvent = {
  kind: 'register',
  t: 1e6,
  ...ids,
  ring: 2,
  qid: 1,
  entry: 0,
  headers: 0x7f00_0000_1000,
  payload: 0x7f00_0000_2000,
  payloadSize: 135168,
  result: 0,
};
const refused: RegisterEvent = {
  ...held,
  qid: 64,
  entry: -1,
  headers: 0,
  payload: 0,
  payloadSize: 0,
  result: -22,
};
const done: CompletionEvent = {
  kind: 'completion',
  t: 9e6,
  ...ids,
  ring: 2,
  command: URING_CMD.COMMIT_AND_FETCH,
  qid: 1,
  entry: 3,
  commitId: '1a',
  result: ENOTCONN,
};

const lookup = (unique: bigint, name: string): Request =>
  buildRequest('LOOKUP', { unique, nodeid: 1n, pid: 7 }, { name: utf8(name) });
const forget = buildRequest('FORGET', { unique: 8n, nodeid: 5n }, { nlookup: 1n });
const place: RingPlace = { qid: 1, entry: 3 };

const show = (events: SessionEvent[], options?: ShowOptions): string[] => [
  ...showCapture({ events: () => events }, options),
];

describe('a ring as text', () => {
  it('has its commands as lines, and the place of every message from the first on', () => {
    const lines = show([
      asked(0, lookup(2n, 'a')),
      said(0.5, bareReply(2n, -2)),
      held,
      refused,
      asked(3, lookup(26n, 'f'), place),
      said(4, bareReply(26n, -2), place),
      asked(5, forget),
      done,
      { ...done, command: URING_CMD.REGISTER, entry: -1, commitId: '', result: -11 },
      { ...done, command: 0, commitId: '' },
      { ...done, command: 77, commitId: '', result: -22 },
      { kind: 'ring-close', t: 9e6, ring: 2 },
      { kind: 'unsupported', t: 9e6, tid: 9, what: 'IORING_SETUP_SQPOLL' },
    ]);
    expect(lines).toEqual([
      '    0.000000 1/1 #2 LOOKUP node=1 name="a" = -ENOENT <0.000500>',
      '    0.001000 1/1 REGISTER ring=2 q=1 ent=0 headers=0x7f0000001000 payload=0x7f0000002000+135168 = held',
      '    0.001000 1/1 REGISTER ring=2 q=64 = -EINVAL',
      '    0.003000 1/1 q1/3  #26 LOOKUP node=1 name="f" = -ENOENT <0.001000>',
      '    0.005000 1/1 dev   #8 FORGET node=5 nlookup=1',
      '    0.009000 1/1 CQE COMMIT_AND_FETCH ring=2 q=1 ent=3 commit_id=0x1a = -ENOTCONN',
      '    0.009000 1/1 CQE REGISTER ring=2 q=1 = -EAGAIN',
      '    0.009000 1/1 CQE ring=2 q=1 ent=3 = -ENOTCONN',
      '    0.009000 1/1 CQE command 77 ring=2 q=1 ent=3 = -EINVAL',
      '    0.009000 ring-close ring=2',
      '    0.009000 unsupported tid=9 what="IORING_SETUP_SQPOLL"',
    ]);
  });

  it('joins a commit with the request in its entry, whatever unique it names', () => {
    const entry = { nodeid: 5n, attr: { mode: 0o100644 } };
    const good = buildReply('LOOKUP', lookup(26n, 'f'), entry).bytes;
    const other = buildReply('LOOKUP', lookup(28n, 'f'), entry).bytes;
    const lines = show([
      asked(1, lookup(26n, 'f'), place),
      asked(2, lookup(28n, 'g'), { qid: 0, entry: 3 }),
      said(3, other, place),
      said(4, good, place),
      said(5, bareReply(99n, -5), { qid: 0, entry: 3 }),
    ]);
    expect(lines[0]).toMatch(/q1\/3 {2}#26 LOOKUP .* = malformed: .*28 is not the unique of its/);
    expect(lines[1]).toMatch(/^ {4}0\.004000 1\/1 q1\/3 {2}#26 reply to no request: /);
    expect(lines[2]).toMatch(/q0\/3 {2}#28 LOOKUP node=1 name="g" = -EIO <0\.003000>$/);
    expect(lines).toHaveLength(3);
  });

  it('waits for the commit of what has no reply on the device', () => {
    const lines = show([
      held,
      asked(1, forget, place),
      asked(2, forget, { qid: 0, entry: 0 }),
      said(3, bareReply(8n, 0), place),
    ]);
    expect(lines.slice(1)).toEqual([
      '    0.001000 1/1 q1/3  #8 FORGET node=5 nlookup=1 = 0 <0.002000>',
      '    0.002000 1/1 q0/0  #8 FORGET node=5 nlookup=1 = ? (never answered)',
    ]);
  });

  it('takes the number that a server chose for a NOTIFY_REPLY, be it odd', () => {
    const retrieved = buildRequest('NOTIFY_REPLY', { unique: 7n, nodeid: 2n }, {});
    const lines = show([asked(1, retrieved, place), said(2, bareReply(7n, 0), place)]);
    expect(lines).toEqual([expect.stringMatching(/#7 NOTIFY_REPLY node=2 .* = 0 <0\.001000>$/)]);
  });

  it('does not take a write to the device for the reply of a request in an entry', () => {
    const lines = show([
      asked(1, lookup(26n, 'f'), place),
      said(2, bareReply(26n, -5), undefined, -2),
    ]);
    expect(lines[0]).toMatch(/1\/1 dev {3}#26 reply to no request: .* \(write -ENOENT\)$/);
    expect(lines[1]).toMatch(/q1\/3 {2}#26 LOOKUP .* = \? \(never answered\)$/);
  });
});

describe('a filter', () => {
  const session: SessionEvent[] = [
    held,
    asked(3, lookup(26n, 'f'), place),
    said(4, bareReply(26n, -2), place),
    done,
  ];
  it.each<[string, ShowOptions, string[]]>([
    ['by unique finds the COMMITs of it', { unique: 26n }, ['LOOKUP', 'CQE']],
    ['by another unique finds none', { unique: 28n }, []],
    ['by opcode', { opcodes: new Set([OP.LOOKUP.opcode]) }, ['LOOKUP']],
    ['by time', { to: 2e6 }, ['REGISTER']],
  ])('%s', (_, options, names) => {
    const text = show(session, options).map((line) => /[A-Z]+/.exec(line)?.[0]);
    expect(text).toEqual(names);
    const json = show(session, { ...options, json: true }).map((line) => JSON.parse(line));
    const kinds = json.map(({ kind }: { kind: string }) => kind);
    const expected = { LOOKUP: ['request', 'reply'], CQE: ['completion'], REGISTER: ['register'] };
    expect(kinds).toEqual(names.flatMap((name) => expected[name as keyof typeof expected]));
  });
});

describe('a ring as JSON', () => {
  it('has every field of the events', () => {
    const closed: SessionEvent = { kind: 'ring-close', t: 9e6, ring: 2 };
    const strange: SessionEvent = { kind: 'unsupported', t: 9e6, tid: 9, what: 'SQPOLL' };
    const events = [held, refused, done, closed, strange];
    expect(show(events, { json: true }).map((line) => JSON.parse(line))).toEqual(events);
  });

  it('says where a message travelled', () => {
    const events = [asked(3, lookup(26n, 'f'), place), said(4, bareReply(26n, -2), place)];
    const [request, reply] = show(events, { json: true }).map((line) => JSON.parse(line));
    expect(request).toMatchObject({ opcode: 'LOOKUP', unique: 26, ring: place });
    expect(reply).toMatchObject({ opcode: 'LOOKUP', error: -2, duration: 1e6, ring: place });
  });
});
