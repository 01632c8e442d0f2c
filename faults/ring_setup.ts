/** io_uring_setup(2) is refused: any ring of the server, whatever it is for. */
import type { ResultFault } from './fault.ts';

export const ringSetup: ResultFault = {
  kind: 'result',
  name: 'ring-setup',
  does: 'io_uring_setup(2) fails',
  transports: ['ring'],
  moment: 'setup',
  carries: false,
  errnos: [
    { errno: 'ENOSYS', possible: 'sys_ni_syscall(): a kernel without io_uring', fate: 'none' },
    { errno: 'EPERM', possible: 'io_uring_allowed(): kernel.io_uring_disabled', fate: 'none' },
    { errno: 'ENOMEM', possible: 'io_uring_create(): io_allocate_scq_urings()', fate: 'none' },
    { errno: 'EMFILE', possible: 'io_uring_install_fd(): get_unused_fd_flags()', fate: 'none' },
    { errno: 'ENFILE', possible: 'io_uring_get_file(): alloc_file()', fate: 'none' },
    { errno: 'EINVAL', possible: 'io_uring_setup(): a flag the kernel lacks', fate: 'none' },
  ],
};
