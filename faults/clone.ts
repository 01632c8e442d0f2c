/** FUSE_DEV_IOC_CLONE is refused: the server has no further handle of its connection. */
import type { ResultFault } from './fault.ts';

export const clone: ResultFault = {
  kind: 'result',
  name: 'clone',
  does: 'the handle is not cloned',
  transports: ['device'],
  moment: 'clone',
  carries: false,
  errnos: [
    { errno: 'ENOMEM', possible: 'fuse_device_clone(): fuse_dev_alloc()', fate: 'none' },
    { errno: 'EINVAL', possible: 'fuse_dev_ioctl_clone(): not a fuse device', fate: 'none' },
    { errno: 'EFAULT', possible: 'fuse_dev_ioctl_clone(): get_user()', fate: 'none' },
    { errno: 'ENOTTY', possible: 'fuse_dev_ioctl() of Linux 4.1 and older', fate: 'none' },
    { errno: 'EINTR', fate: 'none' },
    { errno: 'EAGAIN', fate: 'none' },
    { errno: 'ENODEV', fate: 'none' },
    { errno: 'ENOENT', fate: 'none' },
    { errno: 'ECONNABORTED', fate: 'none' },
    { errno: 'EIO', fate: 'none' },
  ],
};
