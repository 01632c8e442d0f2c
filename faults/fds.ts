/** RLIMIT_NOFILE of every process of the server, lowered while it runs: the kernel's own EMFILE. */
import { TAKES_DESCRIPTORS } from './calls.ts';
import type { QuotaFault } from './fault.ts';

export const fds: QuotaFault = {
  kind: 'quota',
  name: 'fds',
  does: 'each process may open so many descriptors more, then EMFILE',
  counts: 'descriptors',
  transports: ['device', 'ring'],
  possible: 'alloc_fd(): RLIMIT_NOFILE',
  fate: 'lacking',
  goesOn: 'run',
  calls: TAKES_DESCRIPTORS,
};
