/**
 * The layout of one frame, both directions (FORMAT.md is this file in prose). Encoding and decoding
 * share a file because every offset in one is an offset in the other: a change made to one side only
 * is a change nobody can read back.
 *
 *     0 magic u32 | 4 type u16 | 6 flags u16 | 8 length u32 | 12 crc32c u32 | 16 number u64 | body
 *
 * Little-endian throughout. The checksum covers the header with its own field zero, then the body.
 */
import type { BeginEvent, SessionEvent } from '../../rig/events.ts';
import { readS32, readU16, readU32 } from '../../rig/protocol/cursor.ts';
import { CaptureError } from './error.ts';
import { packEvent, unpackEvent } from './fields.ts';

export const FORMAT_VERSION = 1;
/** The bytes 89 46 52 43: no text begins so, and a transfer that strips bit 7 shows. */
export const MAGIC = 0x4352_4689;
/** native/addon/frame.cc knows these two as well. */
export const HEADER_BYTES = 24;
export const CRC_AT = 12;
/** Largest body, bytes. A message is at most 256 pages and its header; this leaves room for more. */
export const BODY_MAX = 64 * 1024 * 1024;
/** Largest body of a MessagePack event: execve(2) takes 6 MiB of command and environment at most. */
export const PACKED_MAX = 16 * 1024 * 1024;
/** Longest name of a fuse-rig version, bytes of printable ASCII. */
const RIG_MAX = 64;

type Kind = SessionEvent['kind'];

/** Frame types. A number, once released, keeps its meaning; a new event takes a new one. */
export const TYPES = {
  begin: 1,
  end: 2,
  open: 3,
  clone: 4,
  close: 5,
  mount: 6,
  unmount: 7,
  transport: 8,
  backing: 9,
  exit: 10,
  register: 11,
  completion: 12,
  'ring-close': 13,
  unsupported: 14,
  request: 16,
  reply: 17,
  output: 18,
  fixture: 19,
} as const satisfies Record<Kind, number>;

const KINDS: readonly (Kind | undefined)[] = Object.entries(TYPES).reduce<Kind[]>(
  (kinds, [kind, type]) => {
    // Object.entries forgets that its keys are those of TYPES.
    kinds[type] = kind as Kind;
    return kinds;
  },
  [],
);

/** Bytes of a hot body before its raw bytes; 0 where all of the body is MessagePack. */
const MESSAGE_PREFIX = 24;
const OUTPUT_PREFIX = 12;
const FIXTURE_PREFIX = 8;
/** `begin`: format version u16, length of rig version u16; then that version, then MessagePack. */
const BEGIN_PREFIX = 4;

/** Types from `request` on carry raw bytes. */
const bodyMax = (type: number): number => (type >= TYPES.request ? BODY_MAX : PACKED_MAX);

const PRINTABLE = /^[ -~]*$/;
const NOTHING = new Uint8Array(0);

function badEvent(event: SessionEvent, field: string): CaptureError {
  return new CaptureError(
    'bad-event',
    `a ${event.kind} event cannot be stored: field ${field} is missing, unknown or out of range`,
  );
}

/** Turns events into frames: `head` (header and prefix) and `body`, valid until the next `encode`. */
export class FrameEncoder {
  readonly head = new Uint8Array(HEADER_BYTES + BEGIN_PREFIX + RIG_MAX);
  readonly #view = new DataView(this.head.buffer);
  headLength = 0;
  body: Uint8Array = NOTHING;

  /** Lays out `event` as frame `number`, checksum left to native.appendFrame. */
  encode(number: number, event: SessionEvent): void {
    const prefix = this.#prefixAndBody(event);
    const length = prefix + this.body.length;
    const type = TYPES[event.kind];
    if (length > bodyMax(type)) {
      throw new CaptureError(
        'bad-event',
        `a ${event.kind} event of ${length} bytes cannot be stored: the limit is ${bodyMax(type)}`,
      );
    }
    const view = this.#view;
    view.setUint32(0, MAGIC, true);
    view.setUint16(4, type, true);
    view.setUint16(6, 0, true);
    view.setUint32(8, length, true);
    view.setUint32(CRC_AT, 0, true);
    this.#setU64(16, number);
    this.headLength = HEADER_BYTES + prefix;
  }

