/**
 * The server's own writes to regular files fail: the backing store is full, or broken. What it writes through
 * an io_uring of its own or through a mapping is not seen.
 */
import { FILE_WRITES } from './calls.ts';
import type { ResultFault } from './fault.ts';

export const backingWrite: ResultFault = {
  kind: 'result',
  name: 'backing-write',
  does: 'a write of the server to a regular file fails',
  transports: ['device', 'ring'],
  moment: 'call',
  calls: FILE_WRITES,
  carries: true,
  errnos: [
    {
      errno: 'ENOSPC',
      possible: 'ext4_da_write_begin(), shmem_get_folio_gfp()',
      fate: 'may-fail',
      goesOn: true,
    },
    { errno: 'EDQUOT', possible: '__dquot_alloc_space()', fate: 'may-fail', goesOn: true },
    { errno: 'EIO', possible: 'filemap_check_errors()', fate: 'may-fail', goesOn: true },
    { errno: 'EFBIG', possible: 'generic_write_check_limits()', fate: 'may-fail', goesOn: true },
  ],
};
