/**
 * The prefix of the bodies that hold raw bytes, both directions (FORMAT.md): small integers at fixed
 * places before the bytes, since these are nearly all frames of a capture.
 *
 *     0 t u64 | message: 8 handle u32 | 12 conn u32 | 16 tid s32 | 20 result s32
 *                        of a ring: | 24 qid u16 | 26 reserved u16 | 28 entry u32
 *             | output:  8 fd u32
 */
import type { RingPlace, SessionEvent } from '../../rig/events.ts';
import { readS32, readU16, readU32 } from '../../rig/protocol/cursor.ts';
import { badEvent } from './error.ts';
import type { HotKind } from './fields.ts';

type HotEvent = Extract<SessionEvent, { kind: HotKind }>;

const MESSAGE_PREFIX = 24;
const RING_PREFIX = 32;
const OUTPUT_PREFIX = 12;
const FIXTURE_PREFIX = 8;

export const isHotKind = (kind: SessionEvent['kind']): kind is HotKind =>
  kind === 'request' || kind === 'reply' || kind === 'output' || kind === 'fixture';

export const isHot = (event: SessionEvent): event is HotEvent => isHotKind(event.kind);

function u16(event: SessionEvent, field: string, value: number): number {
  if ((value & 0xffff) !== value) throw badEvent(event, field);
  return value;
}

function u32(event: SessionEvent, field: string, value: number): number {
  if (value >>> 0 !== value) throw badEvent(event, field);
  return value;
}

function i32(event: SessionEvent, field: string, value: number): number {
  if ((value | 0) !== value) throw badEvent(event, field);
  return value;
}

export function setU64(view: DataView, at: number, value: number): void {
  // setUint32 takes its argument modulo 2^32.
  view.setUint32(at, value, true);
  view.setUint32(at + 4, value / 2 ** 32, true);
}

export const u64 = (bytes: Uint8Array, at: number): number =>
  readU32(bytes, at + 4) * 2 ** 32 + readU32(bytes, at);

/** Stores the prefix of `event` at `at`; returns its length. */
export function encodePrefix(view: DataView, at: number, event: HotEvent): number {
  if (!(Number.isSafeInteger(event.t) && event.t >= 0)) throw badEvent(event, 't');
  setU64(view, at, event.t);
  if (event.kind === 'fixture') return FIXTURE_PREFIX;
  if (event.kind === 'output') {
    if (event.fd !== 1 && event.fd !== 2) throw badEvent(event, 'fd');
    view.setUint32(at + 8, event.fd, true);
    return OUTPUT_PREFIX;
  }
  view.setUint32(at + 8, u32(event, 'handle', event.handle), true);
  view.setUint32(at + 12, u32(event, 'conn', event.conn), true);
  view.setInt32(at + 16, i32(event, 'tid', event.tid), true);
  const result = event.kind === 'reply' ? i32(event, 'result', event.result) : 0;
  view.setInt32(at + 20, result, true);
  if (event.ring === undefined) return MESSAGE_PREFIX;
  view.setUint16(at + 24, u16(event, 'ring.qid', event.ring.qid), true);
  view.setUint16(at + 26, 0, true);
  view.setUint32(at + 28, u32(event, 'ring.entry', event.ring.entry), true);
  return RING_PREFIX;
}

function prefixOf(kind: HotKind, inRing: boolean): number {
  if (kind === 'output') return OUTPUT_PREFIX;
  if (kind === 'fixture') return FIXTURE_PREFIX;
  return inRing ? RING_PREFIX : MESSAGE_PREFIX;
}

/**
 * The event in the body of a frame, which lies at `from` to `end` of `frames`; a string says why there
 * is none. `keep` says that the event may keep `frames`; otherwise its bytes are copied.
 */
export function decodeHot(
  kind: HotKind,
  inRing: boolean,
  frames: Uint8Array,
  from: number,
  end: number,
  keep: boolean,
): HotEvent | string {
  const start = from + prefixOf(kind, inRing);
  if (end < start) return `a ${kind} body of ${end - from} bytes is too short`;
  const t = u64(frames, from);
  if (!Number.isSafeInteger(t)) return 'a time beyond 2^53 ns';
  // Of all ways to a view the constructor is the cheapest, and every event of a replay needs one.
  const bytes = keep
    ? new Uint8Array(frames.buffer, frames.byteOffset + start, end - start)
    : frames.slice(start, end);
  if (kind === 'fixture') return { kind, t, bytes };
  if (kind === 'output') {
    const fd = readU32(frames, from + 8);
    return fd === 1 || fd === 2 ? { kind, t, fd, bytes } : `output on descriptor ${fd}`;
  }
  const handle = readU32(frames, from + 8);
  const conn = readU32(frames, from + 12);
  const tid = readS32(frames, from + 16);
  const result = readS32(frames, from + 20);
  if (kind === 'request' && result !== 0) return 'a request with a result';
  if (inRing && readU16(frames, from + 26) !== 0) {
    return `a ${kind} with reserved bytes that are not 0`;
  }
  // Written out: nearly every event of a replay passes here, and a spread costs a second object.
  if (!inRing) {
    if (kind === 'request') return { kind, t, handle, conn, tid, bytes };
    return { kind, t, handle, conn, tid, bytes, result };
  }
  const ring: RingPlace = { qid: readU16(frames, from + 24), entry: readU32(frames, from + 28) };
  if (kind === 'request') return { kind, t, handle, conn, tid, bytes, ring };
  return { kind, t, handle, conn, tid, bytes, result, ring };
}
