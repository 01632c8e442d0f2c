/** umount -l: the mount is detached, and ends with its last open file. */
import type { TeardownFault } from './fault.ts';

export const lazy: TeardownFault = {
  kind: 'teardown',
  name: 'lazy',
  does: 'umount -l: files that are open go on, nothing new is opened; the last close ends it',
  transports: ['device', 'ring'],
  possible: 'umount_tree() of MNT_DETACH, then fuse_kill_sb_anon()',
  goesOn: true,
};
