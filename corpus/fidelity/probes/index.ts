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
];
