/**
 * The same probes against the kernel and against the model: what each claims must be so on both
 * sides, and everything else of them the same.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { cannotRecord } from '../../rig/testing/bench_words.ts';
import { unexpected } from './compare.ts';
import type { Transcript } from './driver.ts';
import { EXPLAINED } from './explained.ts';
import { askKernel, ringOffered } from './kernel_side.ts';
import { askModel } from './model_side.ts';
import { PROBES } from './probes/index.ts';
import { judge, titleOf } from './verdict.ts';

const NOT_THERE: Transcript = { outcomes: [], broken: 'not asked' };
const why = cannotRecord();
let kernel: Transcript[] = [];
let model: Transcript[] = [];

beforeAll(async () => {
  if (why === undefined) kernel = await askKernel(PROBES);
  model = await askModel(PROBES, { ring: ringOffered(), version: '6.18' });
}, 300_000);

const SIDES = why === undefined ? (['kernel', 'model'] as const) : (['model'] as const);

describe.each(SIDES)('the %s', (side) => {
  const rows = PROBES.map((probe, i) => ({ title: titleOf(probe), probe, i }));
  const claimed = rows.filter(({ title }) => side === 'kernel' || EXPLAINED[title] === undefined);

  it.each(claimed)('does as is claimed: $title', ({ probe, i }) => {
    const told = (side === 'kernel' ? kernel : model)[i] ?? NOT_THERE;
    expect(unexpected(probe, told)).toBeUndefined();
  });
});

describe('kernel and model', () => {
  it('make the same of every probe', (context) => {
    context.skip(why !== undefined, why);
    const found = PROBES.map((probe, i) =>
      judge(probe, kernel[i] ?? NOT_THERE, model[i] ?? NOT_THERE),
    )
      .filter(({ found, reason }) => found.length > 0 && reason === undefined)
      .map(({ probe, found }) => `${titleOf(probe)}: ${found.join('\n')}`);
    expect(found).toEqual([]);
  });

  it('differ where that is explained, in probes that exist', () => {
    const titles = new Set(PROBES.map(titleOf));
    expect(Object.keys(EXPLAINED).filter((title) => !titles.has(title))).toEqual([]);
    expect(titles.size).toBe(PROBES.length);
  });
});
