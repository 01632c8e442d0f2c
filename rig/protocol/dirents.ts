/**
 * The records of READDIR and READDIRPLUS replies, read as parse_dirfile() and parse_dirplusfile()
 * in fs/fuse/readdir.c read them: a record without room for itself ends the list without an error, a
 * name the kernel would refuse is one (its client gets EIO).
 */

import { decode, type Partially, writeStruct } from './codec.ts';
import { NAME_MAX } from './constants.ts';
import { align8, ProtocolError, readU32 } from './cursor.ts';
import type { Values } from './layout.ts';
import { DIRENT, DIRENTPLUS, type ENTRY_OUT } from './structs-common.ts';

export type Entry = Values<typeof ENTRY_OUT>;

/** Where a record lies in the body; `size` counts its padding, `nameSize` only the name. */
export interface DirentRecord {
  readonly offset: number;
  readonly size: number;
  readonly nameOffset: number;
  readonly nameSize: number;
}

export interface Dirent {
  readonly ino: bigint;
  /** Cookie of the position behind this record. */
  readonly off: bigint;
  /** `S_IFMT >> 12`. */
  readonly type: number;
  /** A view of the body. */
  readonly name: Uint8Array;
  /** READDIRPLUS only; nodeid 0 means that no lookup was done. */
  readonly entry?: Entry;
}

/** Bytes a record takes, padding included. */
export const direntSize = (nameSize: number, plus: boolean): number =>
  align8((plus ? DIRENTPLUS.size : DIRENT.size) + nameSize);

const SLASH = 0x2f;

/** Where the records of a reply's body lie. */
export function direntRecords(body: Uint8Array, plus: boolean): DirentRecord[] {
  const layout = plus ? DIRENTPLUS : DIRENT;
  const namelenAt = layout.size - DIRENT.size + DIRENT.at.namelen;
  const records: DirentRecord[] = [];
  let offset = 0;
  while (body.length - offset >= layout.size) {
    const nameSize = readU32(body, offset + namelenAt);
    const place = { struct: layout.name, field: 'namelen', offset: offset + namelenAt };
    if (nameSize === 0 || nameSize > NAME_MAX) {
      const problem = `${nameSize} is not between 1 and ${NAME_MAX}`;
      throw new ProtocolError({ ...place, needed: nameSize, available: NAME_MAX }, problem);
    }
    const size = direntSize(nameSize, plus);
    if (size > body.length - offset) break;
    const nameOffset = offset + layout.size;
    const slash = body.subarray(nameOffset, nameOffset + nameSize).indexOf(SLASH);
    if (slash >= 0) {
      const at = { struct: layout.name, field: 'name', offset: nameOffset + slash };
      throw new ProtocolError({ ...at, needed: nameSize, available: slash }, 'holds a slash');
    }
    records.push({ offset, size, nameOffset, nameSize });
    offset += size;
  }
  return records;
}

/** The decoded records of a reply's body. */
export function decodeDirents(body: Uint8Array, plus: boolean): Dirent[] {
  return direntRecords(body, plus).map(({ offset, nameOffset, nameSize }) => {
    const direntAt = nameOffset - DIRENT.size;
    const { ino, off, type } = decode(DIRENT, body, direntAt);
    const dirent = { ino, off, type, name: body.subarray(nameOffset, nameOffset + nameSize) };
    return plus ? { ...dirent, entry: decode(DIRENTPLUS, body, offset).entry_out } : dirent;
  });
}

/** What building takes: an entry's absent fields are 0. */
export type DirentInit = Omit<Dirent, 'entry'> & { readonly entry?: Partially<Entry> };

/** A reply's body of as many of `dirents` as fit into `limit` bytes, in order. */
export function encodeDirents(
  dirents: readonly DirentInit[],
  plus: boolean,
  limit = Number.POSITIVE_INFINITY,
): Uint8Array {
  let total = 0;
  const fitting: DirentInit[] = [];
  for (const dirent of dirents) {
    const size = direntSize(dirent.name.length, plus);
    if (total + size > limit) break;
    total += size;
    fitting.push(dirent);
  }
  const body = new Uint8Array(total);
  let offset = 0;
  for (const { name, entry, ...fields } of fitting) {
    const dirent = { ...fields, namelen: name.length };
    const layout = plus ? DIRENTPLUS : DIRENT;
    const values = plus ? { entry_out: entry ?? {}, dirent } : dirent;
    writeStruct(layout, values, body, offset, layout.size);
    body.set(name, offset + layout.size);
    offset += direntSize(name.length, plus);
  }
  return body;
}
