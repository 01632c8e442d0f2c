/** One clone of the device is lost; what was read through it ends. */
import type { TeardownFault } from './fault.ts';

export const cloneLoss: TeardownFault = {
  kind: 'teardown',
  name: 'clone-loss',
  does: 'one handle of several dies, the connection lives on through the others',
  transports: ['device'],
};
