/** No further process or thread for the server: clone(2), clone3(2), fork(2), vfork(2). */
import { FORKS } from './calls.ts';
import type { ResultFault } from './fault.ts';

export const fork: ResultFault = {
  kind: 'result',
  name: 'fork',
  does: 'a process or thread is not created',
  transports: ['device', 'ring'],
  moment: 'call',
  calls: FORKS,
  carries: true,
  errnos: [
    { errno: 'EAGAIN', possible: 'copy_process(): RLIMIT_NPROC', fate: 'may-fail' },
    { errno: 'ENOMEM', possible: 'dup_task_struct()', fate: 'may-fail' },
  ],
};
