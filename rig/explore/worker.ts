/**
 * A worker process of a campaign: replays what it is told to, one task after the other, in its main
 * thread. What a server, or a fault of the rig, does to this process costs one run.
 */
import { PlanDecider } from '../../faults/decider.ts';
import type { Difference, Outcome } from '../../faults/explore/outcome.ts';
import { Watcher } from '../../faults/explore/seen.ts';
import { parseRule } from '../../faults/parse.ts';
import { type ReplayResult, replay } from '../../replayer/replay.ts';
import type { Decider } from '../decider.ts';
import { findingsCode } from '../engine/outcome.ts';
import { firstDifferentLine } from '../report/log_difference.ts';
import { makeScratch } from '../seam/scratch.ts';
import type { Answer, Task } from './tasks.ts';

/** Of all runs of this process; its keeper removes it, however this process ends. */
const place = makeScratch('explore');
const HOOKS = { progress: () => {}, stops: () => 0, started: () => {} };

function outcomeOf(result: ReplayResult, difference: Difference | undefined): Outcome {
  const { findings, plan, log, seconds } = result;
  const failures = findings
    .filter(({ verdict }) => verdict === 'fail')
    .map(({ check, text, details }) => ({ check, text, details }));
  const rules = plan.map(({ rule, fired, refused, synthetic, met }) => ({
    ...{ rule, fired, refused, synthetic, met },
  }));
  // Plans that never come true are many here, and say nothing against the run.
  const outcome = { exit: findingsCode(findings), failures, rules, log, seconds };
  return difference === undefined ? outcome : { ...outcome, difference };
}

async function perform({ id, options, audited, watched }: Task): Promise<Answer> {
  const watcher = watched ? new Watcher() : undefined;
  const once = (lines: string[]): Promise<ReplayResult> => {
    const rules = (options.faults ?? []).map(parseRule);
    const decider: Decider | undefined =
      watcher ?? (rules.length === 0 ? undefined : new PlanDecider(rules));
    return replay({ ...options, place, logLine: (line) => lines.push(line) }, HOOKS, decider);
  };
  const first: string[] = [];
  const result = await once(first);
  let outcome = outcomeOf(result, undefined);
  if (audited) {
    const second: string[] = [];
    const again = await once(second);
    const difference = firstDifferentLine(first, second);
    // Whichever of the two failed is the one to tell of.
    const told = outcome.failures.length > 0 ? result : again;
    if (difference !== undefined) outcome = outcomeOf(told, difference);
  }
  return watcher === undefined ? { id, outcome } : { id, outcome, seen: watcher.seen };
}

async function answer(task: Task): Promise<Answer> {
  try {
    return await perform(task);
  } catch (error) {
    const {
      name = 'Error',
      message = String(error),
      code = '',
    } = error as Error & { code?: string };
    return { id: task.id, error: { name, message, code } };
  }
}

// One at a time: a replay sleeps in the seam and has this thread for itself.
let last: Promise<unknown> = Promise.resolve();
process.on('message', (task: Task) => {
  last = last.then(async () => process.send?.(await answer(task)));
});
// Who gave the tasks is gone.
process.on('disconnect', () => process.exit());
