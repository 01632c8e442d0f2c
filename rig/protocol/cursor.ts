/**
 * The only place of offset work: checked little-endian reads and writes at an offset, and a cursor
 * that takes pieces off a message one after the other. Everything that does not fit is a
 * ProtocolError; nothing is allocated from a length that was not checked against the bytes at hand.
 */

const scratch = new Uint8Array(8);
const scratchU64 = new BigUint64Array(scratch.buffer);
const scratchS64 = new BigInt64Array(scratch.buffer);

scratchU64[0] = 1n;
if (scratch[0] !== 1) throw new Error('fuse-rig runs on little-endian hosts only');

/** Where in a message the bytes did not fit. Offsets count from the message's first byte. */
export interface ErrorPlace {
  /** Structure (`read_in`) or, for names and data, the operation (`LOOKUP`). */
  struct: string;
  field: string;
  offset: number;
  /** Bytes (or the value) the field asks for, and what there was. */
  needed: number;
  available: number;
}

/** The one exception that parsing a message throws. */
export class ProtocolError extends Error implements ErrorPlace {
  override readonly name = 'ProtocolError';
  readonly struct: string;
  readonly field: string;
  readonly offset: number;
  readonly needed: number;
  readonly available: number;

  constructor(place: ErrorPlace, problem?: string) {
    const what =
      problem ?? `needs ${place.needed} bytes, ${Math.max(place.available, 0)} are available`;
    super(`${place.struct}.${place.field} at offset ${place.offset}: ${what}`);
    this.struct = place.struct;
    this.field = place.field;
    this.offset = place.offset;
    this.needed = place.needed;
    this.available = place.available;
  }
}

/** Throws unless `needed` bytes lie at `offset`. */
export function need(
  bytes: Uint8Array,
  offset: number,
  needed: number,
  struct = 'message',
  field = 'bytes',
): void {
  if (offset >= 0 && offset + needed <= bytes.length) return;
  const available = Math.max(bytes.length - Math.max(offset, 0), 0);
  throw new ProtocolError({ struct, field, offset, needed, available });
}

// Below the condition is written out once more: a message costs dozens of these, and calls cost most.

export function readU8(bytes: Uint8Array, offset: number): number {
  if (!(offset >= 0 && offset + 1 <= bytes.length)) need(bytes, offset, 1);
  return bytes[offset] as number;
}

export function readU16(bytes: Uint8Array, offset: number): number {
  if (!(offset >= 0 && offset + 2 <= bytes.length)) need(bytes, offset, 2);
  return (bytes[offset] as number) | ((bytes[offset + 1] as number) << 8);
}

export function readS32(bytes: Uint8Array, offset: number): number {
  if (!(offset >= 0 && offset + 4 <= bytes.length)) need(bytes, offset, 4);
  return (
    (bytes[offset] as number) |
    ((bytes[offset + 1] as number) << 8) |
    ((bytes[offset + 2] as number) << 16) |
    ((bytes[offset + 3] as number) << 24)
  );
}

export function readU32(bytes: Uint8Array, offset: number): number {
  return readS32(bytes, offset) >>> 0;
}

function load(bytes: Uint8Array, offset: number): void {
  if (!(offset >= 0 && offset + 8 <= bytes.length)) need(bytes, offset, 8);
  for (let i = 0; i < 8; i++) scratch[i] = bytes[offset + i] as number;
}

export function readU64(bytes: Uint8Array, offset: number): bigint {
  load(bytes, offset);
  return scratchU64[0] as bigint;
}

/**
 * A u64 that is looked up, not shown: a number below 2^53, a bigint from there on, so that the same
 * value is always the same key of a Map. Most ids are small, and a bigint is an allocation.
 */
export type Key = number | bigint;

/** Of a u64 whose high word is below this a number holds every bit. */
export const KEY_HIGH = 2 ** 21;

export function readKey(bytes: Uint8Array, offset: number): Key {
  const high = readU32(bytes, offset + 4);
  return high < KEY_HIGH ? high * 2 ** 32 + readU32(bytes, offset) : readU64(bytes, offset);
}

const KEY_MAX = BigInt(Number.MAX_SAFE_INTEGER);

