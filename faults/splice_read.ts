/** splice(2) out of the device ends with an error instead of a message. */
import type { ResultFault } from './fault.ts';
import { WAITING } from './read.ts';

export const spliceRead: ResultFault = {
  kind: 'result',
  name: 'splice-read',
  does: 'the splice that would bring the message fails',
  transports: ['device'],
  moment: 'deliver',
  splice: true,
  carries: true,
  errnos: [
    ...WAITING,
    { errno: 'ENOMEM', possible: 'fuse_dev_splice_read(): kvmalloc_array()', fate: 'kept' },
    { errno: 'EIO', possible: 'fuse_dev_splice_read(): too few slots in the pipe', fate: 'stuck' },
    { errno: 'ENODEV', fate: 'kept' },
    { errno: 'ECONNABORTED', fate: 'kept' },
    { errno: 'ENOENT', fate: 'kept' },
  ],
};
