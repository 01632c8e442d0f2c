/**
 * `fuse-rig/vitest`: replays in tests of vitest (docs/vitest.md).
 *
 *     import { describe } from 'vitest';
 *     import { asExpected, casesIn, expect, test } from 'fuse-rig/vitest';
 *
 *     test('a rename survives an interrupt', async ({ rig }) => {
 *       const run = await rig.replay('rename.fusecap', { faults: ['RENAME2:read=EINTR'] });
 *       expect(run).toPass();
 *     });
 *
 *     describe.each(casesIn('corpus/cases'))('%s', asExpected);
 */
export { asExpected, type CaseEntry, type CasesOptions, casesIn } from './cases.ts';
export { type RigFixtures, test } from './fixture.ts';
export { expect } from './matchers.ts';
export type { ReplaySettings, Rig, RigDefaults, Run } from './rig.ts';
