/** The server's own open(2) of a file fails; of the device too. */
import { OPENS } from './calls.ts';
import type { ResultFault } from './fault.ts';

export const open: ResultFault = {
  kind: 'result',
  name: 'open',
  does: 'a file that the server opens is not opened',
  transports: ['device', 'ring'],
  moment: 'call',
  calls: OPENS,
  carries: true,
  errnos: [
    { errno: 'EMFILE', possible: 'alloc_fd(): RLIMIT_NOFILE', fate: 'may-fail', goesOn: 'run' },
    {
      errno: 'ENFILE',
      possible: 'alloc_empty_file(): fs.file-max',
      fate: 'may-fail',
      goesOn: 'run',
    },
    {
      errno: 'ENOMEM',
      possible: 'getname_flags(): kmem_cache_alloc()',
      fate: 'may-fail',
      goesOn: 'run',
    },
  ],
};