  /** Stores the prefix and chooses the body; returns the prefix's length. */
  #prefixAndBody(event: SessionEvent): number {
    const view = this.#view;
    if (event.kind === 'request' || event.kind === 'reply') {
      this.#setTime(event);
      view.setUint32(HEADER_BYTES + 8, u32(event, 'handle', event.handle), true);
      view.setUint32(HEADER_BYTES + 12, u32(event, 'conn', event.conn), true);
      view.setInt32(HEADER_BYTES + 16, i32(event, 'tid', event.tid), true);
      const result = event.kind === 'reply' ? i32(event, 'result', event.result) : 0;
      view.setInt32(HEADER_BYTES + 20, result, true);
      this.body = event.bytes;
      return MESSAGE_PREFIX;
    }
    if (event.kind === 'output') {
      this.#setTime(event);
      if (event.fd !== 1 && event.fd !== 2) throw badEvent(event, 'fd');
      view.setUint32(HEADER_BYTES + 8, event.fd, true);
      this.body = event.bytes;
      return OUTPUT_PREFIX;
    }
    if (event.kind === 'fixture') {
      this.#setTime(event);
      this.body = event.bytes;
      return FIXTURE_PREFIX;
    }
    const packed = packEvent(event, 'rig');
    if (typeof packed === 'string') throw badEvent(event, packed);
    this.body = packed;
    return event.kind === 'begin' ? this.#beginPrefix(event) : 0;
  }

  #beginPrefix(event: BeginEvent): number {
    const rig = Buffer.from(event.rig, 'latin1');
    if (rig.length > RIG_MAX || !PRINTABLE.test(event.rig)) throw badEvent(event, 'rig');
    this.#view.setUint16(HEADER_BYTES, FORMAT_VERSION, true);
    this.#view.setUint16(HEADER_BYTES + 2, rig.length, true);
    this.head.set(rig, HEADER_BYTES + BEGIN_PREFIX);
    return BEGIN_PREFIX + rig.length;
  }

  #setTime(event: SessionEvent): void {
    if (!(Number.isSafeInteger(event.t) && event.t >= 0)) throw badEvent(event, 't');
    this.#setU64(HEADER_BYTES, event.t);
  }

  #setU64(at: number, value: number): void {
    // setUint32 takes its argument modulo 2^32.
    this.#view.setUint32(at, value, true);
    this.#view.setUint32(at + 4, value / 2 ** 32, true);
  }
}

function u32(event: SessionEvent, field: string, value: number): number {
  if (value >>> 0 !== value) throw badEvent(event, field);
  return value;
}

function i32(event: SessionEvent, field: string, value: number): number {
  if ((value | 0) !== value) throw badEvent(event, field);
  return value;
}

const u64 = (bytes: Uint8Array, at: number): number =>
  readU32(bytes, at + 4) * 2 ** 32 + readU32(bytes, at);

export interface FrameHeader {
  kind: Kind;
  /** Bytes of body. */
  length: number;
  crc: number;
  /** The frame's place in the file, from 0. Inexact above 2^53, which no file reaches. */
  number: number;
}

/** The header at the start of `bytes`; a string says what is wrong with it. */
export function decodeHeader(bytes: Uint8Array): FrameHeader | string {
  if (readU32(bytes, 0) !== MAGIC) return 'no frame begins here';
  const type = readU16(bytes, 4);
  const kind = KINDS[type];
  if (kind === undefined) return `unknown frame type ${type}`;
  if (readU16(bytes, 6) !== 0) return 'unknown flags';
  const length = readU32(bytes, 8);
  const max = bodyMax(type);
  if (length > max) return `a body of ${length} bytes, more than the ${max} there may be`;
  return { kind, length, crc: readU32(bytes, CRC_AT), number: u64(bytes, 16) };
}

export interface Versions {
  format: number;
  /** Version of the fuse-rig that wrote it. */
  rig: string;
  /** Where in the body they end. */
  end: number;
}

/**
 * What the first frame's body says of the versions; undefined where there are none. They stay in
 * this place in every version of the format.
 */
export function decodeVersions(body: Uint8Array): Versions | undefined {
  if (body.length < BEGIN_PREFIX) return undefined;
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const end = BEGIN_PREFIX + view.getUint16(2, true);
  if (end > body.length || end > BEGIN_PREFIX + RIG_MAX) return undefined;
  const rig = Buffer.from(body.subarray(BEGIN_PREFIX, end)).toString('latin1');
  if (!PRINTABLE.test(rig)) return undefined;
  return { format: view.getUint16(0, true), rig, end };
}

/**
 * The event in a frame's body; a string says why there is none. `keep` says that the event may keep
 * `body`; otherwise its bytes are copied.
 */
export function decodeBody(kind: Kind, body: Uint8Array, keep: boolean): SessionEvent | string {
  const rest = (from: number) => (keep ? body.subarray(from) : body.slice(from));
  if (kind === 'request' || kind === 'reply' || kind === 'output' || kind === 'fixture') {
    const prefix =
      kind === 'output' ? OUTPUT_PREFIX : kind === 'fixture' ? FIXTURE_PREFIX : MESSAGE_PREFIX;
    if (body.length < prefix) return `a ${kind} body of ${body.length} bytes is too short`;
    const t = u64(body, 0);
    if (!Number.isSafeInteger(t)) return 'a time beyond 2^53 ns';
    if (kind === 'fixture') return { kind, t, bytes: rest(prefix) };
    if (kind === 'output') {
      const fd = readU32(body, 8);
      if (fd !== 1 && fd !== 2) return `output on descriptor ${fd}`;
      return { kind, t, fd, bytes: rest(prefix) };
    }
    const handle = readU32(body, 8);
    const conn = readU32(body, 12);
    const tid = readS32(body, 16);
    const result = readS32(body, 20);
    const bytes = rest(prefix);
    if (kind === 'reply') return { kind, t, handle, conn, tid, bytes, result };
    if (result !== 0) return 'a request with a result';
    return { kind, t, handle, conn, tid, bytes };
  }
  if (kind !== 'begin') return unpackEvent(kind, body);
  const versions = decodeVersions(body);
  if (versions === undefined) return 'the versions are not readable';
  return unpackEvent(kind, body.subarray(versions.end), { rig: versions.rig });
}
