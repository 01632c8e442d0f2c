/** read(2) and readv(2) of the device end with an error instead of a message. */
import type { ResultFault } from './fault.ts';

/** How the wait for a message ends without one, by read(2) and by splice(2). */
export const WAITING: ResultFault['errnos'] = [
  {
    errno: 'EINTR',
    possible: 'fuse_dev_do_read(): a signal during wait_event_interruptible_exclusive()',
    fate: 'kept',
    goesOn: true,
  },
  {
    errno: 'EAGAIN',
    possible: 'fuse_dev_do_read(): O_NONBLOCK, and another reader was faster',
    nonblock: true,
    fate: 'kept',
    goesOn: true,
  },
];

export const read: ResultFault = {
  kind: 'result',
  name: 'read',
  does: 'the read that would bring the message fails',
  transports: ['device'],
  moment: 'deliver',
  splice: false,
  carries: true,
  errnos: [
    ...WAITING,
    { errno: 'EFAULT', possible: 'fuse_copy_fill(): the buffer is not mapped', fate: 'lost' },
    { errno: 'ENOMEM', possible: 'fuse_copy_fill(): iov_iter_get_pages2()', fate: 'lost' },
    { errno: 'ENODEV', fate: 'kept' },
    { errno: 'ECONNABORTED', fate: 'kept' },
    { errno: 'ENOENT', fate: 'kept' },
    { errno: 'EIO', fate: 'kept' },
  ],
};
