/**
 * Structures as data: a layout names the fields of a C structure with offset, type and meaning.
 * Everything else (decoding, building, translating ids, showing) is derived from it.
 */
import {
  need,
  readS32,
  readS64,
  readU8,
  readU16,
  readU32,
  readU64,
  writeInt,
  writeU64,
} from './cursor.ts';
import type { FlagSet } from './flags.ts';

/**
 * What a value means to whoever compares or translates messages:
 * - `nodeid`, `fh`, `cookie` (a readdir offset), `lock-owner`, `kh`, `backing-id`: names given by one
 *   side in this run; `generation` and `ino` go with a node;
 * - `unique`: a request id; `uid`, `gid`, `pid`: the caller's;
 * - `time`: a file's timestamp; `validity`: a cache timeout; `padding`: says nothing.
 */
export type Role =
  | 'nodeid'
  | 'fh'
  | 'cookie'
  | 'lock-owner'
  | 'kh'
  | 'backing-id'
  | 'generation'
  | 'ino'
  | 'unique'
  | 'uid'
  | 'gid'
  | 'pid'
  | 'time'
  | 'validity'
  | 'padding';

/** A bit in another field of the same structure. */
export interface FieldBit {
  readonly field: string;
  readonly bit: number;
}

export interface FieldMarks {
  readonly role?: Role;
  /** The field counts only while this bit is set (GETATTR's fh). */
  readonly when?: FieldBit;
  /** For an `fh`: the field holding its node; without it the header's nodeid. */
  readonly of?: string;
  readonly flags?: FlagSet;
  /** How a plain number is shown; decimal by default. */
  readonly view?: 'mode' | 'hex' | 'errno';
}

export type Scalar = 'u8' | 'u16' | 'u32' | 's32' | 'u64' | 's64';

const SIZES = { u8: 1, u16: 2, u32: 4, s32: 4, u64: 8, s64: 8 } as const;

export interface Field<T = unknown> extends FieldMarks {
  readonly type: Scalar | Layout;
  readonly offset: number;
  /** Bytes of one element, and their number; 0 means not an array. */
  readonly size: number;
  readonly count: number;
  /** Carries the type of a decoded value; never set. */
  readonly decoded?: T;
}

// biome-ignore lint/suspicious/noExplicitAny: only `any` stands for fields of every value type
export type Fields = Readonly<Record<string, Field<any>>>;

export interface Layout<F extends Fields = Fields> {
  /** As in fuse.h without `fuse_`. */
  readonly name: string;
  readonly size: number;
  readonly fields: F;
  /** Offsets by field, for reads of one field without decoding the rest. */
  readonly at: { readonly [K in keyof F]: number };
  /** `fields` in order, to walk them. */
  readonly list: readonly (readonly [name: string, field: Field])[];
}

/** What decode() returns: 64-bit fields as bigint, the others as number. */
export type Values<L> =
  L extends Layout<infer F>
    ? { -readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never }
    : never;

export function struct<const F extends Fields>(name: string, size: number, fields: F): Layout<F> {
  const list = Object.entries(fields);
  const at = Object.fromEntries(list.map(([key, field]) => [key, field.offset]));
  return { name, size, fields, at: at as Layout<F>['at'], list };
}

const scalar =
  <T>(type: Scalar) =>
  (offset: number, marks: FieldMarks = {}): Field<T> => ({
    type,
    offset,
    size: SIZES[type],
    count: 0,
    ...marks,
  });

const array =
  <T>(type: Scalar) =>
  (offset: number, count: number, marks: FieldMarks = { role: 'padding' }): Field<T[]> => ({
    type,
    offset,
    size: SIZES[type],
    count,
    ...marks,
  });

export const u16 = scalar<number>('u16');
export const u32 = scalar<number>('u32');
export const s32 = scalar<number>('s32');
export const u64 = scalar<bigint>('u64');
export const s64 = scalar<bigint>('s64');
export const u8s = array<number>('u8');
export const u16s = array<number>('u16');
export const u32s = array<number>('u32');
export const u64s = array<bigint>('u64');

/** A structure inside a structure. */
export function nested<L extends Layout>(offset: number, layout: L): Field<Values<L>> {
  return { type: layout, offset, size: layout.size, count: 0 };
}

/** Bytes of a field, all elements together. */
export const extent = (field: Field): number => field.size * (field.count || 1);

