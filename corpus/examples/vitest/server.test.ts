/** Both styles: replays written out, and a folder of cases in one line. */

import { fc, plans } from 'fuse-rig/fast-check';
import { asExpected, casesIn, expect, test } from 'fuse-rig/vitest';
import { describe } from 'vitest';

const letter = new URL('./cases/rename/capture.fusecap', import.meta.url);

test('answers as it did when it was recorded', async ({ rig }) => {
  const run = await rig.replay(letter);
  expect(run).toMatchCapture();
  expect(run).toConform();
});

test('ends when the mount is forced away with a WRITE in its hands', async ({ rig }) => {
  const run = await rig.replay(letter, { faults: ['WRITE:force:at=delivered'] });
  expect(run).toTerminateCleanly();
  expect(run).toRespectBufferOwnership();
});

test('survives whatever the device does to it', async ({ rig }) => {
  const drawn = plans({ transport: 'device', faults: ['read', 'abort', 'force'], moments: 10 });
  const endsWell = fc.asyncProperty(drawn, async (faults) => {
    const run = await rig.replay(letter, { faults });
    // Where a rule found no moment, nothing was shown.
    if (run.idle.length === 0) expect(run).toTerminateCleanly();
  });
  await fc.assert(endsWell, { numRuns: 5, seed: 1 });
});

describe.each(casesIn('cases'))('%s', asExpected);
