/** The checks as matchers of `expect`. What they say holds the finding and the command that does it again. */
import { expect } from 'vitest';
import type { CaseResult } from '../cases/run_case.ts';
import type { Finding } from '../checks/finding.ts';
import { detailLines, harmless } from '../report/corpus.ts';
import { ruleLine } from '../report/injected-words.ts';
import { findingLines, outputLines } from '../report/replay.ts';
import type { Run } from './rig.ts';

interface RigMatchers {
  /** Every check passes, and every rule of the plan came true. */
  toPass(): void;
  /** The server ended by itself, as it should: no hang, no crash, nothing left mounted (termination, mounts). */
  toTerminateCleanly(): void;
  /**
   * Nobody wrote, read or committed what was not its own: of a ring's buffers by their poison, of the
   * device's by what is read back (ownership, content).
   */
  toRespectBufferOwnership(): void;
  /** The replies are those of the capture, and what was written is read back (divergence, content). */
  toMatchCapture(): void;
  /** One proper reply a request, and nothing agreed to that was not offered (conformance, negotiation). */
  toConform(): void;
  /** No descriptor is lost with the work, and none used after it was closed (descriptors). */
  toKeepItsDescriptors(): void;
  /** Of a server that mounts again (`sessions`): it keeps nothing of sessions that are over. */
  toKeepNothingOfSessions(): void;
  /** A case of a corpus came to what its case.yaml expects. */
  toBeAsExpected(): void;
}

declare module 'vitest' {
  // biome-ignore lint/suspicious/noExplicitAny: the declaration that is added to has it
  interface Matchers<T = any> extends RigMatchers {}
}

/** Checks by matcher; empty: all. */
const CHECKS = {
  toPass: [],
  toTerminateCleanly: ['termination', 'mounts'],
  toRespectBufferOwnership: ['ownership', 'content'],
  toMatchCapture: ['divergence', 'content'],
  toConform: ['conformance', 'negotiation'],
  toKeepItsDescriptors: ['descriptors'],
  toKeepNothingOfSessions: ['sessions'],
} as const satisfies Partial<Record<keyof RigMatchers, readonly string[]>>;

interface Verdict {
  pass: boolean;
  message: () => string;
}

const isRun = (value: unknown): value is Run =>
  typeof value === 'object' && value !== null && 'findings' in value && 'reproduce' in value;

/** Everything there is to know, the findings that matter first. */
function text(head: string, run: Run, findings: readonly Finding[]): string {
  const lines = [
    head,
    '',
    ...run.plan.map(ruleLine),
    ...findings.flatMap(findingLines),
    ...outputLines(run),
    '',
    `reproduce   ${run.reproduce}`,
    ...(run.logFile === undefined ? [] : [`log         ${run.logFile}`]),
  ];
  return lines.map(harmless).join('\n');
}

/** `wanted`: names of checks; empty: all. */
function judged(name: string, wanted: readonly string[], value: unknown, isNot: boolean): Verdict {
  if (!isRun(value)) {
    throw new TypeError(`${name} takes what rig.replay(...) gives, awaited`);
  }
  const of = value.findings.filter(({ check }) => wanted.length === 0 || wanted.includes(check));
  const failed = of.filter(({ verdict }) => verdict === 'fail');
  if (failed.length > 0) return { pass: false, message: () => text('', value, failed).trimStart() };
  const unknown = of.filter(({ verdict }) => verdict === 'unknown');
  if (unknown.length > 0 || value.idle.length > 0 || of.length === 0) {
    // It neither passed nor failed: whatever was expected, it is not shown.
    const head = 'inconclusive: what was asked did not happen, or could not be checked';
    return { pass: isNot, message: () => text(head, value, unknown) };
  }
  return { pass: true, message: () => text(`${name}: no such finding`, value, of) };
}

function caseVerdict(value: unknown): Verdict {
  const result = value as CaseResult | undefined;
  if (result?.kind !== 'case') {
    throw new TypeError('toBeAsExpected takes what rig.run(case) gives, awaited');
  }
  const pass = result.status === 'pass';
  const lines = pass ? [`${result.name} is as expected`] : detailLines(result);
  return { pass, message: () => lines.join('\n') };
}

expect.extend({
  ...Object.fromEntries(
    Object.entries(CHECKS).map(([name, wanted]) => [
      name,
      function matcher(this: { isNot: boolean }, value: unknown): Verdict {
        return judged(name, wanted, value, this.isNot);
      },
    ]),
  ),
  toBeAsExpected: caseVerdict,
});

export { expect };
