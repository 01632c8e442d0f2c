/**
 * The golden captures: one event of every kind, in the bytes of each format. Reading them must give
 * these events in every later version of the code, and writing these events must give the bytes of
 * those that are written; a change of the format is a new file beside them. `FUSE_RIG_GOLDEN=write npx vitest
 * run recorder/capture/golden` made those of format 3 and 4, and makes them again.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { native } from '../../native/load.ts';
import type { BeginEvent, EndEvent, SessionEvent } from '../../rig/events.ts';
import { CRC_AT, HEADER_BYTES, TYPES } from './frame.ts';
import { CaptureReader } from './reader.ts';
import { recover } from './recover.ts';
import { CaptureWriter } from './writer.ts';

const OLD = fileURLToPath(new URL('golden/v1.fusecap', import.meta.url));
const OLD2 = fileURLToPath(new URL('golden/v2.fusecap', import.meta.url));
const GOLDEN = fileURLToPath(new URL('golden/v3.fusecap', import.meta.url));
const ROOTED = fileURLToPath(new URL('golden/v4.fusecap', import.meta.url));
const FORMAT = fileURLToPath(new URL('../FORMAT.md', import.meta.url));
const hex = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replace(/\s/g, ''), 'hex'));

const begin: BeginEvent = {
  kind: 'begin',
  t: 0,
  started: '2025-03-01T12:00:00.000Z',
  rig: '0.1.0',
  kernel: '6.18.44',
  abi: ['dev'],
  server: {
    command: ['./hello', '{mountpoint}'],
    cwd: '/srv',
    env: ['HOME=/root', 'LANG=C'],
    uid: 0,
    gid: 0,
    groups: [0, 27],
    umask: 0o22,
    limits: { nofile: [1024, 1048576], memlock: [8388608, Number.POSITIVE_INFINITY] },
  },
  mountpoint: '/mnt/h',
};

const at = { handle: 1, conn: 1, tid: 4242 };

/** LOOKUP of "f" in the root by process 77; the server says ENOENT. */
const lookup = hex(`2a000000 01000000 0400000000000000 0100000000000000
                    00000000 00000000 4d000000 0000 0000 6600`);
const noent = hex('10000000 feffffff 0400000000000000');

type Middle = Exclude<SessionEvent, BeginEvent | EndEvent>;

const middle: Middle[] = [
  { kind: 'fixture', t: 0, bytes: hex('00ff') },
  { kind: 'open', t: 1_000, handle: 1, tid: 4242, flags: 0o2 },
  {
    kind: 'mount',
    t: 2_000,
    ...at,
    fstype: 'fuse.hello',
    source: 'hello',
    target: '/mnt/h\u00e9',
    flags: 6,
    options: 'rootmode=40000,user_id=0,group_id=0',
    result: 0,
    dev: 44,
  },
  { kind: 'clone', t: 3_000, handle: 2, source: 1, conn: 1, tid: 4243, result: 0 },
  { kind: 'request', t: 5_000_000_000, ...at, bytes: lookup },
  { kind: 'reply', t: 5_000_000_123, ...at, bytes: noent, result: 16 },
  { kind: 'transport', t: 2 ** 40, ...at, call: 'read', result: -11 },
  { kind: 'backing', t: 2 ** 40, ...at, op: 'open', id: 1, path: '/srv/f', result: 1 },
  { kind: 'output', t: 2 ** 40 + 1, fd: 2, bytes: hex('68690a') },
  { kind: 'close', t: 2 ** 40 + 2, handle: 2 },
  { kind: 'unmount', t: 2 ** 40 + 3, conn: 1, by: 'outside', flags: 0, result: 0 },
  { kind: 'exit', t: 2 ** 40 + 4, pid: 4242, main: true, code: null, signal: 15 },
];
const end: EndEvent = {
  kind: 'end',
  t: 2 ** 40 + 5,
  reason: 'server-exit',
  requests: 1,
  replies: 1,
};

/** What format 2 added, before the `close` of the rest. */
const begin2: BeginEvent = { ...begin, abi: ['dev', 'uring'], cpus: 2 };
const ring = { qid: 1, entry: 3 };
const t2 = 2 ** 40 + 2;
const middle2: Middle[] = [
  ...middle.slice(0, -3),
  {
    kind: 'register',
    t: t2,
    ...at,
    ring: 1,
    qid: 1,
    entry: 3,
    headers: 0x7f00_0000_1000,
    payload: 0x7f00_0000_2000,
    payloadSize: 135168,
    result: 0,
  },
  { kind: 'request', t: t2, ...at, bytes: lookup, ring },
  { kind: 'reply', t: t2, ...at, bytes: noent, result: 16, ring },
  {
    kind: 'completion',
    t: t2,
    ...at,
    ring: 1,
    command: 2,
    qid: 1,
    entry: 3,
    commitId: '4',
    result: -107,
  },
  { kind: 'ring-close', t: t2, ring: 1 },
  { kind: 'unsupported', t: t2, tid: 4242, what: 'io_uring_setup with IORING_SETUP_SQPOLL' },
  ...middle.slice(-3),
];
const end2: EndEvent = { ...end, requests: 2, replies: 2 };

