/**
 * What the kernel finds wrong with a reply it has taken: the client gets EIO, the server is not
 * told, and a lookup reference it counted is not forgotten (fs/fuse/dir.c, file.c, ioctl.c,
 * readdir.c, statx as of 6.18). The transport's own checks are in `reply.ts`.
 */
import { ProtocolError } from '../protocol/cursor.ts';
import { direntRecords } from '../protocol/dirents.ts';
import { ERRNO } from '../protocol/errno.ts';
import { opcodeOf } from '../protocol/header.ts';
import type { Reply } from '../protocol/message.ts';
import { type OpName, opName } from '../protocol/opcodes.ts';

const S_IFMT = 0o170000;
const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;
const TYPES = new Set([0o01, 0o02, 0o04, 0o06, 0o10, 0o12, 0o14].map((type) => type << 12));
const LLONG_MAX = 2n ** 63n - 1n;
const ROOT_ID = 1n;
const STATX_TYPE = 1;
const STATX_SIZE = 0x200;
const IOCTL_UNRESTRICTED = 2;
const IOCTL_RETRY = 4;

interface Attr {
  readonly mode: number;
  readonly size: bigint;
}
interface Entry {
  readonly nodeid: bigint;
  readonly attr: Attr;
}

/** True if the reply is wrong; `known` is the S_IFMT of the request's node, 0 where unknown. */
type Rule = (reply: Reply, known: number) => boolean;

/** fuse_valid_type() and fuse_valid_size(). */
const invalidAttr = ({ mode, size }: Attr): boolean =>
  !TYPES.has(mode & S_IFMT) || size > LLONG_MAX;

/** inode_wrong_type(). */
const otherType = (mode: number, wanted: number): boolean =>
  wanted !== 0 && (mode & S_IFMT) !== wanted;

/** An entry of something that was made just now, of this type. */
function wrongNew({ nodeid, attr }: Entry, type: number): boolean {
  return nodeid === 0n || nodeid === ROOT_ID || invalidAttr(attr) || otherType(attr.mode, type);
}

const attrs =
  (name: 'GETATTR' | 'SETATTR'): Rule =>
  (reply, known) => {
    const { attr } = reply.as(name);
    return invalidAttr(attr) || otherType(attr.mode, known);
  };

const entries =
  (plus: boolean): Rule =>
  (reply) => {
    try {
      direntRecords(reply.body, plus);
      return false;
    } catch (error) {
      if (error instanceof ProtocolError) return true;
      throw error;
    }
  };

const RULES: Readonly<Partial<Record<OpName, Rule>>> = {
  /** Node 0 is a negative entry: its attributes are not looked at. */
  LOOKUP: (reply) => {
    const { nodeid, attr } = reply.as('LOOKUP');
    return nodeid !== 0n && (nodeid === ROOT_ID || invalidAttr(attr));
  },
  MKNOD: (reply) => {
    const { mode } = reply.request.as('MKNOD');
    return wrongNew(reply.as('MKNOD'), mode & S_IFMT);
  },
  MKDIR: (reply) => wrongNew(reply.as('MKDIR'), S_IFDIR),
  SYMLINK: (reply) => wrongNew(reply.as('SYMLINK'), S_IFLNK),
  /** The known node of LINK is the one that is linked. */
  LINK: (reply, known) => wrongNew(reply.as('LINK'), known),
  CREATE: (reply) => wrongNew(reply.as('CREATE'), S_IFREG),
  TMPFILE: (reply) => wrongNew(reply.as('TMPFILE'), S_IFREG),
  GETATTR: attrs('GETATTR'),
  SETATTR: attrs('SETATTR'),
  STATX: (reply, known) => {
    const { mask, mode, size } = reply.as('STATX').stat;
    if ((mask & STATX_SIZE) !== 0 && size > LLONG_MAX) return true;
    return (mask & STATX_TYPE) !== 0 && (!TYPES.has(mode & S_IFMT) || otherType(mode, known));
  },
  WRITE: (reply) => reply.as('WRITE').size > reply.request.field('size'),
  COPY_FILE_RANGE: (reply) =>
    BigInt(reply.as('COPY_FILE_RANGE').size) > reply.request.as('COPY_FILE_RANGE').len,
  COPY_FILE_RANGE_64: (reply) =>
    reply.as('COPY_FILE_RANGE_64').bytes_copied > reply.request.as('COPY_FILE_RANGE_64').len,
  IOCTL: (reply) => {
    const { flags: asked, out_size } = reply.request.as('IOCTL');
    const { flags, data } = reply.as('IOCTL');
    if ((flags & IOCTL_RETRY) !== 0) return (asked & IOCTL_UNRESTRICTED) === 0;
    return data.length > out_size;
  },
  READDIR: entries(false),
  READDIRPLUS: entries(true),
};

/**
 * -EIO if the client of a successful reply gets that, else 0. The reply must be one the device took.
 */
export function clientError(reply: Reply, known = 0): number {
  if (reply.error !== 0) return 0;
  const rule = RULES[opName(opcodeOf(reply.request.bytes)) as OpName];
  return rule?.(reply, known) ? -ERRNO.EIO : 0;
}
