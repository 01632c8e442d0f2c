/** The client's thread has moved to another CPU: its request comes on the queue of that one. */
import type { ChangeFault } from './fault.ts';

export const migrate: ChangeFault = {
  kind: 'change',
  name: 'migrate',
  does: 'the request comes on that queue of the ring',
  transports: ['ring'],
  moment: 'ask',
  fate: 'whole',
  numbers: { least: 0, most: 63, possible: 'fuse_uring_task_to_queue(): task_cpu()' },
};
