/**
 * The flags of INIT (FUSE_* in include/uapi/linux/fuse.h): one row a bit of the 64, of which
 * `flags` carries 0..31 and `flags2` 32..63.
 */
import type { FlagSet } from './flags.ts';

// biome-ignore format: a table
const ROWS = [
  [0, 'ASYNC_READ'], [1, 'POSIX_LOCKS'], [2, 'FILE_OPS'], [3, 'ATOMIC_O_TRUNC'],
  [4, 'EXPORT_SUPPORT'], [5, 'BIG_WRITES'], [6, 'DONT_MASK'], [7, 'SPLICE_WRITE'],
  [8, 'SPLICE_MOVE'], [9, 'SPLICE_READ'], [10, 'FLOCK_LOCKS'], [11, 'HAS_IOCTL_DIR'],
  [12, 'AUTO_INVAL_DATA'], [13, 'DO_READDIRPLUS'], [14, 'READDIRPLUS_AUTO'], [15, 'ASYNC_DIO'],
  [16, 'WRITEBACK_CACHE'], [17, 'NO_OPEN_SUPPORT'], [18, 'PARALLEL_DIROPS'],
  [19, 'HANDLE_KILLPRIV'], [20, 'POSIX_ACL'], [21, 'ABORT_ERROR'], [22, 'MAX_PAGES'],
  [23, 'CACHE_SYMLINKS'], [24, 'NO_OPENDIR_SUPPORT'], [25, 'EXPLICIT_INVAL_DATA'],
  [26, 'MAP_ALIGNMENT'], [27, 'SUBMOUNTS'], [28, 'HANDLE_KILLPRIV_V2'], [29, 'SETXATTR_EXT'],
  [30, 'INIT_EXT'], [31, 'INIT_RESERVED'], [32, 'SECURITY_CTX'], [33, 'HAS_INODE_DAX'],
  [34, 'CREATE_SUPP_GROUP'], [35, 'HAS_EXPIRE_ONLY'], [36, 'DIRECT_IO_ALLOW_MMAP'],
  [37, 'PASSTHROUGH'], [38, 'NO_EXPORT_SUPPORT'], [39, 'HAS_RESEND'], [40, 'ALLOW_IDMAP'],
  [41, 'OVER_IO_URING'], [42, 'REQUEST_TIMEOUT'], [43, 'HAS_IO_URING_BUFPOOL'],
] as const satisfies readonly (readonly [number, string])[];

export type InitFlag = (typeof ROWS)[number][1];

/** Masks by name. */
export const INIT_FLAG = Object.fromEntries(
  ROWS.map(([bit, name]) => [name, 1n << BigInt(bit)]),
) as Record<InitFlag, bigint>;

/** Every name, in order of bit. */
export const INIT_FLAG_NAMES: readonly InitFlag[] = ROWS.map(([, name]) => name);

const half = (from: number): FlagSet => ({
  bits: ROWS.filter(([bit]) => bit >= from && bit < from + 32).map(
    ([bit, name]) => [2 ** (bit - from), name] as const,
  ),
});

/** The names of `flags` and of `flags2`. */
export const INIT_FLAGS: FlagSet = half(0);
export const INIT_FLAGS2: FlagSet = half(32);

/** Both words as one; `flags2` counts only where the sender set INIT_EXT (process_init_reply). */
export function joinInitFlags(flags: number, flags2: number): bigint {
  const low = BigInt(flags >>> 0);
  return (low & INIT_FLAG.INIT_EXT) === 0n ? low : low | (BigInt(flags2 >>> 0) << 32n);
}

/** The words `flags` and `flags2` of a mask; INIT_EXT is added when `flags2` is needed. */
export function splitInitFlags(mask: bigint): { flags: number; flags2: number } {
  const flags2 = Number(BigInt.asUintN(32, mask >> 32n));
  const low = flags2 === 0 ? mask : mask | INIT_FLAG.INIT_EXT;
  return { flags: Number(BigInt.asUintN(32, low)), flags2 };
}

/** The mask of some names. */
export function initMask(names: readonly InitFlag[]): bigint {
  return names.reduce((mask, name) => mask | INIT_FLAG[name], 0n);
}
