/**
 * Hostile bytes: whatever is done to a capture, reading and recovering it either works or throws a
 * CaptureError; nothing else is thrown, nothing hangs, nothing large is allocated.
 *
 * FUSE_RIG_MUTATIONS says how many mutated captures are tried (20,000 by default). A campaign:
 *
 *     FUSE_RIG_MUTATIONS=1000000 FUSE_RIG_SEED=1 npx vitest run recorder/capture/hostile
 *
 * A failure prints fast-check's seed and path; the counterexample is the number all of one mutation
 * follows from.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { native } from '../../native/load.ts';
import { CaptureError, type CaptureErrorCode } from './error.ts';
import { CRC_AT, HEADER_BYTES } from './frame.ts';
import { CaptureReader, type Frame } from './reader.ts';
import { recover } from './recover.ts';

const runs = Number(process.env.FUSE_RIG_MUTATIONS ?? 20_000);
const seed = Number(process.env.FUSE_RIG_SEED ?? 8);
// Not the Buffer itself: its slice() would be a view.
const golden = Uint8Array.from(
  readFileSync(fileURLToPath(new URL('golden/v3.fusecap', import.meta.url))),
);
// fsync is what a run costs most on a disk, and nothing in memory.
const shm = '/dev/shm';
const dir = mkdtempSync(join(existsSync(shm) ? shm : tmpdir(), 'fuse-rig-hostile-'));
afterAll(() => rmSync(dir, { recursive: true }));
const path = join(dir, 'c.fusecap');
const out = join(dir, 'out');

const frames = framesOf(golden);

/** All frames of `bytes` up to the first bad one. */
function framesOf(bytes: Uint8Array): Frame[] {
  writeFileSync(path, bytes);
  const reader = CaptureReader.open(path, { partial: true });
  const found: Frame[] = [];
  try {
    for (const frame of reader.frames()) found.push(frame);
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error;
  } finally {
    reader.close();
  }
  return found;
}

/** mulberry32; all of one mutation follows from its seed. */
class Dice {
  #state: number;
  constructor(start: number) {
    this.#state = start;
  }
  below(n: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let x = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) % n;
  }
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}

const WORDS = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

function setWord(bytes: Uint8Array, at: number, value: number): void {
  for (let i = 0; i < 4 && at + i < bytes.length; ++i) bytes[at + i] = value >>> (8 * i);
}

function setShort(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
}

/** Gives every frame of `list` a right number, length and checksum: what intent would do. */
function seal(list: readonly Uint8Array[]): Uint8Array {
  list.forEach((frame, number) => {
    setWord(frame, 8, frame.length - HEADER_BYTES);
    setWord(frame, CRC_AT, 0);
    setWord(frame, 16, number);
    setWord(frame, 20, 0);
    setWord(frame, CRC_AT, native.crc32c(frame));
  });
  return Buffer.concat(list);
}

const parts = (): Uint8Array[] => frames.map(({ offset, next }) => golden.slice(offset, next));

/** What can be done to a capture; each returns the mutated bytes. */
const MUTATIONS: Record<string, (dice: Dice) => Uint8Array> = {
  flips: (dice) => {
    const bytes = Uint8Array.from(golden);
    for (let n = 1 + dice.below(8); n > 0; --n) {
      const at = dice.below(bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << dice.below(8));
    }
    return bytes;
  },
  truncation: (dice) => golden.slice(0, dice.below(golden.length)),
  splice: (dice) => {
    const [from, length, to] = [
      dice.below(golden.length),
      dice.below(400),
      dice.below(golden.length),
    ];
    const skip = dice.pick([0, length, dice.below(400)]);
    const piece = golden.subarray(from, from + length);
    return Buffer.concat([golden.subarray(0, to), piece, golden.subarray(to + skip)]);
  },
  headerField: (dice) => {
    const bytes = Uint8Array.from(golden);
    setWord(bytes, dice.pick(frames).offset + 4 * dice.below(7), dice.pick(WORDS));
    return bytes;
  },
  noise: (dice) => {
    const bytes = Uint8Array.from(golden);
    const from = dice.pick([0, 4, HEADER_BYTES, dice.below(bytes.length)]);
    const length = dice.below(bytes.length);
    for (let i = from; i < from + length && i < bytes.length; ++i) bytes[i] = dice.below(256);
    return bytes;
  },
  sealedBody: (dice) => {
    const list = parts();
    const frame = dice.pick(list);
    for (let n = 1 + dice.below(4); n > 0; --n) {
      const at = HEADER_BYTES + dice.below(Math.max(1, frame.length - HEADER_BYTES));
      if (dice.below(4) === 0) setWord(frame, at, dice.pick(WORDS));
      else frame[at] = dice.pick([dice.below(256), 0xc1, 0xd4, 0xc7, 0xdd, 0xdf, 0xdb, 0xcf, 0xca]);
    }
    return seal(list);
  },
  sealedLength: (dice) => {
    const list = parts();
    const i = dice.below(list.length);
    const frame = list[i] ?? golden;
    const room = new Uint8Array(HEADER_BYTES + dice.below(frame.length + 50));
    room.set(frame.subarray(0, room.length));
    list[i] = room;
    return seal(list);
  },
  sealedType: (dice) => {
    const list = parts();
    const frame = dice.pick(list);
    frame[4] = dice.below(26);
    return seal(list);
  },
  sealedVersion: (dice) => {
    const list = parts();
    setShort(list[0] ?? golden, HEADER_BYTES, dice.below(4));
    // Cut before or behind what format 1 does not have.
    return seal(list.slice(0, 1 + dice.below(list.length)));
  },
  sealedOrder: (dice) => {
    const list = parts();
    const [from, to] = [dice.below(list.length), dice.below(list.length)];
    const moved = list.splice(from, dice.below(3));
    list.splice(to, dice.below(3), ...moved, ...moved.map((frame) => frame.slice()));
    return seal(list);
  },
};
const NAMES = Object.keys(MUTATIONS);

