/**
 * What of a server's rings decides whether a wait can end by itself: its own timers and file I/O in them,
 * and the limit of an io_uring_enter. FUSE commands are the rig's to end.
 */
import type { NativeSeam } from '../../native/load.ts';
import { sourceOf } from './wait_sources.ts';

/** IORING_OP_* that wait for a descriptor to become ready, as poll(2) and read(2) do. */
const BY_DESCRIPTOR: ReadonlySet<number> = new Set([1, 6, 22, 27]); // READV, POLL_ADD, READ, RECV

/** struct io_uring_getevents_arg (include/uapi/linux/io_uring.h). */
const ARGUMENT = { size: 24, minWaitUsec: 12, ts: 16 } as const;

/** Whether nothing of the server's own in its rings completes by itself, or by somebody outside. */
export function ringsAreQuiet(seam: NativeSeam): boolean {
  const own = seam.ringsOwn();
  return own?.every(([opcode, fd, tid]) => BY_DESCRIPTOR.has(opcode) && isInside(tid, fd)) ?? false;
}

/** A pipe, an eventfd or a local socket; a file is read in without anybody's help. */
function isInside(tid: number, fd: number): boolean {
  return fd >= 0 && sourceOf(tid, fd, 'outside') === 'inside';
}

/** An io_uring_enter with IORING_ENTER_EXT_ARG whose argument, at this address, names no limit. */
export function hasNoLimit(seam: NativeSeam, tid: number, address: bigint): boolean {
  if (seam.readMemory(tid, address, ARGUMENT.size) !== ARGUMENT.size) return false;
  const view = new DataView(seam.data);
  return (
    view.getBigUint64(ARGUMENT.ts, true) === 0n && view.getUint32(ARGUMENT.minWaitUsec, true) === 0
  );
}
