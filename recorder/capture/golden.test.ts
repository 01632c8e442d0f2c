/**
 * The golden capture: one event of every kind, in the bytes of format 1. Reading it must give these
 * events and writing these events must give those bytes, in every later version of the code; a
 * change of the format is a new file beside it. `FUSE_RIG_GOLDEN=write npx vitest run
 * recorder/capture/golden` made it, and makes it again.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import type { BeginEvent, EndEvent, SessionEvent } from '../../rig/events.ts';
import { TYPES } from './frame.ts';
import { CaptureReader } from './reader.ts';
import { CaptureWriter } from './writer.ts';

const GOLDEN = fileURLToPath(new URL('golden/v1.fusecap', import.meta.url));
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

const middle: Exclude<SessionEvent, BeginEvent | EndEvent>[] = [
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

const dir = mkdtempSync(join(tmpdir(), 'fuse-rig-golden-'));
afterAll(() => rmSync(dir, { recursive: true }));

function encode(): Uint8Array {
  const path = join(dir, 'c.fusecap');
  const writer = CaptureWriter.create(path, begin, { force: true });
  for (const event of middle) writer.write(event);
  writer.close(end);
  return readFileSync(path);
}

if (process.env.FUSE_RIG_GOLDEN === 'write') writeFileSync(GOLDEN, encode());

describe('the golden capture of format 1', () => {
  it('holds every kind of event', () => {
    const kinds = new Set([begin, ...middle, end].map((event) => event.kind));
    expect([...kinds].sort()).toEqual(Object.keys(TYPES).sort());
  });

  it('reads as its events', () => {
    const reader = CaptureReader.open(GOLDEN);
    expect(reader.begin).toEqual(begin);
    expect([...reader.events()]).toEqual([begin, ...middle, end]);
    reader.close();
  });

  it('is what its events are written as, byte for byte', () => {
    expect(Buffer.from(encode()).toString('hex')).toBe(readFileSync(GOLDEN).toString('hex'));
  });

  it('is the file whose frames FORMAT.md shows in hex', () => {
    const reader = CaptureReader.open(GOLDEN);
    const bytes = readFileSync(GOLDEN);
    const shown = new Map<string, string>();
    const text = readFileSync(FORMAT, 'utf8');
    for (const [, kind = '', block = ''] of text.matchAll(/```hex (\w+)\n([\s\S]*?)```/g)) {
      const columns = block.split('\n').map((line) => line.split('|')[0] ?? '');
      shown.set(kind, columns.join('').replace(/\s/g, ''));
    }
    expect([...shown.keys()]).toEqual(['begin', 'reply', 'close']);
    for (const { event, offset, next } of reader.frames()) {
      const frame = bytes.subarray(offset, next).toString('hex');
      if (shown.has(event.kind)) expect(shown.get(event.kind)).toBe(frame);
    }
    reader.close();
  });
});
