/** mount(2), or fsconfig(FSCONFIG_CMD_CREATE), of the FUSE file system is refused. */
import type { ResultFault } from './fault.ts';

export const mount: ResultFault = {
  kind: 'result',
  name: 'mount',
  does: 'the file system is not mounted',
  transports: ['device', 'ring'],
  moment: 'mount',
  carries: false,
  errnos: [
    { errno: 'EPERM', possible: 'path_mount(): may_mount()', fate: 'none' },
    { errno: 'ENODEV', possible: 'do_new_mount(): get_fs_type()', fate: 'none' },
    { errno: 'ENOMEM', possible: 'fuse_get_tree(): kmalloc()', fate: 'none' },
    { errno: 'EINVAL', possible: 'fuse_fill_super(): the descriptor', fate: 'none' },
    {
      errno: 'EBUSY',
      possible: 'do_add_mount(): the same file system is mounted there',
      fate: 'none',
    },
    { errno: 'ENOTCONN', possible: 'fuse_get_tree(): the handle is dead', fate: 'none' },
    { errno: 'EINTR', fate: 'none' },
    { errno: 'EIO', fate: 'none' },
  ],
};
