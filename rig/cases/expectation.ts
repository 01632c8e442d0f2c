/** What a replay came to, held against what the case expects of it. */
import type { ReplayResult } from '../../replayer/replay.ts';
import type { Finding } from '../checks/finding.ts';
import { EXIT } from '../engine/exit_codes.ts';
import { findingsCode } from '../engine/outcome.ts';
import type { Expectation } from './case.ts';

const WORST: readonly Finding['verdict'][] = ['pass', 'unknown', 'fail'];

/** Verdict by check: the worst where it found several things. */
export function verdicts(findings: readonly Finding[]): Record<string, Finding['verdict']> {
  const found: Record<string, Finding['verdict']> = {};
  for (const { check, verdict } of findings) {
    const before = found[check] ?? 'pass';
    found[check] = WORST.indexOf(verdict) > WORST.indexOf(before) ? verdict : before;
  }
  return found;
}

/** What a case would have to expect for this result to pass. */
export function observed(result: ReplayResult, log: boolean): Expectation {
  return {
    exit: findingsCode(result.findings, result.plan),
    checks: verdicts(result.findings),
    ...(log ? { log: result.log } : {}),
  };
}

/** An exit code with its name: `3 (divergence)`. */
export function exitWords(code: number): string {
  const names = Object.keys(EXIT) as (keyof typeof EXIT)[];
  return `${code} (${names.find((name) => EXIT[name] === code) ?? 'no code of ours'})`;
}

/** Every way in which the result is not what was expected, a line each. */
export function differences(expected: Expectation, got: Expectation): string[] {
  const lines: string[] = [];
  if (got.exit !== expected.exit) {
    lines.push(`exit ${exitWords(got.exit)}, expected ${exitWords(expected.exit)}`);
  }
  for (const [check, verdict] of Object.entries(expected.checks)) {
    const found = got.checks[check];
    if (found === undefined) lines.push(`no check ${check} in this fuse-rig, expected ${verdict}`);
    else if (found !== verdict) lines.push(`${check}: ${found}, expected ${verdict}`);
  }
  if (expected.log !== undefined && got.log !== expected.log) {
    lines.push(`log ${got.log}, expected ${expected.log}`);
  }
  return lines;
}
