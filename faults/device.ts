/** The connection dies by itself, as when a request is not answered in time. */
import type { TeardownFault } from './fault.ts';

export const device: TeardownFault = {
  kind: 'teardown',
  name: 'device',
  does: 'the connection dies by itself',
  transports: ['device', 'ring'],
  possible: 'fuse_check_timeout(): fuse_abort_conn()',
};
