/**
 * Bytes that the server may write to regular files, counted where it writes them; a write that does not fit
 * takes nothing.
 */
import { FILE_WRITES } from './calls.ts';
import type { QuotaFault } from './fault.ts';

export const space: QuotaFault = {
  kind: 'quota',
  name: 'space',
  does: 'so many bytes more in regular files, then ENOSPC',
  counts: 'bytes',
  transports: ['device', 'ring'],
  possible: 'ext4_da_write_begin(), shmem_get_folio_gfp()',
  fate: 'lacking',
  goesOn: true,
  calls: FILE_WRITES,
};
