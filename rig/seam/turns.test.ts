/** Of a server whose threads answer in any order: the same plan comes true at the same place every time. */
import { expect, it } from 'vitest';
import { built, onBench } from '../testing/bench.ts';

const ODD = built('fuse-rig-odd-server');
const RUNS = 4;

/** Three clients at once, so that requests are under way together in the capture. */
const WORK = ['a', 'b', 'c'].flatMap((name) => [
  `spawn ${name}`,
  ...Array.from({ length: 8 }, () => ['stat file', 'stat none']).flat(),
  'end',
]);
const JOIN = ['a', 'b', 'c'].map((name) => `join ${name}`);

it('is the same in every run, whichever thread is faster', { timeout: 120_000 }, async () => {
  await onBench(async (bench) => {
    const recorded = await bench.record([ODD, 'unsteady', '{mountpoint}'], [...WORK, ...JOIN]);
    expect(recorded).toMatchObject({ code: 0, leftovers: [] });
    for (const fault of [
      'abort:at=reply-write:inflight=2..:when=3',
      'LOOKUP:write=EFAULT:inflight=2..:when=2..20+4',
      'sigterm:at=delivered:inflight=3:when=2',
    ]) {
      const logs: string[] = [];
      for (let run = 0; run < RUNS; run++) {
        const { log } = await bench.replay([], { once: true, args: ['--fault', fault] });
        logs.push(log);
      }
      expect(logs[0]).toMatch(/^[0-9a-f]+$/);
      expect(new Set(logs).size, fault).toBe(1);
    }
  });
});
