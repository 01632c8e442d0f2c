/** The server is told to end from its terminal. */
import type { TeardownFault } from './fault.ts';

export const sigint: TeardownFault = {
  kind: 'teardown',
  name: 'sigint',
  does: 'SIGINT to every process of the server, as by Ctrl-C',
  transports: ['device', 'ring'],
  possible: 'kill(2)',
};
