/**
 * The extension blob at the end of creating requests (get_create_ext() in fs/fuse/dir.c): security
 * contexts and the caller's supplementary groups. It starts right after the last name, unaligned;
 * its records are padded to 8 bytes.
 */

import { decode, encode } from './codec.ts';
import { align8, Cursor, concat, ProtocolError, readU32 } from './cursor.ts';
import type { Layout, Values } from './layout.ts';
import { EXT_HEADER, SECCTX, SECCTX_HEADER, SUPP_GROUPS } from './structs-session.ts';

/** FUSE_EXT_GROUPS; types below 32 mean that many security contexts (FUSE_MAX_NR_SECCTX is 31). */
const GROUPS = 32;

/** One extended attribute that a security module wants on the new node. */
export interface SecurityContext {
  /** Attribute name, `security.selinux`; bytes without the NUL. */
  readonly name: Uint8Array;
  readonly value: Uint8Array;
}

export type Extension =
  | { readonly kind: 'secctx'; readonly contexts: readonly SecurityContext[] }
  | { readonly kind: 'groups'; readonly groups: readonly number[] }
  | { readonly kind: 'unknown'; readonly type: number; readonly body: Uint8Array };

/** Takes a structure off a cursor, padding apart. */
function take<L extends Layout>(cursor: Cursor, layout: L): Values<L> {
  return decode(layout, cursor.take(layout.size, layout.name, layout.list[0]?.[0] ?? 'size'));
}

/** What an extension's own size leaves after its header, as a cursor of its own. */
function inside(cursor: Cursor, struct: string, size: number): Cursor {
  const offset = cursor.offset - EXT_HEADER.size;
  if (size < EXT_HEADER.size || size > cursor.left + EXT_HEADER.size) {
    const available = cursor.left + EXT_HEADER.size;
    const place = { struct, field: 'size', offset, needed: size, available };
    throw new ProtocolError(place, `says ${size} bytes, ${available} are there`);
  }
  const start = cursor.offset;
  cursor.take(size - EXT_HEADER.size, struct, 'size');
  return new Cursor(cursor.bytes, start, cursor.offset);
}

function contexts(cursor: Cursor, count: number): SecurityContext[] {
  const list: SecurityContext[] = [];
  for (let i = 0; i < count; i++) {
    const start = cursor.offset;
    const { size } = take(cursor, SECCTX);
    const name = cursor.name('secctx', 'name');
    const value = cursor.take(size, 'secctx', 'size');
    const used = cursor.offset - start;
    cursor.take(align8(used) - used, 'secctx', 'alignment');
    list.push({ name, value });
  }
  cursor.done('secctx_header');
  return list;
}

function groups(cursor: Cursor): number[] {
  const { nr_groups: count } = take(cursor, SUPP_GROUPS);
  const ids = cursor.take(count * 4, 'supp_groups', 'nr_groups');
  return Array.from({ length: count }, (_, i) => readU32(ids, i * 4));
}

/** The extensions of a blob, in order. Offsets in errors count from the blob's start. */
export function decodeExtensions(blob: Uint8Array): Extension[] {
  const cursor = new Cursor(blob);
  const list: Extension[] = [];
  while (cursor.left > 0) {
    const { size, type } = take(cursor, EXT_HEADER);
    if (type < GROUPS) {
      const body = inside(cursor, SECCTX_HEADER.name, size);
      list.push({ kind: 'secctx', contexts: contexts(body, type) });
    } else {
      const body = inside(cursor, EXT_HEADER.name, size);
      if (type === GROUPS) list.push({ kind: 'groups', groups: groups(body) });
      else list.push({ kind: 'unknown', type, body: body.take(body.left, 'ext_header', 'size') });
    }
    const pad = Math.min(align8(cursor.offset) - cursor.offset, cursor.left);
    cursor.take(pad, 'ext_header', 'alignment');
  }
  return list;
}

/** Zero-padded to a multiple of 8. */
function padded(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = concat(parts);
  return concat([bytes, new Uint8Array(align8(bytes.length) - bytes.length)]);
}

function encodeOne(extension: Extension): Uint8Array {
  if (extension.kind === 'secctx') {
    const records = extension.contexts.map(({ name, value }) =>
      padded([encode(SECCTX, { size: value.length }), name, new Uint8Array(1), value]),
    );
    const body = concat(records);
    const size = SECCTX_HEADER.size + body.length;
    return concat([encode(SECCTX_HEADER, { size, nr_secctx: records.length }), body]);
  }
  const type = extension.kind === 'groups' ? GROUPS : extension.type;
  const count = extension.kind === 'groups' ? extension.groups.length : 0;
  const ids = new Uint32Array(extension.kind === 'groups' ? extension.groups : []);
  const body =
    extension.kind === 'groups'
      ? padded([encode(SUPP_GROUPS, { nr_groups: count }), new Uint8Array(ids.buffer)])
      : padded([extension.body]);
  return concat([encode(EXT_HEADER, { size: EXT_HEADER.size + body.length, type }), body]);
}

/** The blob of some extensions; `total_extlen` is an eighth of its length. */
export function encodeExtensions(extensions: readonly Extension[]): Uint8Array {
  return concat(extensions.map(encodeOne));
}
