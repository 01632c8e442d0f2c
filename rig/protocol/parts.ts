/**
 * Reads and builds the body of a message from the parts its row lists. Reading goes in two steps:
 * `locate` finds where each part lies, with all checks; decoding and translating use the places.
 */

import { decode, encode } from './codec.ts';
import { Cursor, concat, ProtocolError, readU32 } from './cursor.ts';
import type { FieldBit, Layout } from './layout.ts';
import { has, type Negotiated } from './negotiated.ts';
import type { NamePart, Part, PrefixPart, StructPart } from './op-spec.ts';

/** Decoded values of a message in one flat object, as its row names them. */
export type Args = Readonly<Record<string, unknown>>;

/** What parts depend on besides the bytes. */
export interface Frame {
  /** For errors about names and data: the operation. */
  readonly what: string;
  readonly negotiated: Negotiated;
  /** Bytes of the extension blob at the end; it belongs to the `ext` part. */
  readonly extBytes: number;
}

/** A part and the bytes that are its own; `size` of a name does not count the NUL. */
export interface Place<P extends Part = Part> {
  readonly part: P;
  readonly offset: number;
  readonly size: number;
}

/** Bytes of a structure under what was negotiated. */
export function structSize(part: StructPart, negotiated: Negotiated): number {
  const { compat, layout } = part;
  if (compat === undefined) return layout.size;
  const old = compat.below !== undefined && negotiated.minor < compat.below;
  const plain = compat.without !== undefined && !has(negotiated, compat.without);
  return old || plain ? compat.size : layout.size;
}

/** Takes a structure; when it is cut short the error names the first field that is. */
function takeStruct(cursor: Cursor, layout: Layout, size: number): void {
  if (cursor.left < size) {
    const field = layout.list.find(([, f]) => f.offset + f.size * (f.count || 1) > cursor.left);
    cursor.skip(size, layout.name, field?.[0] ?? 'end');
  }
  cursor.skip(size, layout.name, 'end');
}

/** A number of the structure that starts the body: how much of something follows. */
function announced(
  bytes: Uint8Array,
  places: readonly Place[],
  field: string,
): { value: number; struct: string; offset: number } {
  const first = places[0];
  if (first?.part.part !== 'struct') throw new Error(`no structure holds ${field}`);
  const { layout } = first.part;
  const offset = first.offset + (layout.at[field] as number);
  return { value: readU32(bytes, offset), struct: layout.name, offset };
}

function locateName(
  cursor: Cursor,
  part: NamePart,
  places: readonly Place[],
  what: string,
): number {
  if (part.size === undefined) return cursor.skipName(what, part.as);
  const told = announced(cursor.bytes, places, part.size);
  cursor.skip(told.value, told.struct, part.size);
  cursor.skip(1, what, part.as);
  return told.value;
}

function locateSized(cursor: Cursor, part: Part, places: readonly Place[], what: string): number {
  if (part.part === 'array') {
    const count = announced(cursor.bytes, places, part.count);
    const size = count.value * part.layout.size;
    cursor.skip(size, count.struct, part.count);
    return size;
  }
  const size = cursor.left;
  if (part.part === 'data' && part.size !== undefined) {
    const told = announced(cursor.bytes, places, part.size);
    if (told.value !== size) {
      const { struct, offset, value: needed } = told;
      throw new ProtocolError(
        { struct, field: part.size, offset, needed, available: size },
        `says ${needed} bytes, ${size} follow`,
      );
    }
  }
  cursor.skip(size, what, part.part === 'data' ? part.as : part.part);
  return size;
}

/** Where the parts of a body lie in `bytes`, from `start` to the end, all of it used up. */
export function locate(
  parts: readonly Part[],
  bytes: Uint8Array,
  start: number,
  frame: Frame,
): Place[] {
  const { what, negotiated, extBytes } = frame;
  const places: Place[] = [];
  const body = new Cursor(bytes, start, bytes.length - extBytes);
  if (extBytes > 0 && (parts.at(-1)?.part !== 'ext' || bytes.length - extBytes < start)) {
    const available = Math.max(bytes.length - start, 0);
    const place = { struct: 'in_header', field: 'total_extlen', offset: 36 };
    throw new ProtocolError(
      { ...place, needed: extBytes, available },
      `${extBytes} bytes of extensions do not fit ${what} with ${available} bytes of body`,
    );
  }
  for (const part of parts) {
    const offset = body.offset;
    let size = 0;
    if (part.part === 'struct') {
      size = structSize(part, negotiated);
      takeStruct(body, part.layout, size);
    } else if (part.part === 'prefix') {
      size = Math.max(part.min, Math.min(body.left, part.layout.size));
      takeStruct(body, part.layout, size);
    } else if (part.part === 'name') {
      size = locateName(body, part, places, what);
    } else if (part.part === 'ext') {
      body.done(what);
      size = extBytes;
    } else {
      size = locateSized(body, part, places, what);
    }
    places.push({ part, offset, size });
  }
  body.done(what);
  return places;
}

