/** Poison on an entry whose buffers are this process's own: whoever touches it is found. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { native } from '../../native/load.ts';
import { searchBacking } from '../../replayer/backing.ts';
import type { ReplayEvent } from '../events.ts';
import type { Entry } from '../kernel/ring/ring_kernel.ts';
import { Poison, type PoisonExtent } from './poison.ts';

const PAYLOAD = 16384;
/** Where the payload begins in the pages; the headers are at their start. */
const AT = 4096;

let events: ReplayEvent[];
let pages: InstanceType<typeof native.HostPages>;
let bytes: Uint8Array;
let entry: Entry;

beforeEach(() => {
  events = [];
  pages = new native.HostPages(AT + PAYLOAD);
  bytes = new Uint8Array(pages.bytes);
  const [headers, payload] = [pages.address, pages.address + AT];
  const place = { conn: 1, qid: 2, index: 3, headers, payload, payloadSize: PAYLOAD };
  entry = { ...place, state: 'AVAILABLE', owner: 'kernel', held: true } as Entry;
});
afterEach(() => pages.free());

function poisoned(extent: PoisonExtent, used = 0): Poison {
  const poison = new Poison(extent, (event) => events.push(event));
  poison.uses(entry, used);
  poison.put(entry, process.pid, 42n, 1000);
  return poison;
}

describe('poison', () => {
  it('that nobody touched says nothing', () => {
    poisoned('full').verify(entry, 2000);
    expect(events).toEqual([]);
  });

  it.each([
    [0, 'headers', 0],
    [287, 'headers', 287],
    [AT, 'payload', 0],
    [AT + PAYLOAD - 1, 'payload', PAYLOAD - 1],
  ] as const)('shows a byte written at %i', (at, buffer, offset) => {
    const poison = poisoned('full');
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    poison.verify(entry, 2000);
    const where = { conn: 1, qid: 2, entry: 3, buffer, offset, length: 1 };
    expect(events).toEqual([{ kind: 'spoiled', t: 2000, ...where, unique: 42n, since: 1000 }]);
    poison.verifyAll(3000);
    expect(events).toHaveLength(1);
  });

  it('reaches a page past what was used, or nothing', () => {
    const poison = poisoned('used', 100);
    bytes[AT + 100 + 4096] = 1;
    poison.verifyAll(2000);
    expect(events).toEqual([]);
    poisoned('off');
    expect(bytes.subarray(AT + 8192).some((byte) => byte !== 0)).toBe(false);
  });

  it('in a reply says whose it is, at whatever byte it lies', () => {
    const poison = poisoned('full');
    const reply = new Uint8Array(200);
    reply.set(bytes.subarray(AT + 64, AT + 64 + 96), 13);
    poison.searchReply(entry, 44n, reply, 2000);
    const whose = { qid: 2, entry: 3, buffer: 'payload', offset: 64, before: 42n };
    expect(events).toMatchObject([{ at: 13, length: 96, ...whose, untouched: false }]);
    events = [];
    poison.searchReply(entry, 44n, bytes.subarray(AT, AT + 128), 2000);
    expect(events).toMatchObject([{ at: 0, length: 128, offset: 0, untouched: true }]);
    events = [];
    poison.searchReply(entry, 44n, new Uint8Array(4096).fill(0xd5), 2000);
    expect(events).toEqual([]);
  });

  it('in the backing store is found in files that changed, across pieces too', () => {
    const poison = poisoned('full');
    const dir = mkdtempSync(join(tmpdir(), 'fuse-rig-poison-'));
    try {
      mkdirSync(join(dir, 'd'));
      const file = new Uint8Array((1 << 20) + 4096);
      file.set(bytes.subarray(AT, AT + 64), (1 << 20) - 40);
      writeFileSync(join(dir, 'd', 'f'), file);
      const search = (name: string, piece: Uint8Array, base: number) =>
        poison.searchFile(name, piece, base, 2000);
      searchBacking(dir, Number.POSITIVE_INFINITY, search);
      expect(events).toEqual([]);
      searchBacking(dir, 0, search);
      expect(events).toMatchObject([
        { file: 'd/f', at: (1 << 20) - 40, unique: 0n, before: 42n, untouched: false },
        {},
      ]);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
