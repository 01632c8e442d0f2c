/** The one place where a case's plan becomes part of a replay. */
import type { ReplayOptions } from '../../replayer/replay.ts';
import type { Case } from './case.ts';
import { CaseError } from './error.ts';

/** What the case's plan adds to its replay. */
export function planOptions({ name, plan }: Case): Partial<ReplayOptions> {
  if (plan === undefined) return {};
  throw new CaseError(
    name,
    `has the plan ${plan}, and this fuse-rig injects no faults yet: take the plan out of its case.yaml`,
  );
}
