/** Decodes and encodes the structures that layouts describe. */
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
import { extent, type Field, type Layout, type Scalar, SIZES, type Values } from './layout.ts';

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
