/**
 * Where a message carries values with a meaning beyond the number (ids, handles, cookies, owners):
 * what a replay translates and what a comparison leaves out. Found by walking the row's layouts.
 */
import { readS32, readU32, readU64, writeInt, writeU64 } from './cursor.ts';
import { direntRecords } from './dirents.ts';
import { extent, type Field, type Layout, type Role } from './layout.ts';
import type { Reply, Request } from './message.ts';
import { bitSet, type Place } from './parts.ts';
import { DIRENT, DIRENTPLUS, IN_HEADER } from './structs-common.ts';

export interface Mark {
  readonly role: Role;
  /** Field name, and its offset from the first byte of the message. */
  readonly field: string;
  readonly offset: number;
  readonly size: 4 | 8;
  readonly value: bigint | number;
  /** For an `fh`: the field of the same structure with its node; without it the header's nodeid. */
  readonly of?: string;
}

function markOf(name: string, field: Field, role: Role, bytes: Uint8Array, offset: number): Mark {
  const wide = field.size === 8;
  const value = wide
    ? readU64(bytes, offset)
    : field.type === 's32'
      ? readS32(bytes, offset)
      : readU32(bytes, offset);
  const mark: Mark = { role, field: name, offset, size: wide ? 8 : 4, value };
  return field.of === undefined ? mark : { ...mark, of: field.of };
}

/** Adds the marks of one structure. A loop and one list: replay does this for every message. */
function collect(
  layout: Layout,
  bytes: Uint8Array,
  offset: number,
  size: number,
  out: Mark[],
): void {
  for (const [name, field] of layout.list) {
    const room = size - field.offset;
    const at = offset + field.offset;
    if (typeof field.type === 'object') {
      if (room > 0) collect(field.type, bytes, at, Math.min(room, field.size), out);
      continue;
    }
    const { role, when } = field;
    if (role === undefined || role === 'padding' || extent(field) > room) continue;
    if (when !== undefined && !bitSet(layout, bytes, offset, when)) continue;
    out.push(markOf(name, field, role, bytes, at));
  }
}

/**
 * The marks of one structure, its first `size` bytes, nested ones included. A field that does not
 * count now (its `when` bit is clear) and padding have none.
 */
export function layoutMarks(
  layout: Layout,
  bytes: Uint8Array,
  offset: number,
  size: number = layout.size,
): Mark[] {
  const out: Mark[] = [];
  collect(layout, bytes, offset, size, out);
  return out;
}

function collectPlace(bytes: Uint8Array, place: Place, out: Mark[]): void {
  const { part, offset, size } = place;
  if (part.part === 'struct' || part.part === 'prefix') {
    collect(part.layout, bytes, offset, size, out);
  } else if (part.part === 'array') {
    const { layout } = part;
    for (let at = offset; at + layout.size <= offset + size; at += layout.size) {
      collect(layout, bytes, at, layout.size, out);
    }
  } else if (part.part === 'data' && (part.view === 'dirents' || part.view === 'direntplus')) {
    const plus = part.view === 'direntplus';
    const layout = plus ? DIRENTPLUS : DIRENT;
    for (const record of direntRecords(bytes.subarray(offset, offset + size), plus)) {
      collect(layout, bytes, offset + record.offset, layout.size, out);
    }
  }
}

/** The marks of a body whose parts lie at `places` of `bytes`. */
export function placesMarks(bytes: Uint8Array, places: readonly Place[]): Mark[] {
  const out: Mark[] = [];
  for (const place of places) collectPlace(bytes, place, out);
  return out;
}

/** The marks of a request, its header's first. */
export function requestMarks(request: Request): Mark[] {
  const { bytes, places } = request;
  const out = layoutMarks(IN_HEADER, bytes, 0);
  for (const place of places) collectPlace(bytes, place, out);
  return out;
}

/** The marks of a reply's body, directory records included. */
export function replyMarks(reply: Reply): Mark[] {
  return placesMarks(reply.bytes, reply.places);
}

/** Puts another value where a mark was found. */
export function writeMark(bytes: Uint8Array, mark: Mark, value: bigint | number): void {
  if (mark.size === 8) writeU64(bytes, mark.offset, BigInt(value));
  else writeInt(bytes, mark.offset, 4, Number(value));
}
