/**
 * A campaign: runs the plans of one session, so many at once as there are jobs, until all were run or
 * one has failed. It knows nothing of what a run is: that is handed in.
 */
import { ruleText } from '../rule.ts';
import { causeOf } from './cause.ts';
import type { Outcome, Run } from './outcome.ts';
import type { Plans } from './plans.ts';

/** One run in so many is made twice. */
const AUDIT_EVERY = 20;

/** Whether a run is made twice: decided by its number, so that every campaign audits the same. */
export const isAudited = (index: number): boolean => index % AUDIT_EVERY === 0;

export interface Shard {
  /** From 1. */
  readonly index: number;
  readonly count: number;
}

export interface Campaign {
  readonly plans: Pick<Plans, 'at'>;
  /** Runs are numbered from 0 to this. */
  readonly runs: number;
  readonly jobs: number;
  readonly shard?: Shard | undefined;
  /** Go on after a failure. */
  readonly keepGoing: boolean;
  /** Runs that were made before. */
  readonly done: ReadonlySet<number>;
}

export interface CampaignHooks {
  /** Runs the plan, and once more where it is audited. Does not throw for what a server does. */
  run(plan: readonly string[], audited: boolean): Promise<Outcome>;
  /** In the order they end. */
  tell(run: Run): void;
  /** Somebody wants to stop: no further run is begun. */
  stopped(): boolean;
}

/** Numbers of the runs that are still to be made. */
export function* pending({ runs, shard, done }: Campaign): Generator<number> {
  for (let index = 0; index < runs; index++) {
    if (shard !== undefined && index % shard.count !== shard.index - 1) continue;
    if (!done.has(index)) yield index;
  }
}

/** Runs what is pending. Returns whether all of it was run. */
export async function explore(campaign: Campaign, hooks: CampaignHooks): Promise<boolean> {
  const left = pending(campaign);
  let failed = false;
  let whole = true;
  const work = async (): Promise<void> => {
    for (;;) {
      if (hooks.stopped() || (failed && !campaign.keepGoing)) {
        whole = false;
        return;
      }
      const next = left.next();
      if (next.done) return;
      const index = next.value;
      const plan = campaign.plans.at(index).map(ruleText);
      const audited = isAudited(index);
      const outcome = await hooks.run(plan, audited);
      failed ||= causeOf(outcome) !== undefined;
      hooks.tell({ index, plan, audited, outcome });
    }
  };
  await Promise.all(Array.from({ length: campaign.jobs }, work));
  return whole;
}
