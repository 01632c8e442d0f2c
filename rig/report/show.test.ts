/** Text and JSON of made-up sessions, and that every message shown is one a filter wants. */
import { describe, expect, it } from 'vitest';
import type { ReplyEvent, RequestEvent, SessionEvent } from '../events.ts';
import { buildReply, buildRequest } from '../protocol/build.ts';
import { bareReply } from '../protocol/header.ts';
import { joinInitFlags } from '../protocol/init-flags.ts';
import type { Request } from '../protocol/message.ts';
import { encodeNotification } from '../protocol/notify.ts';
import { OP } from '../protocol/opcodes.ts';
import { type ShowOptions, showCapture } from './show.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const ids = { handle: 1, conn: 1, tid: 9 };

/** A message at `ms` milliseconds. */
const asked = (ms: number, { bytes }: { bytes: Uint8Array }): RequestEvent => ({
  kind: 'request',
  t: ms * 1e6,
  ...ids,
  bytes,
});
const said = (ms: number, bytes: Uint8Array, result = bytes.length): ReplyEvent => ({
  kind: 'reply',
  t: ms * 1e6,
  ...ids,
  bytes,
  result,
});

const lookup = (unique: bigint, name: string): Request =>
  buildRequest('LOOKUP', { unique, nodeid: 1n, pid: 7 }, { name: utf8(name) });
const read = (unique: bigint, nodeid: bigint): Request =>
  buildRequest('READ', { unique, nodeid }, { fh: 3n, size: 4096 });
const forget = buildRequest('FORGET', { unique: 6n, nodeid: 5n }, { nlookup: 1n });
const interrupt = buildRequest('INTERRUPT', { unique: 5n }, { unique: 4n });
const data = utf8('hello "x"\n');

const show = (events: SessionEvent[], options?: ShowOptions): string[] => [
  ...showCapture({ events: () => events }, options),
];
const json = (events: SessionEvent[], options?: ShowOptions): unknown[] =>
  show(events, { ...options, json: true }).map((line) => JSON.parse(line));

const session: SessionEvent[] = [
  asked(1, lookup(2n, 'f')),
  asked(2, read(4n, 5n)),
  said(3, bareReply(2n, -2)),
  asked(4, interrupt),
  said(5, buildReply('READ', read(4n, 5n), { data }).bytes),
  asked(6, forget),
  said(7, encodeNotification('INVAL_ENTRY', { parent: 1n, name: utf8('f') })),
  { kind: 'exit', t: 8e6, pid: 9, main: true, code: 0, signal: null },
];

/** A fault before the message came. */
const injected: SessionEvent = {
  kind: 'injected',
  t: 1.5e6,
  ...ids,
  rule: 1,
  text: 'READ:read=EINTR',
  fault: 'read',
  at: 'deliver',
  opcode: OP.READ.opcode,
  unique: '4',
  qid: -1,
  entry: -1,
  result: -4,
  refused: false,
  fate: 'kept',
  synthetic: false,
  goesOn: true,
};

describe('an injected fault', () => {
  const faulty = [...session.slice(0, 1), injected, ...session.slice(1)];
  it.each([
    ['of its opcode', { opcodes: new Set([OP.READ.opcode]) }, 1],
    ['of its request', { unique: 4n }, 1],
    ['of a node, which may be its', { nodeid: 5n }, 1],
    ['of all', {}, 1],
    ['of another opcode', { opcodes: new Set([OP.LOOKUP.opcode]) }, 0],
    ['of another request', { unique: 2n }, 0],
  ])('is in the view %s', (_, options: ShowOptions, lines) => {
    const marked = show(faulty, options).filter((line) => line.includes('(INJECTED)'));
    expect(marked).toHaveLength(lines);
    const events = json(faulty, options).filter((event) => 'rule' in (event as object));
    expect(events).toHaveLength(lines);
  });
});

