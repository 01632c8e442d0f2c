/**
 * Structures as data: a layout names the fields of a C structure with offset, type and meaning.
 * Everything else (decoding, building, translating ids, showing) is derived from it.
 */
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

export const SIZES = { u8: 1, u16: 2, u32: 4, s32: 4, u64: 8, s64: 8 } as const;

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

/** A field of a structure or of one inside it, with what its layout says at hand. */
export interface FlatField {
  readonly name: string;
  readonly field: Field;
  readonly type: Scalar;
  /** From the first byte of the outermost structure; `end` is behind the field, arrays whole. */
  readonly offset: number;
  readonly end: number;
  /** The u32 that holds the `when` bit, from the same byte. */
  readonly whenAt: number;
  /** The structure the field belongs to. */
  readonly owner: Layout;
}

function flatten(layout: Layout, base: number): FlatField[] {
  return layout.list.flatMap(([name, field]) => {
    const { type } = field;
    const offset = base + field.offset;
    if (typeof type === 'object') return flatten(type, offset);
    const whenAt = field.when === undefined ? -1 : base + (layout.at[field.when.field] as number);
    return [{ name, field, type, offset, end: offset + extent(field), whenAt, owner: layout }];
  });
}

const flat = new WeakMap<Layout, readonly FlatField[]>();

/** The scalar fields of a structure, nested ones included, in order. Made once a layout. */
export function flatFields(layout: Layout): readonly FlatField[] {
  let fields = flat.get(layout);
  if (fields === undefined) {
    fields = flatten(layout, 0);
    flat.set(layout, fields);
  }
  return fields;
}
