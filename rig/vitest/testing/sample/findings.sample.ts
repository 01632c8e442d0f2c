/** Tests that fail, each in its own way; the last passes. */
import { describe } from 'vitest';
import { expect, test } from '../../index.ts';
import { ASLEEP, DEMO, DOUBLE, SOUND } from './servers.ts';

test.override({ rigDefaults: { server: SOUND } });

test('finds', async ({ rig }) => {
  const run = await rig.replay(DEMO, { server: DOUBLE });
  expect(run).toTerminateCleanly();
  expect(run).toConform();
});
test('takes the opposite', async ({ rig }) => {
  expect(await rig.replay(DEMO)).not.toConform();
});
test('is inconclusive', async ({ rig }) => {
  const run = await rig.replay(DEMO, { faults: ['LOOKUP:read=EINTR:when=1000'] });
  expect(run).toTerminateCleanly();
});
test('is inconclusive in the opposite', async ({ rig }) => {
  const run = await rig.replay(DEMO, { faults: ['LOOKUP:read=EINTR:when=1000'] });
  expect(run).not.toPass();
});
test('runs out of time', { timeout: 1000 }, async ({ rig }) => {
  await rig.replay(DEMO, { server: ASLEEP });
});
test('does not wait', ({ rig }) => {
  void rig.replay(DEMO, { server: ASLEEP }).catch(() => {});
});
test('forgets to wait', async ({ rig }) => {
  const run = rig.replay(DEMO);
  try {
    expect(run).toPass();
  } finally {
    await run;
  }
});
describe('with what is always attached', () => {
  test.override({ rigDefaults: { server: SOUND, attach: 'always' } });
  test('passes', async ({ rig }) => expect(await rig.replay(DEMO)).toPass());
});
