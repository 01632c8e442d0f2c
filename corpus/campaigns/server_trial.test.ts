// One trial of the campaign, on a server whose root is a file: recorded as the kernel's own tracepoints
// saw it, and replayed to the same image.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { serverNamed } from '../servers/servers.ts';
import { tryServer } from './server_trial.ts';

it("qemu-raw-growable: the image a replay leaves is the recording's", {
  timeout: 180_000,
}, async (context) => {
  const recipe = serverNamed('qemu-raw-growable');
  const why = recipe.missing();
  context.skip(why !== undefined, why);
  const scratch = mkdtempSync(join(tmpdir(), 'fuse-rig-trial-'));
  try {
    const options = { size: 'small', seed: 5, replays: 1, only: [], say: () => {} } as const;
    const trial = await tryServer(recipe, recipe.variants[0], '', options, scratch);
    expect(trial).toMatchObject({ workloads: 1, differences: [], findings: [], wrong: [] });
    expect(trial.completeness?.unexplained ?? []).toEqual([]);
    expect(trial.clean).toBe(1);
  } finally {
    rmSync(scratch, { recursive: true });
  }
});
