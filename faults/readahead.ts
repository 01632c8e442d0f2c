/** What INIT offers: max_readahead, as read_ahead_kb of the host sets it. */
import type { ChangeFault } from './fault.ts';

export const readahead: ChangeFault = {
  kind: 'change',
  name: 'readahead',
  does: 'INIT offers a max_readahead of so many bytes',
  transports: ['device', 'ring'],
  moment: 'offer',
  fate: 'whole',
  numbers: { least: 0, most: 1 << 30, possible: 'fuse_new_init(): sb->s_bdi->ra_pages' },
};
