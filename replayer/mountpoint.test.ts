/** A mount whose root is a file: recorded on one, replayed on one. */
import { rmdirSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { built, CLEAN, cannotRecord, onBench } from '../rig/testing/bench.ts';

it('a file mounted on a file is recorded and replayed', async (context) => {
  const why = cannotRecord();
  context.skip(why !== undefined, why);
  await onBench(async (bench) => {
    rmdirSync(bench.mountpoint);
    writeFileSync(bench.mountpoint, 'covered');
    const work = ['stat mnt', 'open f mnt RDONLY', 'drain f 4K', 'close f'];
    const recorded = await bench.record(
      [built('fuse-rig-odd-server'), 'plain', '{mountpoint}'],
      () => bench.client(work, bench.dir),
    );
    expect(recorded).toMatchObject({ code: 0, leftovers: [] });
    expect(recorded.lines.join('\n')).toMatch(
      /^stat mnt = 100644 .* size 6 .*\n.*\ndrain f 4K = 6 /,
    );
    expect(await bench.replay()).toMatchObject(CLEAN);
  });
});
