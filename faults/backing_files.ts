/** A table of handles that the kernel keeps for the server: its backing files of FUSE_PASSTHROUGH. */
import type { QuotaFault } from './fault.ts';

export const backingFiles: QuotaFault = {
  kind: 'quota',
  name: 'backing-files',
  does: 'so many backing files more, then ENOSPC until one is closed',
  counts: 'backing files',
  transports: ['device', 'ring'],
  possible: 'fuse_backing_id_alloc(): idr_alloc_cyclic()',
  fate: 'lacking',
  goesOn: true,
};
