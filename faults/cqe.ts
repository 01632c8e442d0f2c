/**
 * The CQE that would bring a request has an error instead. The entry is dead as after the cancel of its
 * command, and the request goes to the next one; with ECANCELED it stays where it is, as when the
 * thread that owns the ring exits.
 */
import type { ResultFault } from './fault.ts';

export const cqe: ResultFault = {
  kind: 'result',
  name: 'cqe',
  does: 'the CQE that would bring the message has an error',
  transports: ['ring'],
  moment: 'cqe',
  carries: true,
  errnos: [
    { errno: 'ENOTCONN', fate: 'kept' },
    { errno: 'EAGAIN', fate: 'kept' },
    { errno: 'EINTR', fate: 'kept' },
    { errno: 'EOPNOTSUPP', fate: 'kept' },
    { errno: 'EINVAL', fate: 'kept' },
    { errno: 'ECANCELED', fate: 'stuck' },
  ],
};
