/** Runs cases: each on the clean server, then on each of its mutants. */
import { fileURLToPath } from 'node:url';
import type { Case } from '../../rig/cases/case.ts';
import { verdicts } from '../../rig/cases/expectation.ts';
import { readFolder } from '../../rig/cases/folder.ts';
import { runCase } from '../../rig/cases/run_case.ts';
import type { Finding } from '../../rig/checks/finding.ts';
import type { MutantCase } from './cases.ts';
import { SERVER } from './scene.ts';

export const CASES_DIR = fileURLToPath(
  new URL(
    import.meta.url.includes('/dist/') ? '../../../corpus/mutants/cases' : './cases',
    import.meta.url,
  ),
);

export interface Trial {
  case: string;
  /** Empty: the clean server. */
  mutant: string;
  /** The check that must catch it; empty for the clean server. */
  expected: string;
  /** Findings that are no pass. */
  found: Finding[];
  /** Verdict by check. */
  checks: Record<string, Finding['verdict']>;
  /** What else is not as the clean server's case expects. */
  reasons: string[];
  requests: number;
  seconds: number;
  reproduce: string;
}

/** The clean server passes, or the mutant is caught by the check that should. */
export const good = ({ expected, found, reasons }: Trial): boolean =>
  expected === ''
    ? found.length === 0 && reasons.length === 0
    : found.some(({ check, verdict }) => check === expected && verdict === 'fail');

/** The recorded case of every row, in their order. Throws where one is missing or cannot be used. */
export function recordedCases(rows: readonly MutantCase[]): [MutantCase, Case][] {
  const { cases, unusable } = readFolder(CASES_DIR);
  return rows.map((row) => {
    const found = cases.find(({ name }) => name === row.name);
    if (found !== undefined) return [row, found];
    const why = unusable.find(({ name }) => name === row.name)?.message ?? 'it is not recorded';
    throw new Error(`case ${row.name}: ${why}; make it: npm run mutants:record ${row.name}`);
  });
}

/** One replay of a case. */
export async function runTrial(one: Case, mutant: string, expected: string): Promise<Trial> {
  const wrong = mutant === '' ? {} : { server: [SERVER(), '--bug', mutant] };
  const result = await runCase(one, wrong);
  const { replay, reasons, status, reproduce } = result;
  if (replay === undefined) throw new Error(`case ${one.name}: ${status}: ${reasons.join('; ')}`);
  return {
    case: one.name,
    mutant,
    expected,
    found: replay.findings.filter(({ verdict }) => verdict !== 'pass'),
    checks: verdicts(replay.findings),
    reasons,
    requests: replay.requests,
    seconds: replay.seconds,
    reproduce,
  };
}
