/** FUSE_DEV_IOC_BACKING_OPEN and _CLOSE end with an error. What the server answers then is its affair. */
import type { ResultFault } from './fault.ts';

export const ioctl: ResultFault = {
  kind: 'result',
  name: 'ioctl',
  does: 'an ioctl for a backing file fails',
  transports: ['device'],
  moment: 'ioctl',
  carries: false,
  errnos: [
    { errno: 'EPERM', possible: 'fuse_backing_open(): capable()', fate: 'altered' },
    { errno: 'ENOMEM', possible: 'fuse_backing_open(): kzalloc()', fate: 'altered' },
    {
      errno: 'EFAULT',
      possible: 'fuse_dev_ioctl_backing_open(): copy_from_user()',
      fate: 'altered',
    },
    { errno: 'EINTR', fate: 'altered' },
    { errno: 'EAGAIN', fate: 'altered' },
    { errno: 'ENODEV', fate: 'altered' },
    { errno: 'ENOENT', fate: 'altered' },
    { errno: 'ECONNABORTED', fate: 'altered' },
    { errno: 'EIO', fate: 'altered' },
  ],
};
