/** What a session comes to, as an exit code: from its findings, or from the error that ended it. */
import { hasFired, type RuleResult } from '../../replayer/injected.ts';
import type { Finding } from '../checks/finding.ts';
import type { EngineError } from './engine.ts';
import { EXIT } from './exit_codes.ts';

export function findingsCode(
  findings: readonly Finding[],
  plan: readonly RuleResult[] = [],
): number {
  const failed = findings.filter((f) => f.verdict === 'fail');
  if (failed.some((f) => f.check !== 'divergence')) return EXIT.findings;
  if (failed.length > 0) return EXIT.divergence;
  // A plan that did nothing says nothing of what it asks.
  const idle = !plan.every(hasFired);
  return idle || findings.some((f) => f.verdict === 'unknown') ? EXIT.inconclusive : EXIT.pass;
}

/** Exit code by the error's name, and by its code where that decides. */
export function errorCode(error: EngineError): number {
  switch (error.name) {
    case 'CaptureError':
      return error.code === 'disk-full' || error.code === 'unwritable'
        ? EXIT.rigFailed
        : EXIT.usage;
    case 'FixtureError':
      return error.code === 'needs-root' ? EXIT.missingFeature : EXIT.usage;
    case 'LaunchError':
      return error.code === 'missing-feature' ? EXIT.missingFeature : EXIT.usage;
    case 'CommandError':
      return EXIT.usage;
    case 'InterruptError':
      return EXIT.inconclusive;
    default:
      return EXIT.rigFailed;
  }
}
