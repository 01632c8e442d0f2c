/** The server is told to end. */
import type { TeardownFault } from './fault.ts';

export const sigterm: TeardownFault = {
  kind: 'teardown',
  name: 'sigterm',
  does: 'SIGTERM to every process of the server',
  transports: ['device', 'ring'],
  possible: 'kill(2)',
};
