/**
 * A COMMIT_AND_FETCH is refused: the entry stays with the server, which may commit it again (KERNEL:
 * fuse_uring_commit_fetch() before it has found the entry).
 */
import type { ResultFault } from './fault.ts';

export const commit: ResultFault = {
  kind: 'result',
  name: 'commit',
  does: "the commit of the message's reply is refused",
  transports: ['ring'],
  moment: 'commit',
  carries: true,
  errnos: [
    { errno: 'EAGAIN', fate: 'unsure' },
    { errno: 'EINTR', fate: 'unsure' },
    { errno: 'ENOTCONN', fate: 'unsure' },
    { errno: 'ENOENT', fate: 'unsure' },
    { errno: 'EINVAL', fate: 'unsure' },
    { errno: 'EOPNOTSUPP', fate: 'unsure' },
    { errno: 'ECANCELED', fate: 'unsure' },
  ],
};
