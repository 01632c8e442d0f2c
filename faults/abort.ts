/** A write to /sys/fs/fuse/connections/N/abort. */
import type { TeardownFault } from './fault.ts';

export const abort: TeardownFault = {
  kind: 'teardown',
  name: 'abort',
  does: 'a write to the abort file of fusectl: everything unanswered ends',
  transports: ['device', 'ring'],
  possible: 'fuse_conn_abort_write()',
};
