/** A request comes late: its client was slower than others. Of one queue of a ring with a large number: it starves. */
import type { ChangeFault } from './fault.ts';

export const hold: ChangeFault = {
  kind: 'change',
  name: 'hold',
  does: 'held back until so many others were delivered, or none is left',
  transports: ['device', 'ring'],
  moment: 'ask',
  fate: 'reordered',
  numbers: {
    least: 1,
    most: 1 << 20,
    possible: 'fuse_simple_request(): another client was faster',
  },
};
