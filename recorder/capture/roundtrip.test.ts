/**
 * Any list of events comes back as it was written: in order, by offset, and from the index; also
 * with frames larger than the reader's windows. FUSE_RIG_SEED chooses other lists.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { BeginEvent, EndEvent, SessionEvent } from '../../rig/events.ts';
import { CaptureError } from './error.ts';
import { BODY_MAX } from './frame.ts';
import { CaptureReader } from './reader.ts';
import { CaptureWriter } from './writer.ts';

type Middle = Exclude<SessionEvent, BeginEvent | EndEvent>;
type Arbitraries<K> = { [P in keyof K]: fc.Arbitrary<K[P]> };

const seed = Number(process.env.FUSE_RIG_SEED ?? 8);
const dir = mkdtempSync(join(tmpdir(), 'fuse-rig-roundtrip-'));
afterAll(() => rmSync(dir, { recursive: true }));

const t = fc.maxSafeNat();
const u32 = fc.nat(0xffff_ffff);
const i32 = fc.integer();
const flags = fc.maxSafeInteger();
// Lone surrogates have no UTF-8; the writer replaces them (FORMAT.md).
const text = fc.string({ unit: 'binary', maxLength: 40 });
const bytes = fc.uint8Array({ maxLength: 300 });
const limit = fc.oneof(fc.maxSafeNat(), fc.constant(Number.POSITIVE_INFINITY));
const count = fc.maxSafeNat();

const event = <E extends SessionEvent>(kind: E['kind'], fields: Arbitraries<Omit<E, 'kind'>>) =>
  // Omit of a single event and its kind are that event.
  fc.record(fields).map((made) => ({ kind, ...made }) as unknown as E);

const server = fc.record({
  command: fc.array(text),
  cwd: text,
  env: fc.array(text),
  uid: u32,
  gid: u32,
  groups: fc.array(u32),
  umask: fc.nat(0o777),
  limits: fc.dictionary(fc.constantFrom('nofile', 'memlock', 'as'), fc.tuple(limit, limit), {
    noNullPrototype: true,
  }),
});

const begin: fc.Arbitrary<BeginEvent> = fc.record(
  {
    kind: fc.constant('begin' as const),
    t,
    started: text,
    rig: fc.string({ maxLength: 64 }),
    kernel: text,
    abi: fc.array(text),
    server,
    mountpoint: text,
    fixture: text,
    cpus: count,
  },
  { requiredKeys: ['kind', 't', 'started', 'rig', 'kernel', 'abi', 'server'] },
);

const end: fc.Arbitrary<EndEvent> = event<EndEvent>('end', {
  t,
  reason: fc.constantFrom('server-exit', 'unmount', 'interrupt', 'error', 'recovered'),
  requests: count,
  replies: count,
});

const ids = { handle: u32, conn: u32, tid: i32 };
const qid = fc.nat(0xffff);
const entry = fc.integer({ min: -1, max: 0xffff_ffff });
const ring = fc.record({ qid, entry: u32 }, { noNullPrototype: true });
type Of<K extends Middle['kind']> = Extract<Middle, { kind: K }>;

const middle: fc.Arbitrary<Middle> = fc.oneof(
  event<Of<'open'>>('open', { t, handle: u32, tid: i32, flags }),
  event<Of<'clone'>>('clone', { t, ...ids, source: u32, result: i32 }),
  event<Of<'close'>>('close', { t, handle: u32 }),
  event<Of<'mount'>>('mount', {
    t,
    ...ids,
    fstype: text,
    source: text,
    target: text,
    flags,
    options: text,
    result: i32,
    dev: flags,
  }),
  event<Of<'unmount'>>('unmount', {
    t,
    conn: u32,
    by: fc.constantFrom('server', 'outside', 'rig'),
    flags,
    result: i32,
  }),
  event<Of<'request'>>('request', { t, ...ids, bytes }),
  event<Of<'reply'>>('reply', { t, ...ids, bytes, result: i32 }),
  event<Of<'request'>>('request', { t, ...ids, bytes, ring }),
  event<Of<'reply'>>('reply', { t, ...ids, bytes, result: i32, ring }),
  event<Of<'register'>>('register', {
    t,
    ...ids,
    ring: u32,
    qid,
    entry,
    headers: count,
    payload: count,
    payloadSize: u32,
    result: i32,
  }),
  event<Of<'completion'>>('completion', {
    t,
    ...ids,
    ring: u32,
    command: u32,
    qid,
    entry,
    commitId: fc.oneof(
      fc.constant(''),
      fc.bigInt(0n, 2n ** 64n - 1n).map((id) => id.toString(16)),
    ),
    result: i32,
  }),
  event<Of<'ring-close'>>('ring-close', { t, ring: u32 }),
  event<Of<'unsupported'>>('unsupported', { t, tid: i32, what: text }),
  event<Of<'transport'>>('transport', {
    t,
    ...ids,
    call: fc.constantFrom('read', 'write', 'splice', 'ioctl'),
    result: i32,
  }),
  event<Of<'backing'>>('backing', {
    t,
    ...ids,
    op: fc.constantFrom('open', 'close'),
    id: i32,
    path: text,
    result: i32,
  }),
  event<Of<'output'>>('output', { t, fd: fc.constantFrom(1, 2), bytes }),
  event<Of<'exit'>>('exit', {
    t,
    pid: i32,
    main: fc.boolean(),
    code: fc.option(i32),
    signal: fc.option(i32),
  }),
  event<Of<'fixture'>>('fixture', { t, bytes }),
);

function write(path: string, first: BeginEvent, rest: readonly Middle[], last: EndEvent): void {
  const writer = CaptureWriter.create(path, first, { force: true });
  for (const one of rest) writer.write(one);
  writer.close(last);
}

describe(`round trip, seed ${seed}`, () => {
  it('gives back any list of events, in order and by offset', () => {
    const path = join(dir, 'any.fusecap');
    const lists = fc.property(begin, fc.array(middle, { maxLength: 30 }), end, (b, list, e) => {
      write(path, b, list, e);
      const reader = CaptureReader.open(path);
      try {
        const all = [b, ...list, e];
        expect(reader.begin).toEqual(b);
        expect([...reader.events()]).toEqual(all);
        const { offsets, kinds } = reader.index();
        expect(kinds).toEqual(all.map((one) => one.kind));
        expect(offsets.map((offset) => reader.readAt(offset))).toEqual(all);
      } finally {
        reader.close();
      }
    });
    fc.assert(lists, { seed, numRuns: 300 });
  }, 120_000);

  const ends: [BeginEvent, EndEvent] = [
    { ...(fc.sample(begin, { seed, numRuns: 1 })[0] as BeginEvent) },
    { kind: 'end', t: 9, reason: 'unmount', requests: 0, replies: 0 },
  ];

  it('gives back frames of all sizes around the windows, and the largest', () => {
    const path = join(dir, 'sizes.fusecap');
    const sizes = [0, 1, 8_143, 8_144, 8_145, 1_048_527, 1_048_528, 1_048_529, 3_000_000, 0, 5];
    const list = [...sizes, BODY_MAX - 24].map((size, i): Middle => {
      return {
        kind: 'request',
        t: i,
        handle: 1,
        conn: 1,
        tid: i,
        bytes: new Uint8Array(size).fill(i),
      };
    });
    write(path, ends[0], list, ends[1]);
    const reader = CaptureReader.open(path);
    let i = -1;
    for (const { event: got, offset } of reader.frames()) {
      const want = list[i++];
      if (want?.kind !== 'request' || got.kind !== 'request') continue;
      expect(got.tid).toBe(want.tid);
      expect(Buffer.compare(got.bytes, want.bytes)).toBe(0);
      const again = reader.readAt(offset);
      expect(again.kind === 'request' && Buffer.compare(again.bytes, want.bytes)).toBe(0);
    }
    expect(i).toBe(list.length + 1);
    reader.close();
  }, 120_000);

  it('yields bytes that stay as they are while the reader goes on', () => {
    const path = join(dir, 'keep.fusecap');
    const list = Array.from({ length: 40 }, (_, i): Middle => {
      return { kind: 'fixture', t: i, bytes: new Uint8Array(100_000).fill(i) };
    });
    write(path, ends[0], list, ends[1]);
    const reader = CaptureReader.open(path);
    const kept = [...reader.events()].slice(1, -1);
    expect(kept.every((one, i) => one.kind === 'fixture' && one.bytes.every((b) => b === i))).toBe(
      true,
    );
    reader.close();
  });

  const ringIds = { t: 0, handle: 1, conn: 1, tid: 1, ring: 1, qid: 0, entry: 0, result: 0 };
  const message: Middle = {
    kind: 'request',
    t: 0,
    handle: 1,
    conn: 1,
    tid: 1,
    bytes: new Uint8Array(1),
  };
  const register: Middle = {
    kind: 'register',
    ...ringIds,
    headers: 4096,
    payload: 8192,
    payloadSize: 8192,
  };
  const completion: Middle = { kind: 'completion', ...ringIds, command: 2, commitId: '1a' };

  it.each<[string, Middle]>([
    ['a fractional time', { kind: 'fixture', t: 0.5, bytes: new Uint8Array(1) }],
    ['a negative time', { kind: 'output', t: -1, fd: 1, bytes: new Uint8Array(1) }],
    [
      'a handle past u32',
      { kind: 'request', t: 0, handle: 2 ** 32, conn: 0, tid: 0, bytes: new Uint8Array(1) },
    ],
    [
      'a result past i32',
      {
        kind: 'reply',
        t: 0,
        handle: 0,
        conn: 0,
        tid: 0,
        bytes: new Uint8Array(1),
        result: 2 ** 31,
      },
    ],
    ['a queue past u16', { ...message, ring: { qid: 0x10000, entry: 0 } }],
    ['an entry that is none', { ...message, ring: { qid: 0, entry: -1 } }],
    ['an entry past u32', { ...message, ring: { qid: 0, entry: 2 ** 32 } }],
    ['a REGISTER of a queue past u16', { ...register, qid: 0x10000 }],
    ['a REGISTER of an entry below -1', { ...register, entry: -2 }],
    ['an address that is negative', { ...register, headers: -4096 }],
    ['a commit_id that is none', { ...completion, commitId: '0x1a' }],
    ['a commit_id past u64', { ...completion, commitId: '1'.repeat(17) }],
    ['a field that is not a number', { kind: 'close', t: 0, handle: Number.NaN }],
    ['a field too many', { kind: 'close', t: 0, handle: 1, more: 1 } as Middle],
    ['a body too long', { kind: 'fixture', t: 0, bytes: new Uint8Array(BODY_MAX) }],
  ])('refuses %s and can go on', (_, bad) => {
    const path = join(dir, 'bad.fusecap');
    const writer = CaptureWriter.create(path, ends[0], { force: true });
    expect(() => writer.write(bad)).toThrow(CaptureError);
    writer.write({ kind: 'close', t: 1, handle: 1 });
    writer.close(ends[1]);
    const reader = CaptureReader.open(path);
    expect([...reader.events()]).toHaveLength(3);
    reader.close();
  });
});
