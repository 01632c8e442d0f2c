/**
 * Flag bits by field, and how they are shown: names joined by `|`, what has no name in hexadecimal.
 * Names are those of include/uapi/linux/fuse.h and fcntl.h without their prefix where the field says
 * it already. INIT's 64 bits are in `init-flags.ts`.
 */

/** Bits of one field. Rows of several bits stand before the single bits they contain. */
export interface FlagSet {
  readonly bits: readonly (readonly [value: number, name: string])[];
  /** Low bits that hold a number, not flags, with the names of its values (O_ACCMODE). */
  readonly low?: { readonly mask: number; readonly names: readonly string[] };
}

const single = (...bits: readonly (readonly [value: number, name: string])[]): FlagSet => ({
  bits,
});

/** Flags of open(2), x86-64 (FMODE_EXEC as the kernel adds it for execve). */
export const OPEN_FLAGS: FlagSet = {
  low: { mask: 3, names: ['O_RDONLY', 'O_WRONLY', 'O_RDWR', 'O_ACCMODE'] },
  bits: [
    [0o4010000, 'O_SYNC'],
    [0o20200000, 'O_TMPFILE'],
    [0o100, 'O_CREAT'],
    [0o200, 'O_EXCL'],
    [0o400, 'O_NOCTTY'],
    [0o1000, 'O_TRUNC'],
    [0o2000, 'O_APPEND'],
    [0o4000, 'O_NONBLOCK'],
    [0o10000, 'O_DSYNC'],
    [0o20000, 'FASYNC'],
    [0o40000, 'O_DIRECT'],
    [0o100000, 'O_LARGEFILE'],
    [0o200000, 'O_DIRECTORY'],
    [0o400000, 'O_NOFOLLOW'],
    [0o1000000, 'O_NOATIME'],
    [0o2000000, 'O_CLOEXEC'],
    [0o10000000, 'O_PATH'],
    [0x20, 'FMODE_EXEC'],
  ],
};

export const FATTR = single(
  [1 << 0, 'MODE'],
  [1 << 1, 'UID'],
  [1 << 2, 'GID'],
  [1 << 3, 'SIZE'],
  [1 << 4, 'ATIME'],
  [1 << 5, 'MTIME'],
  [1 << 6, 'FH'],
  [1 << 7, 'ATIME_NOW'],
  [1 << 8, 'MTIME_NOW'],
  [1 << 9, 'LOCKOWNER'],
  [1 << 10, 'CTIME'],
  [1 << 11, 'KILL_SUIDGID'],
);

export const FOPEN = single(
  [1 << 0, 'DIRECT_IO'],
  [1 << 1, 'KEEP_CACHE'],
  [1 << 2, 'NONSEEKABLE'],
  [1 << 3, 'CACHE_DIR'],
  [1 << 4, 'STREAM'],
  [1 << 5, 'NOFLUSH'],
  [1 << 6, 'PARALLEL_DIRECT_WRITES'],
  [1 << 7, 'PASSTHROUGH'],
  [1 << 8, 'IO_URING_ZERO_COPY'],
);

export const GETATTR_FLAGS = single([1, 'FH']);
export const OPEN_IN_FLAGS = single([1, 'KILL_SUIDGID']);
export const RELEASE_FLAGS = single([1, 'FLUSH'], [2, 'FLOCK_UNLOCK']);
export const READ_FLAGS = single([2, 'LOCKOWNER']);
export const WRITE_FLAGS = single([1, 'CACHE'], [2, 'LOCKOWNER'], [4, 'KILL_SUIDGID']);
export const FSYNC_FLAGS = single([1, 'FDATASYNC']);
export const LK_FLAGS = single([1, 'FLOCK']);
export const SETXATTR_FLAGS = single([1, 'ACL_KILL_SGID']);
export const XATTR_FLAGS = single([1, 'XATTR_CREATE'], [2, 'XATTR_REPLACE']);
export const POLL_FLAGS = single([1, 'SCHEDULE_NOTIFY']);
export const ATTR_FLAGS = single([1, 'SUBMOUNT'], [2, 'DAX']);
export const RENAME_FLAGS = single([1, 'NOREPLACE'], [2, 'EXCHANGE'], [4, 'WHITEOUT']);
export const EXPIRE_FLAGS = single([1, 'EXPIRE_ONLY']);
export const MAPPING_FLAGS = single([1, 'WRITE'], [2, 'READ']);
export const CUSE_FLAGS = single([1, 'UNRESTRICTED_IOCTL']);
export const URING_ENT_FLAGS = single([1, 'ZERO_COPY']);

