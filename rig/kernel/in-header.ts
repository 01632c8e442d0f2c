/** Writes fuse_in_header in front of a message; the bodies are their owners' business. */
import { IN_HEADER_SIZE } from '../protocol/constants.ts';
import { type Key, writeKey, writeU16, writeU32 } from '../protocol/cursor.ts';
import { IN_HEADER } from '../protocol/structs-common.ts';

const AT = IN_HEADER.at;

export interface InHeader {
  readonly opcode: number;
  readonly nodeid: Key;
  readonly uid: number;
  readonly gid: number;
  readonly pid: number;
  /** In units of 8 bytes. */
  readonly extlen: number;
}

/** The header of a message whose body measures `size` bytes, at the start of `into`. */
export function writeInHeader(into: Uint8Array, unique: Key, size: number, head: InHeader): void {
  writeU32(into, AT.len, IN_HEADER_SIZE + size);
  writeU32(into, AT.opcode, head.opcode);
  writeKey(into, AT.unique, unique);
  writeKey(into, AT.nodeid, head.nodeid);
  writeU32(into, AT.uid, head.uid);
  writeU32(into, AT.gid, head.gid);
  writeU32(into, AT.pid, head.pid);
  writeU16(into, AT.total_extlen, head.extlen);
  writeU16(into, AT.padding, 0);
}

/** Header of what the kernel sends on nobody's behalf (nocreds). */
export function ownHeader(opcode: number, nodeid: Key = 0): InHeader {
  return { opcode, nodeid, uid: 0, gid: 0, pid: 0, extlen: 0 };
}
