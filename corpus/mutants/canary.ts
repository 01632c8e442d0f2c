/**
 * Whether every check is needed: with one of them switched off, are there mutants that nothing finds any
 * more? Checks only listen (rig/checks), so what is found without one is what the others found.
 */
import type { Trial } from './matrix.ts';

/** Mutants by the check that alone finds them; a check that never is the only one has none. */
export function onlyFoundBy(
  trials: readonly Trial[],
  checks: readonly string[],
): Map<string, string[]> {
  const mutants = trials.filter(({ mutant }) => mutant !== '');
  return new Map(
    checks.map((check) => {
      const lost = mutants.filter(({ found }) => {
        const failed = found.filter(({ verdict }) => verdict === 'fail').map((one) => one.check);
        return failed.length > 0 && failed.every((name) => name === check);
      });
      return [check, [...new Set(lost.map(({ mutant }) => mutant))]];
    }),
  );
}

/** What `--canary` prints: a line a check, and how many are never the only one. */
export function canaryLines(only: ReadonlyMap<string, readonly string[]>): string[] {
  const idle = [...only.values()].filter((mutants) => mutants.length === 0).length;
  const lines = [...only].map(([check, mutants]) => {
    const what = mutants.length === 0 ? 'nothing is missed' : mutants.join(', ');
    return `without ${check.padEnd(12)} ${String(mutants.length).padStart(2)} missed: ${what}`;
  });
  return [...lines, `${only.size} checks, ${idle} of them never the only one`];
}
