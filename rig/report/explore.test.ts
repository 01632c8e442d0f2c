/** What a campaign is told of in the end. */
import { expect, it } from 'vitest';
import type { Coverage } from '../../faults/explore/coverage.ts';
import { neverLines } from './explore.ts';

const covered = (fired: Record<string, number>, points: readonly string[]): Coverage => ({
  ...{ faults: ['abort', 'unmount'], points, planned: 0, fired: 0 },
  cell: (fault, point) => {
    const runs = fired[`${fault} ${point}`];
    return runs === undefined ? undefined : { planned: 1, fired: runs, found: 0 };
  },
});

it('names faults that were planned at a point and never came true there', () => {
  const coverage = covered({ 'abort reply': 2, 'abort delivered': 0, 'unmount reply': 0 }, [
    'reply',
    'delivered',
  ]);
  expect(neverLines(coverage)).toEqual(['NEVER FIRED  abort at delivered, unmount at reply']);
  expect(neverLines(covered({ 'abort reply': 1 }, ['reply']))).toEqual([]);
});

it('names a dozen, and counts the rest', () => {
  const points = Array.from({ length: 20 }, (_, n) => `p${n}`);
  const [line] = neverLines(
    covered(Object.fromEntries(points.map((p) => [`abort ${p}`, 0])), points),
  );
  expect(line?.split(', ')).toHaveLength(13);
  expect(line).toMatch(/abort at p11, and 8 more$/);
});