/** The values at some places, flat. Names and data are views of `bytes`, not copies. */
export function decodePlaces(bytes: Uint8Array, places: readonly Place[]): Args {
  const args: Record<string, unknown> = {};
  for (const { part, offset, size } of places) {
    if (part.part === 'struct' || part.part === 'prefix') {
      Object.assign(args, decode(part.layout, bytes, offset, size));
    } else if (part.part === 'array') {
      args[part.as] = Array.from({ length: size / part.layout.size }, (_, i) =>
        decode(part.layout, bytes, offset + i * part.layout.size),
      );
    } else {
      args[part.part === 'ext' ? 'ext' : part.as] = bytes.subarray(offset, offset + size);
    }
  }
  return args;
}

const utf8 = new TextEncoder();

function bytesOf(value: unknown, what: string): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'string') return utf8.encode(value);
  throw new TypeError(`${what}: bytes or a string are needed`);
}

function listOf(value: unknown, what: string): readonly Args[] {
  if (Array.isArray(value)) return value;
  throw new TypeError(`${what}: a list is needed`);
}

/** `args` with the lengths and counts that other parts decide, where they are not given. */
function complete(parts: readonly Part[], args: Args): Args {
  const whole: Record<string, unknown> = { ...args };
  for (const part of parts) {
    if ((part.part === 'data' || part.part === 'name') && part.size !== undefined) {
      whole[part.size] ??= bytesOf(args[part.as] ?? '', part.as).length;
    }
    if (part.part === 'array') {
      whole[part.count] ??= listOf(args[part.as] ?? [], part.as).length;
    }
  }
  return whole;
}

function encodePart(part: Part, args: Args, frame: Omit<Frame, 'extBytes'>): Uint8Array[] {
  const { what, negotiated } = frame;
  switch (part.part) {
    case 'struct':
      return [encode(part.layout, args, structSize(part, negotiated))];
    case 'prefix':
      return [encode(part.layout, args)];
    case 'name':
      return [bytesOf(args[part.as], `${what}.${part.as}`), new Uint8Array(1)];
    case 'data':
      return [bytesOf(args[part.as] ?? '', `${what}.${part.as}`)];
    case 'array': {
      const list = listOf(args[part.as] ?? [], `${what}.${part.as}`);
      return list.map((one) => encode(part.layout, one));
    }
    default: {
      const blob = bytesOf(args.ext ?? '', `${what}.ext`);
      if (blob.length % 8 !== 0) throw new RangeError(`${what}.ext: not 8-byte units`);
      return [blob];
    }
  }
}

/**
 * A message: a header of `fields` and the whole length as `len`, then the body of `parts`. Absent
 * numbers are 0, absent data and extensions are empty.
 */
export function encodeParts(
  parts: readonly Part[],
  args: Args,
  frame: Omit<Frame, 'extBytes'>,
  header: Layout,
  fields: Args,
): Uint8Array {
  const whole = complete(parts, args);
  const pieces = parts.flatMap((part) => encodePart(part, whole, frame));
  const len = pieces.reduce((size, piece) => size + piece.length, header.size);
  return concat([encode(header, { ...fields, len }), ...pieces]);
}

/** The structure a request's body starts with, which `Bound`, `FieldBit` and `either` look at. */
export function headLayout(parts: readonly Part[]): Layout | undefined {
  const first = parts[0];
  const isStruct = first?.part === 'struct' || first?.part === 'prefix';
  return isStruct ? (first as StructPart | PrefixPart).layout : undefined;
}

/** True when a bit of the structure at `offset` is set. */
export function bitSet(layout: Layout, bytes: Uint8Array, offset: number, test: FieldBit): boolean {
  return (readU32(bytes, offset + (layout.at[test.field] as number)) & test.bit) !== 0;
}
