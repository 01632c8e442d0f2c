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
import { readU16, readU32 } from '../../rig/protocol/cursor.ts';
import { badEvent, CaptureError } from './error.ts';
import { packEvent, unpackEvent } from './fields.ts';
import { decodeHot, encodePrefix, isHot, isHotKind, setU64, u64 } from './prefix.ts';

/** A reader reads every version up to it. */
export const FORMAT_VERSION = 4;
/** What is written where nothing needs more, so that an earlier fuse-rig reads it, too. */
const COMMON_VERSION = 3;
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
  injected: 15,
  request: 16,
  reply: 17,
  output: 18,
  fixture: 19,
} as const satisfies Record<Kind, number>;

/** Messages that travelled in an entry of a ring: the same events, with a place more. */
export const RING_TYPES = { request: 20, reply: 21 } as const;

/** The format that a type came with, where that is not the first. */
const SINCE: ReadonlyMap<number, number> = new Map([
  [TYPES.register, 2],
  [TYPES.completion, 2],
  [TYPES['ring-close'], 2],
  [TYPES.unsupported, 2],
  [RING_TYPES.request, 2],
  [RING_TYPES.reply, 2],
  [TYPES.injected, 3],
]);

/** The same of fields of `begin`. */
const BEGIN_SINCE = [
  ['cpus', 2],
  ['root', 4],
] as const;

const KINDS: readonly (Kind | undefined)[] = [TYPES, RING_TYPES].reduce<Kind[]>((kinds, types) => {
  // Object.entries forgets that its keys are those of the table.
  for (const [kind, type] of Object.entries(types)) kinds[type] = kind as Kind;
  return kinds;
}, []);

function typeOf(event: SessionEvent): number {
  if (event.kind !== 'request' && event.kind !== 'reply') return TYPES[event.kind];
  return (event.ring === undefined ? TYPES : RING_TYPES)[event.kind];
}

/** `begin`: format version u16, length of rig version u16; then that version, then MessagePack. */
const BEGIN_PREFIX = 4;

/** Types from `request` on carry raw bytes. */
const bodyMax = (type: number): number => (type >= TYPES.request ? BODY_MAX : PACKED_MAX);

const PRINTABLE = /^[ -~]*$/;
const NOTHING = new Uint8Array(0);

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
    const type = typeOf(event);
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
    setU64(view, 16, number);
    this.headLength = HEADER_BYTES + prefix;
  }

  /** Stores the prefix and chooses the body; returns the prefix's length. */
  #prefixAndBody(event: SessionEvent): number {
    if (isHot(event)) {
      this.body = event.bytes;
      return encodePrefix(this.#view, HEADER_BYTES, event);
    }
    const packed = packEvent(event, 'rig');
    if (typeof packed === 'string') throw badEvent(event, packed);
    this.body = packed;
    return event.kind === 'begin' ? this.#beginPrefix(event) : 0;
  }

  #beginPrefix(event: BeginEvent): number {
    const rig = Buffer.from(event.rig, 'latin1');
    if (rig.length > RIG_MAX || !PRINTABLE.test(event.rig)) throw badEvent(event, 'rig');
    const format = event.root === undefined ? COMMON_VERSION : FORMAT_VERSION;
    this.#view.setUint16(HEADER_BYTES, format, true);
    this.#view.setUint16(HEADER_BYTES + 2, rig.length, true);
    this.head.set(rig, HEADER_BYTES + BEGIN_PREFIX);
    return BEGIN_PREFIX + rig.length;
  }
}

export interface FrameHeader {
  kind: Kind;
  /** The number that stands for the kind, and for the layout of its body. */
  type: number;
  /** Bytes of body. */
  length: number;
  /** The frame's place in the file, from 0. Inexact above 2^53, which no file reaches. */
  number: number;
}

/** Reads the header at `at`, in a file of format `format`, into `header`; a string says what is wrong with it. */
export function decodeHeader(
  bytes: Uint8Array,
  at: number,
  format: number,
  header: FrameHeader,
): string | undefined {
  if (readU32(bytes, at) !== MAGIC) return 'no frame begins here';
  const type = readU16(bytes, at + 4);
  const kind = KINDS[type];
  if (kind === undefined) return `unknown frame type ${type}`;
  const since = SINCE.get(type) ?? 1;
  if (format < since) {
    return `frame type ${type} (${kind}) in a file of format ${format}: it came with format ${since}`;
  }
  if (readU16(bytes, at + 6) !== 0) return 'unknown flags';
  const length = readU32(bytes, at + 8);
  const max = bodyMax(type);
  if (length > max) return `a body of ${length} bytes, more than the ${max} there may be`;
  header.kind = kind;
  header.type = type;
  header.length = length;
  header.number = u64(bytes, at + 16);
  return undefined;
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
 * The event in the body of a frame of `type`, which lies at `from` to `end` of `frames`; a string says
 * why there is none. `keep` says that the event may keep `frames`; otherwise its bytes are copied.
 */
export function decodeBody(
  kind: Kind,
  type: number,
  frames: Uint8Array,
  from: number,
  end: number,
  keep: boolean,
): SessionEvent | string {
  if (isHotKind(kind)) {
    return decodeHot(kind, type >= RING_TYPES.request, frames, from, end, keep);
  }
  const body = frames.subarray(from, end);
  if (kind !== 'begin') return unpackEvent(kind, body);
  const versions = decodeVersions(body);
  if (versions === undefined) return 'the versions are not readable';
  const event = unpackEvent(kind, body.subarray(versions.end), { rig: versions.rig });
  if (typeof event === 'string') return event;
  const early = BEGIN_SINCE.find(([field, since]) => field in event && versions.format < since);
  if (early === undefined) return event;
  const [field, since] = early;
  return `field "${field}" in a file of format ${versions.format}: it came with format ${since}`;
}