describe('a session as text', () => {
  it('has one line a request, when its reply comes', () => {
    expect(show(session)).toEqual([
      '    0.001000 1/1 #2 LOOKUP node=1 name="f" = -ENOENT <0.002000>',
      '    0.004000 1/1 #5 INTERRUPT unique=4',
      expect.stringMatching(
        /^ {4}0\.002000 1\/1 #4 READ node=5 fh=0x3 .*size=4096.* = 10 "hello \\"x\\"\\n" <0\.003000>$/,
      ),
      '    0.006000 1/1 #6 FORGET node=5 nlookup=1',
      expect.stringMatching(/^ {4}0\.007000 1\/1 NOTIFY_INVAL_ENTRY parent=1 .*name="f"$/),
      '    0.008000 exit pid=9 main code=0',
    ]);
  });

  it('tells of requests that were never answered, or delivered again', () => {
    const again = [asked(1, lookup(2n, 'a')), asked(2, lookup(2n | (1n << 63n), 'a'))];
    expect(show([...again, asked(3, lookup(4n, 'b'))])).toEqual([
      '    0.001000 1/1 #2 LOOKUP node=1 name="a" = ? (delivered again)',
      `    0.002000 1/1 #${2n | (1n << 63n)} LOOKUP node=1 name="a" = ? (never answered)`,
      '    0.003000 1/1 #4 LOOKUP node=1 name="b" = ? (never answered)',
    ]);
  });

  it('shows what the kernel refused, and what the request came to after that', () => {
    const late = [said(3, bareReply(2n, -5), -22), said(4, bareReply(2n, -5), -2)];
    expect(show([asked(1, lookup(2n, 'a')), said(2, bareReply(2n, 5), -22), ...late])).toEqual([
      '    0.001000 1/1 #2 LOOKUP node=1 name="a" = 5? (write -EINVAL) <0.001000>',
      '    0.001000 1/1 #2 LOOKUP node=1 name="a" = -EIO (write -EINVAL) <0.002000>',
      expect.stringMatching(
        /^ {4}0\.004000 1\/1 #2 reply to no request: "\\x10.*" \(write -ENOENT\)$/,
      ),
    ]);
  });

  it('shows malformed messages as what they are', () => {
    const short = lookup(2n, 'abc').bytes.subarray(0, 42);
    const lines = show([
      asked(1, { bytes: short }),
      asked(2, { bytes: new Uint8Array(3) }),
      asked(3, lookup(4n, 'a')),
      said(4, Uint8Array.from([...bareReply(4n, 0), 1, 2, 3])),
      said(5, new Uint8Array(5)),
    ]);
    expect(lines[0]).toMatch(/^ {4}0\.001000 1\/1 request malformed: .*: ",\\x00/);
    expect(lines[1]).toMatch(/request malformed: .*: "\\x00\\x00\\x00"$/);
    expect(lines[2]).toMatch(/#4 LOOKUP node=1 name="a" = malformed: .*len.*<0\.001000>$/);
    expect(lines[3]).toBe('    0.005000 1/1 reply to no request: "\\x00\\x00\\x00\\x00\\x00"');
    expect(lines).toHaveLength(4);
  });

  it('reads what follows INIT as INIT agreed', () => {
    const init = buildRequest('INIT', { unique: 1n }, { major: 7, minor: 45, flags: 0xffffffff });
    const flags = Number(joinInitFlags(1 << 29, 0));
    const agreed = buildReply('INIT', init, { major: 7, minor: 45, flags, max_write: 4096 });
    const args = { name: utf8('user.a'), value: utf8('v'), size: 1 };
    const long = buildRequest('SETXATTR', { unique: 4n, nodeid: 1n }, args, {
      ...init.negotiated,
      flags: BigInt(flags),
    });
    const lines = show([asked(1, init), said(2, agreed.bytes), asked(3, long)]);
    expect(lines[0]).toContain('#1 INIT');
    expect(lines[1]).toContain('name="user.a" value="v"');
    // The same bytes without that INIT are something else.
    expect(show([asked(3, long)])[0]).not.toContain('name="user.a"');
  });

  it('cuts data where it is told to', () => {
    expect(show(session, { data: 4 })[2]).toContain(' = 10 "hell"...');
    expect(show([{ kind: 'output', t: 0, fd: 1, bytes: data }], { data: 4 })[0]).toContain(
      '"hell"...',
    );
  });
});

describe('a filter', () => {
  it.each<[string, ShowOptions, (string | undefined)[]]>([
    ['opcodes', { opcodes: new Set([OP.READ.opcode, OP.FORGET.opcode]) }, ['READ', 'FORGET']],
    ['a node', { nodeid: 1n }, ['LOOKUP']],
    ['a unique', { unique: 4n }, ['READ']],
    ['an opcode and a node it is not on', { opcodes: new Set([1]), nodeid: 5n }, []],
    ['a time range, by the request', { from: 2e6, to: 4e6 }, ['READ']],
    ['a time range, other events too', { from: 7e6 }, ['NOTIFY_INVAL_ENTRY', 'exit']],
  ])('by %s', (_, options, names) => {
    const found = show(session, options).map((line) => /[A-Za-z]+[A-Z_a-z]*/.exec(line)?.[0]);
    expect(found).toEqual(names);
  });

  it('by unique finds replies to no request', () => {
    const stray = [said(1, bareReply(8n, 0)), said(2, bareReply(10n, 0))];
    expect(show(stray, { unique: 8n })).toHaveLength(1);
    expect(show(stray, { nodeid: 8n })).toHaveLength(0);
  });

  it('chooses the same in JSON', () => {
    const found = json(session, { unique: 4n }) as { opcode: string; kind: string }[];
    expect(found.map(({ kind, opcode }) => `${kind} ${opcode}`)).toEqual([
      'request READ',
      'reply READ',
    ]);
  });
});

describe('a session as JSON', () => {
  it('has one object an event, decoded', () => {
    const [ask, readAsk, reply, , readReply, , notification, exit] = json(session);
    const head = { handle: 1, conn: 1, tid: 9 };
    const who = { uid: 0, gid: 0, pid: 7 };
    const args = { name: 'f' };
    expect(ask).toEqual({
      kind: 'request',
      t: 1e6,
      ...head,
      opcode: 'LOOKUP',
      unique: 2,
      nodeid: 1,
      ...who,
      args,
    });
    expect(readAsk).toMatchObject({ opcode: 'READ', args: { fh: 3, size: 4096 } });
    expect(reply).toEqual({
      kind: 'reply',
      t: 3e6,
      ...head,
      result: 16,
      opcode: 'LOOKUP',
      unique: 2,
      error: -2,
      args: {},
      duration: 2e6,
    });
    expect(readReply).toMatchObject({ args: { data: Buffer.from(data).toString('base64') } });
    expect(notification).toMatchObject({ notify: 'INVAL_ENTRY', args: { parent: 1, name: 'f' } });
    expect(exit).toEqual({ kind: 'exit', t: 8e6, pid: 9, main: true, code: 0, signal: null });
  });

  it('keeps large integers, and bytes as text where asked', () => {
    const big = buildRequest(
      'READ',
      { unique: 2n ** 53n, nodeid: 2n ** 64n - 1n },
      { fh: 2n ** 63n },
    );
    expect(json([asked(1, big)])[0]).toMatchObject({
      unique: '9007199254740992',
      nodeid: '18446744073709551615',
      args: { fh: '9223372036854775808' },
    });
    expect(json(session, { data: 8 })[4]).toMatchObject({ args: { data: 'hello \\"x...' } });
    expect(json(session, { data: 99 })[4]).toMatchObject({ args: { data: 'hello \\"x\\"\\n' } });
    expect(json([asked(1, lookup(2n, '\u00e9\u0007'))])[0]).toMatchObject({
      args: { name: '\\xc3\\xa9\\x07' },
    });
  });

  it('says what is malformed', () => {
    const short = lookup(2n, 'abc').bytes.subarray(0, 42);
    const [bad, , reply, stray] = json([
      asked(1, { bytes: short }),
      asked(3, lookup(4n, 'a')),
      said(4, Uint8Array.from([...bareReply(4n, 0), 1, 2, 3])),
      said(5, new Uint8Array(5)),
    ]);
    expect(bad).toMatchObject({ malformed: expect.any(String), bytes: expect.any(String) });
    expect(reply).toMatchObject({ opcode: 'LOOKUP', malformed: expect.any(String) });
    expect(stray).toMatchObject({ stray: true, bytes: 'AAAAAAA=' });
  });
});

describe('showing', () => {
  it('goes along with the events, and gets no further than its reader', () => {
    let given = 0;
    function* endless(): Generator<SessionEvent> {
      for (;;) yield asked(++given, forget);
    }
    let lines = 0;
    for (const _ of showCapture({ events: endless })) if (++lines === 100) break;
    expect(given).toBe(100);
  });
});
