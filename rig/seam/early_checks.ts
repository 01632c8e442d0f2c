/**
 * What is decided before the Kernel is asked: what the VFS checks of an open file (vfs_read(),
 * vfs_write(), setfl(), kiocb_set_rw_flags() and do_sendfile() in fs/), and what a device that nothing
 * is mounted of has not.
 */
import { ERRNO } from '../protocol/errno.ts';
import type { PortHandle, PortWiring } from './port_handle.ts';
import { NR } from './traps.ts';

const O_ACCMODE = 3;
const O_RDONLY = 0;
const O_WRONLY = 1;
const O_ASYNC = 0o20000;
const F_SETFL = 4;
/** RWF_* that need nothing of the file: HIPRI, DSYNC, SYNC, APPEND, NOAPPEND. */
const RWF_ANY_FILE = 0x01 | 0x02 | 0x04 | 0x10 | 0x20;

/** A call on a device. */
export interface DeviceCall {
  readonly nr: number;
  /** splice(2) or sendfile(2) to the device. */
  readonly output: boolean;
  /** open(2) flags of the descriptor. */
  readonly openFlags: number;
  readonly bound: boolean;
  /** The low words of the second and third argument. */
  readonly second: number;
  readonly third: number;
  /** Bytes asked for. */
  readonly size: number;
  /** The fourth argument, where it is a position, and the flags of preadv2(2) and pwritev2(2). */
  readonly position: bigint;
  readonly flags: number;
}

/** Calls that take a message from the device by a buffer, and those that give it one. */
export const READS: ReadonlySet<number> = new Set([
  NR.read,
  NR.readv,
  NR.pread64,
  NR.preadv,
  NR.preadv2,
]);
export const WRITES: ReadonlySet<number> = new Set([
  NR.write,
  NR.writev,
  NR.pwrite64,
  NR.pwritev,
  NR.pwritev2,
]);
/** Calls between the device and another file. */
export const MOVES: ReadonlySet<number> = new Set([NR.splice, NR.sendfile]);
/** A device has no position, but one below 0 is refused before anybody looks. */
const POSITIONED: ReadonlySet<number> = new Set([
  NR.pread64,
  NR.pwrite64,
  NR.preadv,
  NR.pwritev,
  NR.preadv2,
  NR.pwritev2,
]);
const WITH_FLAGS: ReadonlySet<number> = new Set([NR.preadv2, NR.pwritev2]);
const VECTORS: ReadonlySet<number> = new Set([
  NR.readv,
  NR.writev,
  NR.preadv,
  NR.pwritev,
  NR.preadv2,
  NR.pwritev2,
]);

/** The result of the call: 0 or a negative errno; undefined: the Kernel is asked. */
export function decidedEarly(call: DeviceCall): number | undefined {
  const { nr, size, position } = call;
  const mode = call.openFlags & O_ACCMODE;
  const withFlags = WITH_FLAGS.has(nr);
  const negative = position < 0n && !(withFlags && position === -1n);
  if (POSITIONED.has(nr) && negative) return -ERRNO.EINVAL;
  const reads = READS.has(nr) || (MOVES.has(nr) && !call.output);
  const writes = WRITES.has(nr) || (MOVES.has(nr) && call.output);
  if ((reads && mode === O_WRONLY) || (writes && mode === O_RDONLY)) return -ERRNO.EBADF;
  if ((VECTORS.has(nr) || MOVES.has(nr)) && size === 0) return 0;
  if (withFlags && (call.flags & ~RWF_ANY_FILE) !== 0) return -ERRNO.EOPNOTSUPP;
  const async = nr === NR.fcntl && call.second === F_SETFL && (call.third & O_ASYNC) !== 0;
  return async && !call.bound ? -ERRNO.EPERM : undefined;
}

/** The same for the call that is trapped just now. */
export function earlyResult(
  { trap, kernel }: PortWiring,
  handle: PortHandle,
  output: boolean,
): number | undefined {
  const { nr } = trap;
  const bytes = nr === NR.splice ? trap.arg(4) : trap.arg(3);
  return decidedEarly({
    nr,
    output,
    openFlags: handle.openFlags,
    bound: kernel.connOf(handle.id) !== 0,
    second: trap.int(1),
    third: trap.int(2),
    size: MOVES.has(nr) ? Number(bytes) : trap.filled < 0 ? trap.filled : trap.size,
    position: BigInt.asIntN(64, trap.arg(3)),
    flags: trap.int(5),
  });
}
