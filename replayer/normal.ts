/**
 * The normal form of a reply: what must be the same when the same server answers the same request
 * again, as text. Left out: times, inode numbers, ids, generations, cookies, cache timeouts, block
 * counts, free space, sizes of directories. Two replies agree exactly when their normal forms do.
 */
import { native } from '../native/load.ts';
import { readKey, readS32, readU16, readU32 } from '../rig/protocol/cursor.ts';
import { errnoName } from '../rig/protocol/errno.ts';
import type { Layout, Role, Scalar } from '../rig/protocol/layout.ts';
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

/** A field that counts. */
interface Word {
  name: string;
  role: Role | undefined;
  type: Scalar;
  offset: number;
  /** Bytes of the structure that must be there: a nested one counts whole or not at all. */
  within: number;
  /** Device numbers, sizes and link counts do not count for every type of file. */
  rdev: boolean;
  ofFile: boolean;
}

function words(layout: Layout, base: number, within: number, out: Word[]): Word[] {
  for (const [name, field] of layout.list) {
    const { type, role, count } = field;
    const offset = base + field.offset;
    const end = Math.max(within, offset + field.size);
    if (count > 0) continue;
    if (typeof type === 'object') words(type, offset, end, out);
    else if (role === undefined || !LEFT_OUT.has(role)) {
      if (BACKING.has(name) || (MINE.has(name) && layout.name !== 'write_out')) continue;
      const rdev = name.startsWith('rdev');
      const ofFile = name === 'size' || name === 'nlink';
      out.push({ name, role, type, offset, within: end, rdev, ofFile });
    }
  }
  return out;
}

const wordsOf = new Map<Layout, readonly Word[]>();

/** The fields of a structure that count, in order. Made once a layout. */
function countingWords(layout: Layout): readonly Word[] {
  let found = wordsOf.get(layout);
  if (found === undefined) {
    found = words(layout, 0, 0, []);
    wordsOf.set(layout, found);
  }
  return found;
}

function scalar(bytes: Uint8Array, offset: number, type: Scalar): number | bigint {
  // Most 64-bit values are small, and a number is shown as the same digits.
  if (type === 'u64' || type === 's64') return readKey(bytes, offset);
  if (type === 's32') return readS32(bytes, offset);
  if (type === 'u16') return readU16(bytes, offset);
  return readU32(bytes, offset);
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
/** Eight digits; toString(16) of a number above 2^31 is a slow path of the engine's. */
const hex8 = (n: number): string =>
  `${HEX[n >>> 24]}${HEX[(n >>> 16) & 255]}${HEX[(n >>> 8) & 255]}${HEX[n & 255]}`;

const dataForm = (bytes: Uint8Array): string => `${bytes.length}:${hex8(native.crc32c(bytes))}`;

function wordForm(word: Word, value: number | bigint, owners: OwnerMap | undefined): string {
  const { name, role } = word;
  if (name === 'mode') return `mode=${value.toString(8)}`;
  if (role === 'uid' && owners) return `uid=${owners.uid(Number(value))}`;
  if (role === 'gid' && owners) return `gid=${owners.gid(Number(value))}`;
  return `${name}=${value}`;
}

function structForm(
  layout: Layout,
  { offset, size }: Place,
  bytes: Uint8Array,
  owners: OwnerMap | undefined,
): string {
  const counting = countingWords(layout);
  const mode = counting.find((word) => word.name === 'mode' && word.within <= size);
  const bits = mode === undefined ? 0 : scalar(bytes, offset + mode.offset, mode.type);
  const type = Number(bits) & S_IFMT;
  const isDevice = type === S_IFCHR || type === S_IFBLK;
  let form = '';
  for (const word of counting) {
    if (word.within > size || (word.ofFile && type === S_IFDIR)) continue;
    // Of others the kernel never looks at it (init_special_inode), and servers send what lay there.
    if (word.rdev && !isDevice) continue;
    const value = scalar(bytes, offset + word.offset, word.type);
    form += `${form === '' ? '' : ' '}${wordForm(word, value, owners)}`;
  }
  return form;
}

/** An entry with nodeid 0 says "no such name, remember that"; its attributes say nothing. */
const isNegative = (place: Place, bytes: Uint8Array): boolean =>
  place.part.part === 'struct' &&
  place.part.layout.name === 'entry_out' &&
  readKey(bytes, place.offset) === 0;

/** Nobody learns what these are answered with: fuse_release_end() does not look. */
const IGNORED: ReadonlySet<number> = new Set([OP.RELEASE.opcode, OP.RELEASEDIR.opcode]);

/** Opcodes whose whole reply depends on the backing store: only success counts. */
const ONLY_SUCCESS: ReadonlySet<number> = new Set(
  [OP.STATFS, OP.INIT, OP.BMAP, OP.READDIR, OP.READDIRPLUS].map((row) => row.opcode),
);
const IOCTL = OP.IOCTL.opcode;

/**
 * The normal form of a reply. `owners` translates a captured reply's owners to this run's; absent for
 * replies of this run.
 */
export function normalReply(request: Request, reply: Reply, owners?: OwnerMap): string {
  const { error } = reply;
  const { opcode } = request;
  if (IGNORED.has(opcode)) return 'answered';
  if (error !== 0) return `-${errnoName(error).replace(/^-/, '')}`;
  if (ONLY_SUCCESS.has(opcode)) return 'ok';
  let forms = '';
  const failedIoctl = opcode === IOCTL && readS32(reply.bytes, OUT_HEADER) < 0;
  for (const place of reply.places) {
    const { part, offset, size } = place;
    // Behind a failed ioctl libfuse 2.9 sends memory it never wrote: nothing to compare.
    if (failedIoctl && part.part === 'data') continue;
    if (isNegative(place, reply.bytes)) return 'negative';
    if (part.part === 'struct' || part.part === 'prefix') {
      const form = structForm(part.layout, place, reply.bytes, owners);
      if (form !== '') forms = forms === '' ? form : `${forms} ${form}`;
    } else if (part.part === 'data') {
      const form = `${part.as}=${dataForm(reply.bytes.subarray(offset, offset + size))}`;
      forms = forms === '' ? form : `${forms} ${form}`;
    }
  }
  return forms === '' ? 'ok' : forms;
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
