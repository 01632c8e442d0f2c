/**
 * A REGISTER is refused. After EINVAL, EFAULT and ENOMEM the kernel gives the ring up and clients go
 * to the device, unless the ring was ready (fuse_uring_cmd()).
 */
import type { ResultFault } from './fault.ts';

export const register: ResultFault = {
  kind: 'result',
  name: 'register',
  does: 'a REGISTER is refused',
  transports: ['ring'],
  moment: 'register',
  carries: false,
  errnos: [
    { errno: 'ENOMEM', possible: 'fuse_uring_create_queue(): kzalloc()', fate: 'none' },
    { errno: 'EINVAL', possible: 'fuse_uring_create_ring_ent(): buffers too small', fate: 'none' },
    { errno: 'EFAULT', possible: 'fuse_uring_get_iovec_from_sqe()', fate: 'none' },
    // No kernel does this; a server that has a case for it, as libfuse has, must mean to register again.
    { errno: 'EAGAIN', fate: 'none', goesOn: true },
    { errno: 'EINTR', fate: 'none', goesOn: true },
    { errno: 'EOPNOTSUPP', fate: 'none' },
    { errno: 'ENOTCONN', fate: 'none' },
    { errno: 'ECANCELED', fate: 'none' },
  ],
};
