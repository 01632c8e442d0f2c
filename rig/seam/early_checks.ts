/**
 * What is refused before the Kernel is asked: what the VFS checks of an open file (vfs_read(),
 * vfs_write() and setfl() in fs/), and what a device that nothing is mounted of has not.
 */
import { ERRNO } from '../protocol/errno.ts';
import type { PortHandle, PortWiring } from './port_handle.ts';
import { NR } from './traps.ts';

const O_ACCMODE = 3;
const O_RDONLY = 0;
const O_WRONLY = 1;
const O_ASYNC = 0o20000;
const F_SETFL = 4;

/** A call on a device. */
export interface DeviceCall {
  readonly nr: number;
  /** splice(2) to the device. */
  readonly output: boolean;
  /** open(2) flags of the descriptor. */
  readonly openFlags: number;
  readonly bound: boolean;
  /** The low words of the second and third argument. */
  readonly second: number;
  readonly third: number;
}

const READS: ReadonlySet<number> = new Set([NR.read, NR.readv, NR.preadv, NR.preadv2]);
const WRITES: ReadonlySet<number> = new Set([NR.write, NR.writev, NR.pwritev, NR.pwritev2]);

/** 0, or the negative errno of the call. */
export function refusedEarly(call: DeviceCall): number {
  const mode = call.openFlags & O_ACCMODE;
  const splices = call.nr === NR.splice;
  const reads = READS.has(call.nr) || (splices && !call.output);
  const writes = WRITES.has(call.nr) || (splices && call.output);
  if ((reads && mode === O_WRONLY) || (writes && mode === O_RDONLY)) return -ERRNO.EBADF;
  const async = call.nr === NR.fcntl && call.second === F_SETFL && (call.third & O_ASYNC) !== 0;
  return async && !call.bound ? -ERRNO.EPERM : 0;
}

/** The same for the call that is trapped just now. */
export function earlyResult(
  { trap, kernel }: PortWiring,
  handle: PortHandle,
  output: boolean,
): number {
  const { nr } = trap;
  const { openFlags } = handle;
  const bound = kernel.connOf(handle.id) !== 0;
  return refusedEarly({ nr, output, openFlags, bound, second: trap.int(1), third: trap.int(2) });
}
