import { expect, it } from 'vitest';
import { canaryLines, onlyFoundBy } from './canary.ts';
import type { Trial } from './matrix.ts';

const trial = (mutant: string, ...failed: string[]): Trial => ({
  ...{ case: 'c', mutant, expected: failed[0] ?? '', checks: {}, reasons: [] },
  found: failed.map((check) => ({ check, verdict: 'fail', text: '', details: [] })),
  ...{ requests: 1, seconds: 0, reproduce: '' },
});

it('says which mutants one check alone finds', () => {
  const trials = [trial(''), trial('a', 'x'), trial('b', 'x', 'y'), trial('c', 'x'), trial('d')];
  const only = onlyFoundBy(trials, ['x', 'y']);
  expect([...only]).toEqual([
    ['x', ['a', 'c']],
    ['y', []],
  ]);
  expect(canaryLines(only)).toEqual([
    'without x             2 missed: a, c',
    'without y             0 missed: nothing is missed',
    '2 checks, 1 of them never the only one',
  ]);
});

it('does not call a check needed for what it is unsure of', () => {
  const unsure = trial('a');
  unsure.found.push({ check: 'x', verdict: 'unknown', text: '', details: [] });
  expect(onlyFoundBy([unsure], ['x']).get('x')).toEqual([]);
});
