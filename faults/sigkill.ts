/** The server is killed. */
import type { TeardownFault } from './fault.ts';

export const sigkill: TeardownFault = {
  kind: 'teardown',
  name: 'sigkill',
  does: 'SIGKILL to every process of the server: nothing of it may be left',
  transports: ['device', 'ring'],
  possible: 'kill(2), or the OOM killer',
};
