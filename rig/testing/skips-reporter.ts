/**
 * What the end of a test run says: every skipped test with its reason, then the counts alone on the
 * last line. With FUSE_RIG_FORBID_SKIPS=1 a skipped test makes the run fail.
 */
import type { Reporter, TestCase, TestModule, Vitest } from 'vitest/node';

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** One skipped test: where, and why. */
export interface Skip {
  where: string;
  why: string;
}

const NO_REASON = 'NO REASON GIVEN: write context.skip(condition, reason)';

/** Counts of a run and its skipped tests. A file that could not be run counts as one failure. */
export function summed(modules: readonly TestModule[]): { counts: Counts; skips: Skip[] } {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const skips: Skip[] = [];
  for (const module of modules) {
    if (module.errors().length > 0) counts.failed++;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === 'passed') counts.passed++;
      else if (state === 'failed') counts.failed++;
      else {
        counts.skipped++;
        skips.push({ where: `${module.relativeModuleId} > ${test.fullName}`, why: reason(test) });
      }
    }
  }
  return { counts, skips };
}

function reason(test: TestCase): string {
  const result = test.result();
  return (result.state === 'skipped' && result.note) || NO_REASON;
}

export function closingLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

export class SkipsReporter implements Reporter {
  #filtered = false;

  onInit(vitest: Vitest): void {
    // With -t most tests are left out on purpose: not worth a word each.
    this.#filtered = vitest.config.testNamePattern !== undefined;
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const { counts, skips } = summed(modules);
    counts.failed += errors.length;
    if (this.#filtered) skips.length = 0;
    const forbidden = process.env.FUSE_RIG_FORBID_SKIPS === '1' && skips.length > 0;
    if (forbidden) process.exitCode = 1;
    // At the very end, behind whatever else is still to be said.
    process.once('exit', () => {
      for (const { where, why } of skips)
        process.stdout.write(`SKIPPED ${where}\n        ${why}\n`);
      if (forbidden) process.stdout.write('FAILED: skipped tests, and FUSE_RIG_FORBID_SKIPS=1\n');
      process.stdout.write(`${closingLine(counts)}\n`);
    });
  }
}
