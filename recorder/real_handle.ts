/** One open of the real device, and what concerns nothing but it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { native } from '../native/load.ts';
import type { ConnId, HandleId } from '../rig/kernel/kernel.ts';

export interface RealHandle {
  id: HandleId;
  /** Descriptor of the real device; -1 until fusermount3 brings it. */
  fd: number;
  conn: ConnId;
  /** s_dev of its mount, where that was seen; 0. */
  dev: number;
  syncInit: boolean;
  /** Handles whose CLONE of this one waits until it is bound. */
  cloners: Set<HandleId>;
  /** Notifications on their way into the kernel. */
  writing: number;
  watch: number;
  /** Somebody waits for the device: the next wake of it counts. */
  armed: boolean;
}

export const newHandle = (id: HandleId, fd: number): RealHandle => ({
  id,
  fd,
  conn: 0,
  dev: 0,
  syncInit: false,
  cloners: new Set(),
  writing: 0,
  watch: 0,
  armed: false,
});

/** Ends a connection by fusectl (fuse_conn_abort_write), where it is mounted and ours to write. */
export function abortConnection(dev: number): void {
  try {
    writeFileSync(`/sys/fs/fuse/connections/${dev}/abort`, '1');
  } catch {
    // Gone already, or no fusectl: the kernel frees the waiting write when the mount goes.
  }
}

/** Requests of connections that are not answered (fuse_conn_waiting_read); 0 where that cannot be read. */
export const waitingOf = (devs: readonly number[]): number =>
  [...new Set(devs)].reduce((sum, dev) => sum + waitingAt(dev), 0);

function waitingAt(dev: number): number {
  try {
    return Number(readFileSync(`/sys/fs/fuse/connections/${dev}/waiting`, 'latin1'));
  } catch {
    return 0;
  }
}

/** s_dev of the connection a handle is bound to (fuse_dev_show_fdinfo, Linux 6.18); else 0. */
export function boundDev(handle: RealHandle | undefined): number {
  try {
    const info = readFileSync(`/proc/self/fdinfo/${handle?.fd ?? -1}`, 'utf8');
    return Number(/^fuse_connection:\t(\d+)/m.exec(info)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** s_dev of the connection, by whichever way it is known. */
export const deviceOf = (handle: RealHandle): number => boundDev(handle) || handle.dev;

export const POLLIN = 0x1;
/** Larger than what any max_write asks of a reader; read(2) takes no more. */
export const SIZE_MAX = 0x7ffff000;
const LOOK_MS = 1;

/**
 * Waits until the kernel has bound the device to a connection, or the call that mounts it has failed;
 * false then. `pending` becomes readable with that call's result.
 */
export function untilBound(handle: RealHandle, pending: number): boolean {
  const nobody = new Int32Array(new SharedArrayBuffer(4));
  while (boundDev(handle) === 0) {
    if ((native.pollFd(pending) & POLLIN) !== 0) return boundDev(handle) !== 0;
    Atomics.wait(nobody, 0, 0, LOOK_MS);
  }
  return true;
}
