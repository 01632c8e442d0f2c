/** All probes, in the order of the kernel's specification. */
import type { Probe } from '../step.ts';
import { CLONING, POLLING } from './cloning.ts';
import { CONTEXTS } from './contexts.ts';
import { BACKGROUND, BACKING, ENDING, FUSECTL } from './ending.ts';
import { INITS } from './init.ts';
import { INTERRUPTING } from './interrupting.ts';
import { CHECKING, LATCHING } from './latching.ts';
import { MOUNTING } from './mounting.ts';
import { FORGETTING, NOTIFYING } from './notifying.ts';
import { OPCODES } from './opcodes.ts';
import { ORDER } from './order.ts';
import { POSITIONS } from './positions.ts';
import { READING } from './reading.ts';
import { REPLYING } from './replying.ts';
import { RING_COMMANDS } from './ring_commands.ts';
import { RING_DELIVERY } from './ring_delivery.ts';
import { RING_ENDS } from './ring_ends.ts';
import { RING_OPCODES, RING_RETRIEVES } from './ring_opcodes.ts';
import { RING_QUEUES, RING_READY } from './ring_ready.ts';
import { RING_REPLIES } from './ring_replies.ts';
import { RING_SHAPES } from './ring_shapes.ts';
import { SPLICING } from './splicing.ts';
import { SYNC_INIT } from './sync_init.ts';
import { UNBOUND } from './unbound.ts';

export const PROBES: readonly Probe[] = [
  ...UNBOUND,
  ...MOUNTING,
  ...CONTEXTS,
  ...SYNC_INIT,
  ...READING,
  ...POSITIONS,
  ...ORDER,
  ...FORGETTING,
  ...SPLICING,
  ...REPLYING,
  ...INTERRUPTING,
  ...CLONING,
  ...NOTIFYING,
  ...ENDING,
  ...POLLING,
  ...FUSECTL,
  ...BACKGROUND,
  ...BACKING,
  ...INITS,
  ...OPCODES,
  ...LATCHING,
  ...CHECKING,
  ...RING_COMMANDS,
  ...RING_READY,
  ...RING_QUEUES,
  ...RING_DELIVERY,
  ...RING_OPCODES,
  ...RING_REPLIES,
  ...RING_RETRIEVES,
  ...RING_ENDS,
  ...RING_SHAPES,
];
