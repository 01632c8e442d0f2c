/** What a live session is asked for, and what came of it. */
import type { RecordOptions, RecordResult } from '../../recorder/options.ts';
import type { RuleResult } from '../../replayer/injected.ts';
import type { Finding } from '../checks/finding.ts';

export interface LiveOptions extends RecordOptions {
  /** The rules of the plan, as text. */
  faults: readonly string[];
  /** User stacks of a server that does not end. */
  stacks: boolean;
  /** Others write to what the server serves: what it reads says nothing of what was written here. */
  othersWrite: boolean;
}

export interface LiveResult extends RecordResult {
  findings: Finding[];
  plan: RuleResult[];
  /** Teardowns that the kernel refused, and one that the rig had to do. */
  notes: string[];
  ring: { queues: number; depth: number; requests: number };
  /** Clients waited in vain, and the rig aborted the connection. */
  stalled: boolean;
}
