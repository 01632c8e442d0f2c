/**
 * A server at work on a real mount, with faults: the recorder's relay in front of the real kernel, the
 * plan of a replay, and its checks of what needs no capture. Not deterministic, for clients and kernel
 * have their own time; with a capture kept, a replay with the same plan is.
 */
import type { RecordHooks } from '../../recorder/options.ts';
import { record } from '../../recorder/record.ts';
import type { Decider } from '../decider.ts';
import { Judge } from './judge.ts';
import type { LiveOptions, LiveResult } from './options.ts';

export type { LiveOptions, LiveResult } from './options.ts';

/** `decider`: what is asked for faults, with the plan of `options.faults`. */
export async function live(
  options: LiveOptions,
  hooks: RecordHooks,
  decider?: Decider,
): Promise<LiveResult> {
  const judge = new Judge(options, decider);
  const calls = [...(options.calls ?? []), ...(decider?.calls ?? [])];
  const result = await record({ ...options, calls }, hooks, judge);
  const { notes, ring, injected, stalled } = judge;
  injected.concluded(judge.unseen);
  return { ...result, findings: judge.findings(), plan: injected.rules, notes, ring, stalled };
}
