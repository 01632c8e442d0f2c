/**
 * The same probes against the kernel and against the model: what each claims must be so on both
 * sides, and everything else of them the same.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { OP_NAMES } from '../../rig/protocol/opcodes.ts';
import { cannotRecord } from '../../rig/testing/bench_words.ts';
import { unexpected } from './compare.ts';
import type { Transcript } from './driver.ts';
import { EXPLAINED, EXPLAINED_TIMEOUTS } from './explained.ts';
import { askKernel, ringOffered } from './kernel_side.ts';
import { askModel } from './model_side.ts';
import { BLOCK } from './probes/block.ts';
import { PROBES } from './probes/index.ts';
import { TIMEOUT_SYSCTLS, TIMEOUTS } from './probes/timeouts.ts';
import { shownIn, UNASKED, type Way } from './unasked.ts';
import { judge, titleOf } from './verdict.ts';

const NOT_THERE: Transcript = { outcomes: [], broken: 'not asked' };
const why = cannotRecord();
const ring = why !== undefined || ringOffered();
/**
 * The model alone is asked what takes the kernel a minute, and what needs a block device: a test run that is
 * killed while a thread awaits DESTROY would leave its process and the device there (npm run fidelity asks it).
 */
const MODELLED = [...PROBES, ...BLOCK, ...TIMEOUTS, ...TIMEOUT_SYSCTLS];
const EXPLAINED_ALL = { ...EXPLAINED, ...EXPLAINED_TIMEOUTS };
let kernel: Transcript[] = [];
let model: Transcript[] = [];

beforeAll(async () => {
  if (why === undefined) kernel = await askKernel(PROBES);
  model = await askModel(MODELLED, { ring, version: '6.18' });
}, 300_000);

const SIDES = why === undefined ? (['kernel', 'model'] as const) : (['model'] as const);

describe.each(SIDES)('the %s', (side) => {
  const probes = side === 'kernel' ? PROBES : MODELLED;
  const rows = probes.map((probe, i) => ({ title: titleOf(probe), probe, i }));
  const claimed = rows.filter(({ title }) => side === 'kernel' || !(title in EXPLAINED_ALL));

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
    const titles = new Set(MODELLED.map(titleOf));
    expect(Object.keys(EXPLAINED_ALL).filter((title) => !titles.has(title))).toEqual([]);
    expect(titles.size).toBe(MODELLED.length);
  });
});

describe('every operation of the protocol', () => {
  it.each<Way>(['device', 'ring'])('is shown over the %s, or it is said why not', (way) => {
    const shown = shownIn(model)[way];
    const said = (name: (typeof OP_NAMES)[number]) => UNASKED[way][name] !== undefined;
    expect(OP_NAMES.filter((name) => !shown.has(name) && !said(name))).toEqual([]);
    expect(OP_NAMES.filter((name) => shown.has(name) && said(name))).toEqual([]);
  });
});
