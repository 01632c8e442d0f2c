/**
 * Where a message carries values with a meaning beyond the number (ids, handles, cookies, owners):
 * what a replay translates and what a comparison leaves out. Found by walking the row's layouts.
 */
import { readS32, readU32, readU64, writeInt, writeU64 } from './cursor.ts';
import { direntRecords } from './dirents.ts';
import { type FlatField, flatFields, type Layout, type Role } from './layout.ts';
import type { Reply, Request } from './message.ts';
import type { Place } from './parts.ts';
import { DIRENT, DIRENTPLUS, IN_HEADER } from './structs-common.ts';

export interface Mark {
  readonly role: Role;
  /** Field name, and its offset from the first byte of the message. */
  readonly field: string;
  readonly offset: number;
  readonly size: 4 | 8;
  readonly value: bigint | number;
  /** For an `fh`: the field of the same structure with its node; without it the header's nodeid. */
  readonly of: string | undefined;
}

/** Fields with a role. Made once a layout. */
const marked = new WeakMap<Layout, readonly FlatField[]>();

function markedFields(layout: Layout): readonly FlatField[] {
  let fields = marked.get(layout);
  if (fields === undefined) {
    fields = flatFields(layout).filter(({ field: { role } }) => role && role !== 'padding');
    marked.set(layout, fields);
  }
  return fields;
}

function valueAt({ field, type }: FlatField, bytes: Uint8Array, offset: number): bigint | number {
  if (field.size === 8) return readU64(bytes, offset);
  return type === 's32' ? readS32(bytes, offset) : readU32(bytes, offset);
}

/** Which roles are asked for; all where it is undefined. */
type Wanted = ReadonlySet<Role> | undefined;

/** Adds the marks of one structure. A loop and one list: replay does this for every message. */
function collect(
  layout: Layout,
  bytes: Uint8Array,
  offset: number,
  size: number,
  out: Mark[],
  wanted: Wanted,
): void {
  for (const flat of markedFields(layout)) {
    const { role, when, of } = flat.field;
    if (role === undefined || flat.end > size) continue;
    if (wanted !== undefined && !wanted.has(role)) continue;
    if (when !== undefined && (readU32(bytes, offset + flat.whenAt) & when.bit) === 0) continue;
    const at = offset + flat.offset;
    const value = valueAt(flat, bytes, at);
    out.push({
      role,
      field: flat.name,
      offset: at,
      size: flat.field.size === 8 ? 8 : 4,
      value,
      of,
    });
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
  collect(layout, bytes, offset, size, out, undefined);
  return out;
}

function collectPlace(bytes: Uint8Array, place: Place, out: Mark[], wanted: Wanted): void {
  const { part, offset, size } = place;
  if (part.part === 'struct' || part.part === 'prefix') {
    collect(part.layout, bytes, offset, size, out, wanted);
  } else if (part.part === 'array') {
    const { layout } = part;
    for (let at = offset; at + layout.size <= offset + size; at += layout.size) {
      collect(layout, bytes, at, layout.size, out, wanted);
    }
  } else if (part.part === 'data' && (part.view === 'dirents' || part.view === 'direntplus')) {
    const plus = part.view === 'direntplus';
    const layout = plus ? DIRENTPLUS : DIRENT;
    for (const record of direntRecords(bytes.subarray(offset, offset + size), plus)) {
      collect(layout, bytes, offset + record.offset, layout.size, out, wanted);
    }
  }
}

/** The marks of a body whose parts lie at `places` of `bytes`. */
export function placesMarks(
  bytes: Uint8Array,
  places: readonly Place[],
  wanted?: ReadonlySet<Role>,
): Mark[] {
  const out: Mark[] = [];
  for (const place of places) collectPlace(bytes, place, out, wanted);
  return out;
}

/** The marks of a request, its header's first; of the `wanted` roles only, if they are given. */
export function requestMarks(request: Request, wanted?: ReadonlySet<Role>): Mark[] {
  const { bytes, places } = request;
  const out: Mark[] = [];
  collect(IN_HEADER, bytes, 0, IN_HEADER.size, out, wanted);
  for (const place of places) collectPlace(bytes, place, out, wanted);
  return out;
}

/** The marks of a reply's body, directory records included. */
export function replyMarks(reply: Reply, wanted?: ReadonlySet<Role>): Mark[] {
  return placesMarks(reply.bytes, reply.places, wanted);
}

/** Puts another value where a mark was found. */
export function writeMark(bytes: Uint8Array, mark: Mark, value: bigint | number): void {
  if (mark.size === 8) writeU64(bytes, mark.offset, BigInt(value));
  else writeInt(bytes, mark.offset, 4, Number(value));
}