function read(field: Field, bytes: Uint8Array, offset: number): unknown {
  switch (field.type) {
    case 'u8':
      return readU8(bytes, offset);
    case 'u16':
      return readU16(bytes, offset);
    case 'u32':
      return readU32(bytes, offset);
    case 's32':
      return readS32(bytes, offset);
    case 'u64':
      return readU64(bytes, offset);
    case 's64':
      return readS64(bytes, offset);
    default:
      return decode(field.type, bytes, offset);
  }
}

/** What a field holds when an older, shorter structure left it out: the kernel zero-fills. */
function zero(field: Field): unknown {
  if (typeof field.type === 'object') {
    return decode(field.type, new Uint8Array(field.type.size));
  }
  const one = SIZES[field.type] === 8 ? 0n : 0;
  return field.count === 0 ? one : new Array(field.count).fill(one);
}

/**
 * The fields of the structure at `offset`. Fields beyond its first `size` bytes (an older minor's
 * shorter form) read as zero.
 */
export function decode<L extends Layout>(
  layout: L,
  bytes: Uint8Array,
  offset = 0,
  size = layout.size,
): Values<L> {
  const values: Record<string, unknown> = {};
  for (const [name, field] of layout.list) {
    const end = field.offset + extent(field);
    const start = offset + field.offset;
    if (end > size) {
      // A nested structure may be cut in its middle: attr in the 96 bytes of an old attr_out.
      const inner = typeof field.type === 'object' ? Math.max(size - field.offset, 0) : 0;
      if (typeof field.type === 'object' && inner > 0) {
        values[name] = decode(field.type, bytes, start, inner);
      } else values[name] = zero(field);
      continue;
    }
    if (typeof field.type === 'string') need(bytes, start, extent(field), layout.name, name);
    values[name] =
      field.count === 0
        ? read(field, bytes, start)
        : Array.from({ length: field.count }, (_, i) => read(field, bytes, start + i * field.size));
  }
  return values as Values<L>;
}

const LIMITS = { u8: 2 ** 8, u16: 2 ** 16, u32: 2 ** 32, s32: 2 ** 31 } as const;

function write(what: string, type: Scalar, value: unknown, bytes: Uint8Array, at: number): void {
  if (type === 'u64' || type === 's64') {
    const fits = type === 'u64' ? BigInt.asUintN : BigInt.asIntN;
    if (typeof value !== 'bigint' || fits(64, value) !== value) {
      throw new RangeError(`${what}: ${value} is not a ${type} (a bigint)`);
    }
    writeU64(bytes, at, value);
  } else {
    const least = type === 's32' ? -LIMITS.s32 : 0;
    if (!Number.isInteger(value) || Number(value) < least || Number(value) >= LIMITS[type]) {
      throw new RangeError(`${what}: ${value} is not a ${type}`);
    }
    writeInt(bytes, at, SIZES[type], Number(value));
  }
}

/** Writes the first `size` bytes of a structure into zeroed `bytes`; absent fields stay zero. */
export function writeStruct(
  layout: Layout,
  values: Readonly<Record<string, unknown>>,
  bytes: Uint8Array,
  offset: number,
  size: number,
): void {
  for (const [name, field] of layout.list) {
    const value = values[name];
    const room = size - field.offset;
    if (value === undefined || room <= 0) continue;
    const what = `${layout.name}.${name}`;
    const at = offset + field.offset;
    if (typeof field.type === 'object') {
      const inner = Math.min(room, field.type.size);
      writeStruct(field.type, value as Record<string, unknown>, bytes, at, inner);
    } else if (field.count === 0) {
      if (field.size <= room) write(what, field.type, value, bytes, at);
    } else {
      const elements = (value as unknown[]).slice(0, Math.min(field.count, room / field.size));
      for (const [i, element] of elements.entries()) {
        write(`${what}[${i}]`, field.type, element, bytes, at + i * field.size);
      }
    }
  }
}

/** What building takes: any of the fields, inside structures too; strings become UTF-8. */
export type Partially<T> = T extends bigint | number
  ? T
  : T extends Uint8Array
    ? Uint8Array | string
    : T extends readonly (infer E)[]
      ? readonly Partially<E>[]
      : { readonly [K in keyof T]?: Partially<T[K]> };

/** The bytes of a structure, its first `size` of them; absent fields are zero. */
export function encode<L extends Layout>(
  layout: L,
  values: Partially<Values<L>>,
  size = layout.size,
): Uint8Array {
  const bytes = new Uint8Array(size);
  writeStruct(layout, values as Record<string, unknown>, bytes, 0, size);
  return bytes;
}
