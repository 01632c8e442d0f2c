/**
 * The normal form of a reply: what must be the same when the same server answers the same request
 * again, as text. Left out: times, inode numbers, ids, generations, cookies, cache timeouts, block
 * counts, free space, sizes of directories. Two replies agree exactly when their normal forms do.
 */
import { native } from '../native/load.ts';
import { readS32, readU16, readU32, readU64 } from '../rig/protocol/cursor.ts';
import { errnoName } from '../rig/protocol/errno.ts';
import type { Layout, Role } from '../rig/protocol/layout.ts';
import type { Reply, Request } from '../rig/protocol/message.ts';
import { OP } from '../rig/protocol/opcodes.ts';
import type { Place } from '../rig/protocol/parts.ts';

/** Values given by one side in one run, or the clock's. */
const LEFT_OUT: ReadonlySet<Role> = new Set([
  'nodeid',
  'fh',
  'cookie',
  'lock-owner',
  'kh',
  'backing-id',
  'generation',
  'ino',
  'unique',
  'pid',
  'time',
  'validity',
  'padding',
]);

/** Fields without a role that depend on the backing file system, not on the server. */
const BACKING = new Set(['blocks', 'blksize', 'attributes', 'attributes_mask', 'mask', 'spare']);
const MINE = new Set(['dev_major', 'dev_minor', '__spare0', '__spare2', 'flags']);

const OUT_HEADER = 16;
const S_IFMT = 0o170000;
const S_IFDIR = 0o040000;
const S_IFCHR = 0o020000;
const S_IFBLK = 0o060000;

/** Owners of this run by owners of the capture (replaying as another user). */
export interface OwnerMap {
  uid(recorded: number): number;
  gid(recorded: number): number;
}

export const SAME_OWNERS: OwnerMap = { uid: (id) => id, gid: (id) => id };

interface Token {
  name: string;
  role: Role | undefined;
  value: number | bigint;
}

function scalar(bytes: Uint8Array, offset: number, type: string): number | bigint {
  if (type === 'u64' || type === 's64') return readU64(bytes, offset);
  if (type === 's32') return readS32(bytes, offset);
  if (type === 'u16') return readU16(bytes, offset);
  return readU32(bytes, offset);
}

/** The fields of a structure that count, in order. */
function tokens(
  layout: Layout,
  bytes: Uint8Array,
  offset: number,
  end: number,
  out: Token[],
): void {
  for (const [name, field] of layout.list) {
    const at = offset + field.offset;
    if (at + field.size > end || field.count > 0) continue;
    if (typeof field.type === 'object') tokens(field.type, bytes, at, end, out);
    else if (field.role === undefined || !LEFT_OUT.has(field.role)) {
      if (BACKING.has(name) || (MINE.has(name) && layout.name !== 'write_out')) continue;
      out.push({ name, role: field.role, value: scalar(bytes, at, field.type) });
    }
  }
}

const dataForm = (bytes: Uint8Array): string =>
  `${bytes.length}:${native.crc32c(bytes).toString(16).padStart(8, '0')}`;

function structForm(place: Place, bytes: Uint8Array, owners: OwnerMap | undefined): string {
  if (place.part.part !== 'struct' && place.part.part !== 'prefix') return '';
  const found: Token[] = [];
  tokens(place.part.layout, bytes, place.offset, place.offset + place.size, found);
  const mode = found.find((t) => t.name === 'mode')?.value;
  const type = mode === undefined ? 0 : Number(mode) & S_IFMT;
  const isDevice = type === S_IFCHR || type === S_IFBLK;
  const words: string[] = [];
  for (const { name, role, value } of found) {
    if (type === S_IFDIR && (name === 'size' || name === 'nlink')) continue;
    // Of others the kernel never looks at it (init_special_inode), and servers send what lay there.
    if (!isDevice && name.startsWith('rdev')) continue;
    if (name === 'mode') words.push(`mode=${value.toString(8)}`);
    else if (role === 'uid' && owners) words.push(`uid=${owners.uid(Number(value))}`);
    else if (role === 'gid' && owners) words.push(`gid=${owners.gid(Number(value))}`);
    else words.push(`${name}=${value}`);
  }
  return words.join(' ');
}

/** An entry with nodeid 0 says "no such name, remember that"; its attributes say nothing. */
const isNegative = (place: Place, bytes: Uint8Array): boolean =>
  place.part.part === 'struct' &&
  place.part.layout.name === 'entry_out' &&
  readU64(bytes, place.offset) === 0n;

/** Nobody learns what these are answered with: fuse_release_end() does not look. */
const IGNORED: ReadonlySet<number> = new Set([OP.RELEASE.opcode, OP.RELEASEDIR.opcode]);

/** Opcodes whose whole reply depends on the backing store: only success counts. */
const ONLY_SUCCESS = new Set(['STATFS', 'INIT', 'BMAP', 'READDIR', 'READDIRPLUS']);

/**
 * The normal form of a reply. `owners` translates a captured reply's owners to this run's; absent for
 * replies of this run.
 */
export function normalReply(request: Request, reply: Reply, owners?: OwnerMap): string {
  const { error } = reply;
  if (IGNORED.has(request.opcode)) return 'answered';
  if (error !== 0) return `-${errnoName(error).replace(/^-/, '')}`;
  if (ONLY_SUCCESS.has(request.name)) return 'ok';
  const words: string[] = [];
  const failedIoctl = request.opcode === OP.IOCTL.opcode && readS32(reply.bytes, OUT_HEADER) < 0;
  for (const place of reply.places) {
    const { part, offset, size } = place;
    // Behind a failed ioctl libfuse 2.9 sends memory it never wrote: nothing to compare.
    if (failedIoctl && part.part === 'data') continue;
    if (isNegative(place, reply.bytes)) return 'negative';
    if (part.part === 'struct' || part.part === 'prefix') {
      const form = structForm(place, reply.bytes, owners);
      if (form !== '') words.push(form);
    } else if (part.part === 'data') {
      words.push(`${part.as}=${dataForm(reply.bytes.subarray(offset, offset + size))}`);
    }
  }
  return words.length === 0 ? 'ok' : words.join(' ');
}

/** The first words in which two normal forms differ, as `name: a, was b`. */
export function firstDifference(expected: string, actual: string): string {
  const was = expected.split(' ');
  const is = actual.split(' ');
  for (let i = 0; i < Math.max(was.length, is.length); i++) {
    if (was[i] !== is[i]) return `${is[i] ?? 'nothing'}, in the capture ${was[i] ?? 'nothing'}`;
  }
  return 'nothing';
}
