/** mmap(2) fails: of buffers, of rings, of what malloc(3) and the stacks of threads are made of. */
import { MMAP } from './calls.ts';
import type { ResultFault } from './fault.ts';

export const mmap: ResultFault = {
  kind: 'result',
  name: 'mmap',
  does: 'mmap(2) fails',
  transports: ['device', 'ring'],
  moment: 'call',
  calls: [MMAP],
  carries: true,
  errnos: [
    { errno: 'ENOMEM', possible: 'mmap_region(): may_expand_vm()', fate: 'may-die' },
    { errno: 'EAGAIN', possible: 'do_mmap(): mlock_future_ok()', fate: 'may-die' },
  ],
};
