/** write(2) and writev(2) of a reply end with an error. Notifications are left alone. */
import type { ResultFault } from './fault.ts';

export const write: ResultFault = {
  kind: 'result',
  name: 'write',
  does: "the write of the message's reply fails",
  transports: ['device'],
  moment: 'reply',
  splice: false,
  carries: true,
  errnos: [
    { errno: 'EFAULT', possible: 'fuse_copy_fill(): the buffer is not mapped', fate: 'lost' },
    { errno: 'ENOMEM', possible: 'fuse_copy_fill(): iov_iter_get_pages2()', fate: 'lost' },
    { errno: 'ENOENT', fate: 'lost' },
    { errno: 'EINTR', fate: 'unsure' },
    { errno: 'EAGAIN', fate: 'unsure' },
    { errno: 'ENODEV', fate: 'unsure' },
    { errno: 'ECONNABORTED', fate: 'unsure' },
    { errno: 'EIO', fate: 'unsure' },
  ],
};
