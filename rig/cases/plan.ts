/** The one place where a case's plan becomes part of a replay. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parsePlan } from '../../faults/plan.ts';
import { needsRing, type Rule, ruleText } from '../../faults/rule.ts';
import { PlanError, quoted } from '../../faults/rule_error.ts';
import type { ReplayOptions } from '../../replayer/replay.ts';
import type { Case } from './case.ts';
import { CaseError } from './error.ts';

/** What the case's plan adds to its replay. */
export function planOptions({ name, plan, options }: Case): Partial<ReplayOptions> {
  if (plan === undefined) return {};
  const rules = rulesOf(name, plan);
  const lost = options.transport === 'device' ? rules.find(needsRing) : undefined;
  if (lost !== undefined) {
    throw new CaseError(
      name,
      `has a plan for another transport: ${quoted(ruleText(lost))} needs a ring, and its options say transport: device`,
    );
  }
  return { faults: rules.map(ruleText) };
}

function rulesOf(name: string, plan: string): readonly Rule[] {
  try {
    return parsePlan(readFileSync(plan, 'utf8'), basename(plan)).rules;
  } catch (error) {
    if (!(error instanceof PlanError)) throw error;
    throw new CaseError(name, `has a plan that cannot be used: ${error.message}`);
  }
}
