/**
 * Processes and threads of the server together, counted where it creates them: RLIMIT_NPROC counts the
 * user's everywhere, and does not hold for root.
 */
import { FORKS } from './calls.ts';
import type { QuotaFault } from './fault.ts';

export const processes: QuotaFault = {
  kind: 'quota',
  name: 'processes',
  does: 'so many processes and threads more, then EAGAIN',
  counts: 'processes and threads',
  transports: ['device', 'ring'],
  possible: 'copy_process(): RLIMIT_NPROC, pids_can_fork()',
  fate: 'lacking',
  calls: FORKS,
};
