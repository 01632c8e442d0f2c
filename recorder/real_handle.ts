/** One open of the real device, and what concerns nothing but it. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { ConnId, HandleId } from '../rig/kernel/kernel.ts';
import { opcodeOf } from '../rig/protocol/header.ts';
import { INIT_FLAG, splitInitFlags } from '../rig/protocol/init-flags.ts';
import { OP } from '../rig/protocol/opcodes.ts';

/** fuse_in_header and fuse_init_in; flags2 lies behind major, minor, max_readahead and flags. */
const INIT_LENGTH = 104;
const FLAGS2 = 56;

/**
 * The one thing in which the server does not get what the kernel says: FUSE over io_uring is not
 * offered, since the relay stands in front of the device only. The server sees a kernel without
 * enable_uring, and the capture says what the server saw.
 */
export function hideRing(message: Uint8Array, length: number): void {
  if (length !== INIT_LENGTH || opcodeOf(message) !== OP.INIT.opcode) return;
  const view = new DataView(message.buffer, message.byteOffset);
  const bit = splitInitFlags(INIT_FLAG.OVER_IO_URING).flags2;
  view.setUint32(FLAGS2, view.getUint32(FLAGS2, true) & ~bit, true);
}

export interface RealHandle {
  id: HandleId;
  /** Descriptor of the real device; -1 until fusermount3 brings it. */
  fd: number;
  conn: ConnId;
  syncInit: boolean;
  /** Notifications on their way into the kernel. */
  writing: number;
  watch: number;
  /** Somebody waits for the device: the next wake of it counts. */
  armed: boolean;
}

/** Ends a connection by fusectl (fuse_conn_abort_write), where it is mounted and ours to write. */
export function abortConnection(dev: number): void {
  try {
    writeFileSync(`/sys/fs/fuse/connections/${dev}/abort`, '1');
  } catch {
    // Gone already, or no fusectl: the kernel frees the waiting write when the mount goes.
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