/** What format 3 added, before the `close` of the rest. */
const middle3: Middle[] = [
  ...middle2.slice(0, -3),
  {
    kind: 'injected',
    t: t2,
    ...at,
    rule: 1,
    text: 'LOOKUP:cqe=ENOTCONN:when=2',
    fault: 'cqe',
    at: 'cqe',
    opcode: 1,
    unique: '4',
    qid: 1,
    entry: 3,
    result: -107,
    refused: false,
    fate: 'kept',
    synthetic: true,
    goesOn: false,
  },
  ...middle2.slice(-3),
];

/** What format 4 added: written only where there is such a root. */
const begin4: BeginEvent = { ...begin2, root: '/srv/sid' };

const dir = mkdtempSync(join(tmpdir(), 'fuse-rig-golden-'));
afterAll(() => rmSync(dir, { recursive: true }));

function encode(first: BeginEvent, rest: readonly Middle[], last: EndEvent): Buffer {
  const path = join(dir, 'c.fusecap');
  const writer = CaptureWriter.create(path, first, { force: true });
  for (const event of rest) writer.write(event);
  writer.close(last);
  return readFileSync(path);
}

if (process.env.FUSE_RIG_GOLDEN === 'write') {
  writeFileSync(GOLDEN, encode(begin2, middle3, end2));
  writeFileSync(ROOTED, encode(begin4, middle3, end2));
}

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function read(path: string): { format: number; begin: BeginEvent; events: SessionEvent[] } {
  const reader = CaptureReader.open(path);
  const { format, begin: first } = reader;
  const events = [...reader.events()];
  reader.close();
  return { format, begin: first, events };
}

/** A capture without what came later as an earlier format had it: its first frame says so. */
function asFormat(format: number, bytes: Buffer): Buffer {
  const length = HEADER_BYTES + bytes.readUInt32LE(8);
  bytes.writeUInt16LE(format, HEADER_BYTES);
  bytes.writeUInt32LE(0, CRC_AT);
  bytes.writeUInt32LE(native.crc32c(bytes.subarray(0, length)), CRC_AT);
  return bytes;
}

describe('the golden capture of format 3', () => {
  it('holds every kind of event, and messages of rings', () => {
    const all: SessionEvent[] = [begin2, ...middle3, end2];
    expect([...new Set(all.map(({ kind }) => kind))].sort()).toEqual(Object.keys(TYPES).sort());
    expect(all.filter((event) => 'ring' in event && event.ring === ring)).toHaveLength(2);
  });

  it('reads as its events', () => {
    expect(read(GOLDEN)).toEqual({ format: 3, begin: begin2, events: [begin2, ...middle3, end2] });
  });

  it('is what its events are written as, byte for byte', () => {
    expect(hexOf(encode(begin2, middle3, end2))).toBe(hexOf(readFileSync(GOLDEN)));
  });

  it('is the file whose frames FORMAT.md shows in hex', () => {
    const reader = CaptureReader.open(GOLDEN);
    const bytes = readFileSync(GOLDEN);
    const text = readFileSync(FORMAT, 'utf8');
    const all = [...reader.frames()].map(({ offset, next }) => hexOf(bytes.subarray(offset, next)));
    reader.close();
    const names: string[] = [];
    for (const [, name = '', block = ''] of text.matchAll(/```hex (\w+)\n([\s\S]*?)```/g)) {
      const columns = block.split('\n').map((line) => line.split('|')[0] ?? '');
      names.push(name);
      expect(all, name).toContain(columns.join('').replace(/\s/g, ''));
    }
    expect(names).toEqual(['begin', 'reply', 'register', 'request', 'close']);
  });
});

describe('the golden capture of format 4', () => {
  const all = [begin4, ...middle3, end2];

  it('reads as its events, and is what they are written as', () => {
    expect(read(ROOTED)).toEqual({ format: 4, begin: begin4, events: all });
    expect(hexOf(encode(begin4, middle3, end2))).toBe(hexOf(readFileSync(ROOTED)));
  });

  it('is no capture of an earlier format', () => {
    const path = join(dir, 'early.fusecap');
    writeFileSync(path, asFormat(3, readFileSync(ROOTED)));
    expect(() => read(path)).toThrow('field "root" in a file of format 3: it came with format 4');
  });

  it('is recovered with its root', () => {
    const out = join(dir, 'rooted.fusecap');
    rmSync(out, { force: true });
    expect(recover(ROOTED, out)).toMatchObject({ complete: true, bytesDropped: 0 });
    expect(read(out)).toEqual(read(ROOTED));
  });
});

describe.each([
  { format: 1, path: OLD, begin, middle, end },
  { format: 2, path: OLD2, begin: begin2, middle: middle2, end: end2 },
])('the golden capture of format $format', ({ format, path, ...had }) => {
  it('reads as its events', () => {
    const events = [had.begin, ...had.middle, had.end];
    expect(read(path)).toEqual({ format, begin: had.begin, events });
  });

  it('is recovered as a capture of format 3 with the same events', () => {
    const out = join(dir, 'recovered.fusecap');
    rmSync(out, { force: true });
    expect(recover(path, out)).toMatchObject({ complete: true, bytesDropped: 0 });
    expect(read(out)).toEqual({ ...read(path), format: 3 });
  });

  it('is what its events are written as, but for the version', () => {
    const bytes = encode(had.begin, had.middle, had.end);
    expect(hexOf(asFormat(format, bytes))).toBe(hexOf(readFileSync(path)));
  });
});
