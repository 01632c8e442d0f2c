/** The failures of a campaign, by cause. */
import { type Cause, causeOf } from './cause.ts';
import { isSynthetic, type Run } from './outcome.ts';

export interface Group {
  readonly cause: Cause;
  runs: number;
  /** No run of it had only what a kernel does. */
  synthetic: boolean;
  /** The run with the fewest rules, and the earliest of those: the plan to shrink. */
  smallest: Run;
}

/** A run that is a better witness than another: possible, with fewer rules, earlier. */
function better(one: Run, other: Run): boolean {
  const synthetic = Number(isSynthetic(one.outcome)) - Number(isSynthetic(other.outcome));
  return (synthetic || one.plan.length - other.plan.length || one.index - other.index) < 0;
}

export class Groups {
  readonly #groups = new Map<string, Group>();

  /** Returns the run's group where it is the first of it. */
  take(run: Run): Group | undefined {
    const cause = causeOf(run.outcome);
    if (cause === undefined) return undefined;
    const group = this.#groups.get(cause.key);
    const synthetic = isSynthetic(run.outcome);
    if (group === undefined) {
      const found = { cause, runs: 1, synthetic, smallest: run };
      this.#groups.set(cause.key, found);
      return found;
    }
    group.runs++;
    group.synthetic &&= synthetic;
    if (better(run, group.smallest)) group.smallest = run;
    return undefined;
  }

  /** The earliest found first, whatever order the runs ended in. */
  get all(): Group[] {
    return [...this.#groups.values()].sort((a, b) => a.smallest.index - b.smallest.index);
  }
}
