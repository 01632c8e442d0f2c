/** io_uring_register(2) fails: of buffers, files, the ring itself. Not FUSE's own REGISTER. */
import { URING_REGISTER } from './calls.ts';
import type { ResultFault } from './fault.ts';

export const uringRegister: ResultFault = {
  kind: 'result',
  name: 'uring-register',
  does: 'io_uring_register(2) fails',
  transports: ['device', 'ring'],
  moment: 'call',
  calls: [URING_REGISTER],
  carries: true,
  errnos: [
    {
      errno: 'ENOMEM',
      possible: 'io_sqe_buffer_register(): __io_account_mem()',
      fate: 'may-fail',
      goesOn: 'run',
    },
    {
      errno: 'EINVAL',
      possible: '__io_uring_register(): an operation the kernel lacks',
      fate: 'may-fail',
      goesOn: 'run',
    },
    {
      errno: 'EBUSY',
      possible: 'io_sqe_files_register(): there are some',
      fate: 'may-fail',
      goesOn: 'run',
    },
  ],
};
