/**
 * RLIMIT_MEMLOCK of every process of the server. Rings need a little of it too: io_uring_setup(2) gives
 * ENOMEM. Who has CAP_IPC_LOCK is above it: refused there.
 */
import { LOCKS } from './calls.ts';
import type { QuotaFault } from './fault.ts';

export const locked: QuotaFault = {
  kind: 'quota',
  name: 'locked',
  does: 'each process may lock so many bytes more, then ENOMEM',
  counts: 'bytes of locked memory',
  transports: ['device', 'ring'],
  possible: 'do_mlock(), __io_account_mem(): RLIMIT_MEMLOCK',
  fate: 'lacking',
  goesOn: 'run',
  calls: LOCKS,
};
