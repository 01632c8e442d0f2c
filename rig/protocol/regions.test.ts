/** Regions against the same kept in a list and compared one by one. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Region, Regions } from './regions.ts';

const seed = Number(process.env.FUSE_RIG_SEED ?? 8);

const overlaps = (a: Region<number>, b: Region<number>): boolean =>
  a.start < b.end && b.start < a.end;

it(`keeps what overlaps nothing, and tells the first of what it overlaps, seed ${seed}`, () => {
  const step = fc.record({ start: fc.nat(60), size: fc.nat(9), removes: fc.boolean() });
  const property = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const regions = new Regions<number>();
    let kept: Region<number>[] = [];
    steps.forEach(({ start, size, removes }, entry) => {
      const victim = kept[start % (kept.length || 1)];
      if (removes && victim !== undefined) {
        regions.remove(victim);
        kept = kept.filter((one) => one !== victim);
        return;
      }
      const region: Region<number> = { start, end: start + size, entry, buffer: 'payload' };
      const met = kept.filter((one) => size > 0 && overlaps(one, region));
      met.sort((a, b) => a.start - b.start);
      expect(regions.add(region)).toBe(met[0]);
      if (met.length === 0 && size > 0) kept.push(region);
    });
  });
  fc.assert(property, { seed, numRuns: 2000 });
});
