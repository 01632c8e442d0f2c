import { expect, it } from 'vitest';
import { Guarded } from './guarded.ts';

it('turns a check that throws into an unknown, and asks it no more', () => {
  let asked = 0;
  const check = new Guarded({
    name: 'broken',
    take: () => {
      asked++;
      throw new Error('no such row');
    },
    findings: () => [],
  });
  check.take({ kind: 'close', t: 0, handle: 1 });
  check.take({ kind: 'close', t: 0, handle: 1 });
  expect(asked).toBe(1);
  expect(check.findings()).toMatchObject([
    { check: 'broken', verdict: 'unknown', text: 'the check itself failed: no such row' },
  ]);
});
