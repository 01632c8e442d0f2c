/** Memory of the server is not locked. It is an improvement, and no server should depend on it. */
import { MLOCKS } from './calls.ts';
import type { ResultFault } from './fault.ts';

export const mlock: ResultFault = {
  kind: 'result',
  name: 'mlock',
  does: 'mlock(2) or mlockall(2) fails',
  transports: ['device', 'ring'],
  moment: 'call',
  calls: MLOCKS,
  carries: true,
  errnos: [
    { errno: 'ENOMEM', possible: 'do_mlock(): RLIMIT_MEMLOCK', fate: 'may-fail', goesOn: true },
    { errno: 'EAGAIN', possible: '__mlock_posix_error_return()', fate: 'may-fail', goesOn: true },
    { errno: 'EPERM', possible: 'can_do_mlock(): a limit of 0', fate: 'may-fail', goesOn: true },
  ],
};
