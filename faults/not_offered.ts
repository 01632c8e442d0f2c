/** What INIT offers: a kernel without one of the features. */
import { INIT_FLAG_NAMES } from '../rig/protocol/init-flags.ts';
import type { ChangeFault } from './fault.ts';

export const notOffered: ChangeFault = {
  kind: 'change',
  name: 'not-offered',
  does: 'INIT does not offer the feature',
  transports: ['device', 'ring'],
  moment: 'offer',
  fate: 'whole',
  mayEnd: true,
  words: INIT_FLAG_NAMES.filter((name) => name !== 'INIT_EXT').map((word) => ({
    word,
    does: `without ${word}`,
    possible: 'fuse_new_init(): a kernel that lacks it',
  })),
};