export const IOCTL_FLAGS = single(
  [1, 'COMPAT'],
  [2, 'UNRESTRICTED'],
  [4, 'RETRY'],
  [8, '32BIT'],
  [16, 'DIR'],
  [32, 'COMPAT_X32'],
);

export const POLL_EVENTS = single(
  [0x001, 'POLLIN'],
  [0x002, 'POLLPRI'],
  [0x004, 'POLLOUT'],
  [0x008, 'POLLERR'],
  [0x010, 'POLLHUP'],
  [0x020, 'POLLNVAL'],
  [0x040, 'POLLRDNORM'],
  [0x080, 'POLLRDBAND'],
  [0x100, 'POLLWRNORM'],
  [0x200, 'POLLWRBAND'],
  [0x400, 'POLLMSG'],
  [0x2000, 'POLLRDHUP'],
);

export const FALLOCATE_MODE = single(
  [0x01, 'KEEP_SIZE'],
  [0x02, 'PUNCH_HOLE'],
  [0x04, 'NO_HIDE_STALE'],
  [0x08, 'COLLAPSE_RANGE'],
  [0x10, 'ZERO_RANGE'],
  [0x20, 'INSERT_RANGE'],
  [0x40, 'UNSHARE_RANGE'],
  [0x80, 'WRITE_ZEROES'],
);

/** access(2): no bit is F_OK. */
export const ACCESS_MASK: FlagSet = {
  bits: [
    [4, 'R_OK'],
    [2, 'W_OK'],
    [1, 'X_OK'],
  ],
};

export const STATX_MASK = single(
  [0x7ff, 'BASIC_STATS'],
  [0x001, 'TYPE'],
  [0x002, 'MODE'],
  [0x004, 'NLINK'],
  [0x008, 'UID'],
  [0x010, 'GID'],
  [0x020, 'ATIME'],
  [0x040, 'MTIME'],
  [0x080, 'CTIME'],
  [0x100, 'INO'],
  [0x200, 'SIZE'],
  [0x400, 'BLOCKS'],
  [0x800, 'BTIME'],
);

export const LOCK_TYPES: FlagSet = {
  low: { mask: 3, names: ['F_RDLCK', 'F_WRLCK', 'F_UNLCK'] },
  bits: [],
};

export const WHENCE: FlagSet = {
  low: { mask: 7, names: ['SEEK_SET', 'SEEK_CUR', 'SEEK_END', 'SEEK_DATA', 'SEEK_HOLE'] },
  bits: [],
};

/** dirent types are `S_IFMT >> 12`. */
export const DIRENT_TYPES: FlagSet = {
  low: {
    mask: 15,
    // biome-ignore format: indexed by value
    names: ['DT_UNKNOWN', 'DT_FIFO', 'DT_CHR', '', 'DT_DIR', '', 'DT_BLK', '', 'DT_REG', '',
      'DT_LNK', '', 'DT_SOCK', '', 'DT_WHT'],
  },
  bits: [],
};

const hex = (value: number): string => `0x${value.toString(16)}`;

/** `O_RDONLY|O_LARGEFILE`; `0` when nothing is set and 0 has no name of its own. */
export function formatFlags(set: FlagSet, value: number | bigint): string {
  const high = typeof value === 'bigint' ? value >> 32n : 0n;
  let rest = Number(BigInt.asUintN(32, BigInt(value)));
  const names: string[] = [];
  if (set.low !== undefined) {
    const low = rest & set.low.mask;
    rest = (rest & ~set.low.mask) >>> 0;
    names.push(set.low.names[low] || hex(low));
  }
  for (const [bits, name] of set.bits) {
    if ((rest & bits) >>> 0 !== bits) continue;
    names.push(name);
    rest = (rest & ~bits) >>> 0;
  }
  if (high !== 0n) names.push(`0x${(high << 32n).toString(16)}`);
  if (rest !== 0) names.push(hex(rest));
  return names.length > 0 ? names.join('|') : '0';
}

const TYPES: Readonly<Record<number, string>> = {
  1: 'S_IFIFO',
  2: 'S_IFCHR',
  4: 'S_IFDIR',
  6: 'S_IFBLK',
  8: 'S_IFREG',
  10: 'S_IFLNK',
  12: 'S_IFSOCK',
};

/** `S_IFREG|0644`, or `0755` where the mode holds no file type. */
export function formatMode(mode: number): string {
  const type = TYPES[mode >>> 12];
  const bits = type === undefined ? mode : mode & 0o7777;
  const octal = `0${bits.toString(8).padStart(3, '0')}`;
  return type === undefined ? octal : `${type}|${octal}`;
}
