/** The ioctls of the real device (fuse_dev_ioctl), made by the rig on the server's behalf. */
import { native } from '../native/load.ts';
import {
  DEV_IOC_BACKING_CLOSE,
  DEV_IOC_BACKING_OPEN,
  DEV_IOC_CLONE,
} from '../rig/protocol/constants.ts';

function withInt(device: number, request: number, value: number): number {
  const argument = new Uint8Array(4);
  new DataView(argument.buffer).setInt32(0, value, true);
  return native.ioctlFd(device, request, argument);
}

/** `source`: another descriptor of ours, or -1. */
export const clone = (device: number, source: number): number =>
  withInt(device, DEV_IOC_CLONE, source);

export const backingClose = (device: number, id: number): number =>
  withInt(device, DEV_IOC_BACKING_CLOSE, id);

/** The id the kernel gives to `backing`, a descriptor of ours, which is closed; or -errno. */
export function backingOpen(
  device: number,
  backing: number,
  flags: number,
  padding: bigint,
): number {
  const argument = new Uint8Array(16);
  const view = new DataView(argument.buffer);
  view.setInt32(0, backing, true);
  view.setUint32(4, flags, true);
  view.setBigUint64(8, padding, true);
  const result = native.ioctlFd(device, DEV_IOC_BACKING_OPEN, argument);
  native.closeFd(backing);
  return result;
}
