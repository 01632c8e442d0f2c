/** umount -f. */
import type { TeardownFault } from './fault.ts';

export const force: TeardownFault = {
  kind: 'teardown',
  name: 'force',
  does: 'umount -f: everything unanswered ends',
  transports: ['device', 'ring'],
  possible: 'fuse_umount_begin()',
};