/** What an attempt came to; anything but success and a CaptureError is thrown on. */
function attempt(call: () => void): CaptureErrorCode | 'ok' {
  try {
    call();
    return 'ok';
  } catch (error) {
    if (error instanceof CaptureError) return error.code;
    throw error;
  }
}

function readAll(partial: boolean): void {
  const reader = CaptureReader.open(path, { partial });
  try {
    for (const _ of reader.events());
  } finally {
    reader.close();
  }
}

function readSomewhere(dice: Dice): void {
  const reader = CaptureReader.open(path, { partial: true });
  try {
    reader.readAt(dice.pick([dice.below(reader.size + 10), dice.pick(frames).offset]));
  } finally {
    reader.close();
  }
}

/** Recovers `path`; what came out must be a sound capture that ends. */
function recoverAll(): void {
  const found = recover(path, out);
  expect(found.bytes + found.bytesDropped).toBe(readFileSync(path).length);
  const reader = CaptureReader.open(out);
  try {
    expect([...reader.events()].at(-1)?.kind).toBe('end');
  } finally {
    reader.close();
    rmSync(out);
  }
}

describe(`hostile bytes, seed ${seed}, ${runs} mutations`, () => {
  const seen = new Map<string, number>();
  const note = (what: string): void => void seen.set(what, (seen.get(what) ?? 0) + 1);

  it(
    'end in success or a CaptureError',
    () => {
      const before = process.memoryUsage().arrayBuffers;
      const mutation = fc.property(fc.integer(), (start) => {
        const dice = new Dice(start);
        const name = dice.pick(NAMES);
        writeFileSync(path, MUTATIONS[name]?.(dice) ?? golden);
        note(`read ${attempt(() => readAll(false))}`);
        note(`read partial ${attempt(() => readAll(true))}`);
        note(`readAt ${attempt(() => readSomewhere(dice))}`);
        note(`recover ${attempt(recoverAll)}`);
        // The bytes tried at one time are a few KiB; garbage of earlier ones may still be there.
        expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(128 * 2 ** 20);
      });
      fc.assert(mutation, { seed, numRuns: runs });
      if (runs < 2000) return;
      // The mutations reach what they are for.
      for (const code of ['ok', 'not-a-capture', 'wrong-version', 'damaged', 'truncated']) {
        expect(seen.get(`read ${code}`), `read ${code}`).toBeGreaterThan(0);
      }
      for (const what of ['read partial ok', 'readAt ok', 'recover ok', 'recover damaged']) {
        expect(seen.get(what), what).toBeGreaterThan(0);
      }
    },
    60_000 + runs * 20,
  );

  it('allocate nothing on the word of a length field', () => {
    const bytes = Uint8Array.from(golden);
    const second = frames[1]?.offset ?? 0;
    const before = process.memoryUsage().arrayBuffers;
    for (const length of [2 ** 20, 60 * 2 ** 20, 2 ** 31, 2 ** 32 - 1]) {
      setWord(bytes, second + 8, length);
      writeFileSync(path, bytes);
      const code = attempt(() => readAll(true));
      expect(code).toBe(length > 64 * 2 ** 20 ? 'damaged' : 'truncated');
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20);
  });

  it('of a file cut off at any byte keep every whole frame', () => {
    for (let cut = 0; cut <= golden.length; ++cut) {
      writeFileSync(path, golden.subarray(0, cut));
      const whole = frames.filter(({ next }) => next <= cut);
      if (whole.length === 0) {
        expect(attempt(() => recover(path, out))).toBe(cut === 0 ? 'not-a-capture' : 'truncated');
        expect(existsSync(out)).toBe(false);
        continue;
      }
      const kept = whole.at(-1)?.next ?? 0;
      const found = recover(path, out);
      expect(found).toMatchObject({ frames: whole.length, bytes: kept, bytesDropped: cut - kept });
      expect(found.complete).toBe(cut === golden.length);
      expect(found.cause?.code).toBe(cut === kept ? undefined : 'truncated');
      // Not only the same events: the same bytes.
      expect(Buffer.compare(readFileSync(out).subarray(0, kept), golden.subarray(0, kept))).toBe(0);
      const events = framesOf(readFileSync(out)).map(({ event }) => event);
      expect(events.slice(0, whole.length)).toEqual(whole.map(({ event }) => event));
      if (!found.complete) {
        const requests = whole.filter(({ event }) => event.kind === 'request').length;
        const replies = whole.filter(({ event }) => event.kind === 'reply').length;
        const t = Math.max(...whole.map(({ event }) => event.t));
        const end = { kind: 'end', reason: 'recovered', t, requests, replies };
        expect(events.slice(whole.length)).toEqual([end]);
      }
      rmSync(out);
    }
  }, 120_000);
});
