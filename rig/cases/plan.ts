/** The one place where a case's plan becomes part of a replay. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parsePlan } from '../../faults/plan.ts';
import { ruleText } from '../../faults/rule.ts';
import { PlanError } from '../../faults/rule_error.ts';
import type { ReplayOptions } from '../../replayer/replay.ts';
import type { Case } from './case.ts';
import { CaseError } from './error.ts';

/** What the case's plan adds to its replay. */
export function planOptions({ name, plan }: Case): Partial<ReplayOptions> {
  if (plan === undefined) return {};
  try {
    return { faults: parsePlan(readFileSync(plan, 'utf8'), basename(plan)).rules.map(ruleText) };
  } catch (error) {
    if (!(error instanceof PlanError)) throw error;
    throw new CaseError(name, `has a plan that cannot be used: ${error.message}`);
  }
}
