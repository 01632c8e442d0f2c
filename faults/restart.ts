/** The server is killed and started again, as by an init system. */
import type { TeardownFault } from './fault.ts';

export const restart: TeardownFault = {
  kind: 'teardown',
  name: 'restart',
  does: 'SIGKILL, umount, and the server is started again on what it left: it must serve the rest',
  transports: ['device', 'ring'],
  possible: 'kill(2), and an init system',
  // What it had not brought to its files is gone.
  fate: 'altered',
};
