/** eventfd(2), by which threads of a server wake one another, fails. */
import { EVENTFDS } from './calls.ts';
import type { ResultFault } from './fault.ts';

export const eventfd: ResultFault = {
  kind: 'result',
  name: 'eventfd',
  does: 'eventfd(2) fails',
  transports: ['device', 'ring'],
  moment: 'call',
  calls: EVENTFDS,
  carries: true,
  errnos: [
    { errno: 'EMFILE', possible: 'alloc_fd(): RLIMIT_NOFILE', fate: 'may-fail', goesOn: 'run' },
    {
      errno: 'ENFILE',
      possible: 'alloc_empty_file(): fs.file-max',
      fate: 'may-fail',
      goesOn: 'run',
    },
    { errno: 'ENOMEM', possible: 'do_eventfd(): kmalloc()', fate: 'may-fail', goesOn: 'run' },
  ],
};
