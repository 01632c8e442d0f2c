/** ioctl(2) on the device: FUSE_DEV_IOC_* (fuse_dev_ioctl() in fs/fuse/dev.c). */
import { ERRNO } from '../protocol/errno.ts';
import { backing } from './backing_calls.ts';
import type { Clones } from './clone_call.ts';
import type { PortHandle, PortWiring } from './port_handle.ts';

const { EFAULT, ENOTTY, EPERM } = ERRNO;

/** FUSE_DEV_IOC_* of include/uapi/linux/fuse.h, as x86-64 numbers. */
export const IOC = {
  clone: 0x8004e500,
  backingOpen: 0x4010e501,
  backingClose: 0x4004e502,
  syncInit: 0xe503,
} as const;

/** Answers the call; `byDescriptor`: the handle a descriptor of the server stands for. */
export function deviceIoctl(
  wiring: PortWiring,
  handle: PortHandle,
  byDescriptor: (fd: number) => PortHandle | undefined,
  clones: Clones,
): void {
  const { seam, trap, kernel, data } = wiring;
  const { slot, tid } = trap;
  const command = trap.int(1) >>> 0;
  const size = command === IOC.backingOpen ? 16 : 4;
  if (command === IOC.syncInit) {
    seam.respond(slot, kernel.syncInit(handle.id));
    return;
  }
  if (command !== IOC.clone && command !== IOC.backingOpen && command !== IOC.backingClose) {
    seam.respond(slot, -ENOTTY);
    return;
  }
  if (seam.readMemory(tid, trap.arg(2), size) !== size) {
    const unbound = command !== IOC.clone && kernel.connOf(handle.id) === 0;
    seam.respond(slot, unbound ? -EPERM : -EFAULT);
    return;
  }
  const view = new DataView(data.buffer, data.byteOffset, size);
  if (command === IOC.clone) clones.call(handle, byDescriptor(view.getUint32(0, true)));
  else if (command === IOC.backingOpen) {
    backing(wiring, handle, 'open', view.getInt32(0, true), view);
  } else backing(wiring, handle, 'close', view.getInt32(0, true), view);
}
