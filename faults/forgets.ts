/** A flood of FORGETs: so many others look the same name up, and drop it at once. */
import { OP } from '../rig/protocol/opcodes.ts';
import type { ChangeFault } from './fault.ts';

export const forgets: ChangeFault = {
  kind: 'change',
  name: 'forgets',
  does: 'so many LOOKUPs of the same name, each with its FORGET',
  transports: ['device', 'ring'],
  moment: 'ask',
  fate: 'whole',
  opcodes: [OP.LOOKUP.opcode],
  numbers: { least: 1, most: 10_000, possible: 'fuse_dentry_revalidate(): fuse_queue_forget()' },
};
