/** RLIMIT_AS of every process of the server, lowered while it runs: mmap(2) and brk(2) give ENOMEM. */
import { MAPS } from './calls.ts';
import type { QuotaFault } from './fault.ts';

export const memory: QuotaFault = {
  kind: 'quota',
  name: 'memory',
  does: 'each process may map so many bytes more, then ENOMEM',
  counts: 'bytes of address space',
  transports: ['device', 'ring'],
  possible: 'may_expand_vm(): RLIMIT_AS',
  fate: 'may-die',
  calls: MAPS,
};