export const keyOf = (value: bigint): Key => (value <= KEY_MAX ? Number(value) : value);

export function readS64(bytes: Uint8Array, offset: number): bigint {
  load(bytes, offset);
  return scratchS64[0] as bigint;
}

/** Writes the low `size` bytes (1, 2 or 4) of a number; the sign does not matter. */
export function writeInt(bytes: Uint8Array, offset: number, size: number, value: number): void {
  need(bytes, offset, size);
  for (let i = 0; i < size; i++) bytes[offset + i] = value >>> (8 * i);
}

export function writeU16(bytes: Uint8Array, offset: number, value: number): void {
  writeInt(bytes, offset, 2, value);
}

export function writeU32(bytes: Uint8Array, offset: number, value: number): void {
  if (!(offset >= 0 && offset + 4 <= bytes.length)) need(bytes, offset, 4);
  bytes[offset] = value;
  bytes[offset + 1] = value >>> 8;
  bytes[offset + 2] = value >>> 16;
  bytes[offset + 3] = value >>> 24;
}

/** Writes 8 bytes; negative values as two's complement. */
export function writeU64(bytes: Uint8Array, offset: number, value: bigint): void {
  if (!(offset >= 0 && offset + 8 <= bytes.length)) need(bytes, offset, 8);
  scratchU64[0] = BigInt.asUintN(64, value);
  for (let i = 0; i < 8; i++) bytes[offset + i] = scratch[i] as number;
}

/** The words of a u64 that is a Key. */
export const lowWord = (value: Key): number =>
  typeof value === 'number' ? value >>> 0 : Number(value & 0xffff_ffffn);
export const highWord = (value: Key): number =>
  typeof value === 'number' ? Math.floor(value / 2 ** 32) : Number(value >> 32n);

/** Writes a u64 that is a Key. */
export function writeKey(bytes: Uint8Array, offset: number, value: Key): void {
  if (typeof value === 'bigint') {
    writeU64(bytes, offset, value);
    return;
  }
  // writeU32 takes its argument modulo 2^32.
  writeU32(bytes, offset, value);
  writeU32(bytes, offset + 4, value / 2 ** 32);
}

/** Smallest multiple of 8 not below `size` (FUSE_REC_ALIGN). */
export const align8 = (size: number): number => Math.ceil(size / 8) * 8;

/** `parts` one after the other, without padding. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** Takes pieces off `bytes` in order. What it returns are views, never copies. */
export class Cursor {
  readonly bytes: Uint8Array;
  offset: number;
  readonly end: number;

  constructor(bytes: Uint8Array, offset = 0, end = bytes.length) {
    this.bytes = bytes;
    this.offset = offset;
    this.end = Math.min(end, bytes.length);
  }

  get left(): number {
    return Math.max(this.end - this.offset, 0);
  }

  /** Passes the next `size` bytes. */
  skip(size: number, struct: string, field: string): void {
    if (size > this.left) {
      const { offset, left: available } = this;
      throw new ProtocolError({ struct, field, offset, needed: size, available });
    }
    this.offset += size;
  }

  /** The next `size` bytes. */
  take(size: number, struct: string, field: string): Uint8Array {
    const start = this.offset;
    this.skip(size, struct, field);
    return this.bytes.subarray(start, this.offset);
  }

  /** Passes a name and the NUL behind it; returns the name's length. */
  skipName(struct: string, field: string): number {
    const nul = this.bytes.indexOf(0, this.offset);
    if (nul < 0 || nul >= this.end) {
      const { offset, left: available } = this;
      const place = { struct, field, offset, needed: available + 1, available };
      throw new ProtocolError(place, `no NUL ends the name in the ${available} bytes left`);
    }
    const length = nul - this.offset;
    this.offset = nul + 1;
    return length;
  }

  /** The bytes before the next NUL; the NUL is taken too. */
  name(struct: string, field: string): Uint8Array {
    const start = this.offset;
    return this.bytes.subarray(start, start + this.skipName(struct, field));
  }

  /** Throws when bytes are left over. */
  done(struct: string): void {
    const { offset, left } = this;
    if (left === 0) return;
    const place = { struct, field: 'end', offset, needed: 0, available: left };
    throw new ProtocolError(place, `${left} bytes are left over`);
  }
}
