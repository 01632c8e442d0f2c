/** A call of the server that would give it a new descriptor fails, whichever it is. */
import { DESCRIPTORS } from './calls.ts';
import type { ResultFault } from './fault.ts';

export const descriptor: ResultFault = {
  kind: 'result',
  name: 'descriptor',
  does: 'a call that would give the server a descriptor fails',
  transports: ['device', 'ring'],
  moment: 'call',
  calls: DESCRIPTORS,
  carries: true,
  errnos: [
    { errno: 'EMFILE', possible: 'alloc_fd(): RLIMIT_NOFILE', fate: 'may-fail', goesOn: 'run' },
    {
      errno: 'ENFILE',
      possible: 'alloc_empty_file(): fs.file-max',
      fate: 'may-fail',
      goesOn: 'run',
    },
  ],
};
