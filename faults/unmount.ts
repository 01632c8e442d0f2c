/** umount(8): the last reference to an idle mount goes. */
import type { TeardownFault } from './fault.ts';

export const unmount: TeardownFault = {
  kind: 'teardown',
  name: 'unmount',
  does: 'umount(2): refused with EBUSY while files are open or requests are unanswered',
  transports: ['device', 'ring'],
  possible: 'fuse_kill_sb_anon(), and propagate_mount_busy() where it is refused',
};
