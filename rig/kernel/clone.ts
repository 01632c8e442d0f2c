/** FUSE_DEV_IOC_CLONE (fuse_dev_ioctl_clone() in fs/fuse/dev.c). */
import { ERRNO } from '../protocol/errno.ts';
import type { Device } from './device.ts';
import { BLOCK } from './kernel.ts';
import type { Switches } from './versions.ts';

/** Binds `device` to the connection of `from`; `from` undefined: its descriptor is no device. */
export function cloneDevice(device: Device, from: Device | undefined, switches: Switches): number {
  if (from === undefined) return -ERRNO.EINVAL;
  if (from.conn === undefined) {
    if (from.state === 'sync-init' && switches.cloneAwaitsMount) {
      from.waiters.add(device.id);
      return BLOCK;
    }
    return switches.cloneUnmountedEperm ? -ERRNO.EPERM : -ERRNO.EINVAL;
  }
  if (device.conn !== undefined) return -ERRNO.EINVAL;
  device.bind(from.conn);
  return 0;
}
