/**
 * FUSE messages made and read by hand, for tests of the reference server. Deliberately without
 * rig/protocol: what both say must agree.
 */

export const OP = {
  LOOKUP: 1,
  FORGET: 2,
  GETATTR: 3,
  SETATTR: 4,
  READLINK: 5,
  SYMLINK: 6,
  MKNOD: 8,
  MKDIR: 9,
  UNLINK: 10,
  RMDIR: 11,
  RENAME: 12,
  LINK: 13,
  OPEN: 14,
  READ: 15,
  WRITE: 16,
  STATFS: 17,
  RELEASE: 18,
  FSYNC: 20,
  SETXATTR: 21,
  GETXATTR: 22,
  LISTXATTR: 23,
  REMOVEXATTR: 24,
  FLUSH: 25,
  INIT: 26,
  OPENDIR: 27,
  READDIR: 28,
  RELEASEDIR: 29,
  FSYNCDIR: 30,
  GETLK: 31,
  SETLK: 32,
  SETLKW: 33,
  ACCESS: 34,
  CREATE: 35,
  INTERRUPT: 36,
  BMAP: 37,
  DESTROY: 38,
  IOCTL: 39,
  POLL: 40,
  NOTIFY_REPLY: 41,
  BATCH_FORGET: 42,
  FALLOCATE: 43,
  READDIRPLUS: 44,
  RENAME2: 45,
  LSEEK: 46,
  COPY_FILE_RANGE: 47,
  SYNCFS: 50,
  TMPFILE: 51,
  STATX: 52,
  COPY_FILE_RANGE_64: 53,
} as const;

export const ERRNO = {
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  EAGAIN: 11,
  ENOLCK: 37,
  ENOSYS: 38,
  EOPNOTSUPP: 95,
} as const;

/** Opcodes that the kernel takes no reply for (INTERRUPT may have one; this server sends none). */
export const SILENT: ReadonlySet<number> = new Set([
  OP.FORGET,
  OP.BATCH_FORGET,
  OP.NOTIFY_REPLY,
  OP.INTERRUPT,
]);

/** Numbers are u32, bigints u64, strings get their NUL, bytes stay as they are. */
export type Piece = number | bigint | string | Uint8Array;

function pieceBytes(piece: Piece): Uint8Array {
  if (typeof piece === 'string') return Buffer.from(`${piece}\0`, 'latin1');
  if (piece instanceof Uint8Array) return piece;
  const bytes = Buffer.alloc(typeof piece === 'number' ? 4 : 8);
  if (typeof piece === 'number') bytes.writeUInt32LE(piece);
  else bytes.writeBigUInt64LE(piece);
  return bytes;
}

/** fuse_in_header and the pieces; uid, gid and pid are 0. */
export function request(
  opcode: number,
  unique: bigint,
  nodeid: bigint,
  ...pieces: Piece[]
): Buffer {
  const body = Buffer.concat(pieces.map(pieceBytes));
  const head = Buffer.alloc(40);
  head.writeUInt32LE(40 + body.length, 0);
  head.writeUInt32LE(opcode, 4);
  head.writeBigUInt64LE(unique, 8);
  head.writeBigUInt64LE(nodeid, 16);
  return Buffer.concat([head, body]);
}

/** What Linux 6.18 offers: flags and flags2 of a plain mount. */
export const OFFERED = { flags: 0x73fffffb, flags2: 0x5fd } as const;

/** FUSE_OVER_IO_URING in flags2. */
export const OVER_IO_URING = 0x200;

export function initRequest(
  minor = 45,
  flags: number = OFFERED.flags,
  flags2: number = OFFERED.flags2,
): Buffer {
  const rest = new Uint8Array(44);
  return request(OP.INIT, 2n, 0n, 7, minor, 131072, flags, flags2, rest);
}

/** fuse_lk_in; `type` as F_RDLCK 0, F_WRLCK 1, F_UNLCK 2. Both ends of the range belong to it. */
export function lockPieces(owner: bigint, type: number, start = 0n, end = 99n): Piece[] {
  return [0n, owner, start, end, type, 4711, 0, 0];
}

export interface ReplyHead {
  unique: bigint;
  /** 0 or a positive errno; below 0 the code of a notification. */
  error: number;
  body: Buffer;
}

/** Throws if the length in the header is not the length. */
export function parseReply(bytes: Buffer): ReplyHead {
  if (bytes.length < 16 || bytes.readUInt32LE(0) !== bytes.length) {
    throw new Error(`a reply of ${bytes.length} bytes says ${bytes.toString('hex', 0, 16)}`);
  }
  return {
    unique: bytes.readBigUInt64LE(8),
    error: 0 - bytes.readInt32LE(4),
    body: bytes.subarray(16),
  };
}
