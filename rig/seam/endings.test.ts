/**
 * Servers that end badly, or never: the rig says what happened and leaves nothing. The capture they
 * are replayed from is that of a good server of the same kind.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Bench, built, cannotRecord, complaints, onBench } from '../testing/bench.ts';

const ODD = built('fuse-rig-odd-server');
const SERVER = built('fuse-rig-server');
const odd = (mode: string) => [ODD, mode, '{mountpoint}'];
const WORK = ['stat file', 'open f file RDONLY', 'drain f 4K', 'close f', 'stat none'];

describe('replayed, a server that', () => {
  let good: Bench | undefined;
  beforeAll(async () => {
    if (cannotRecord() !== undefined) return;
    good = new Bench();
    await good.record(odd('plain'), WORK);
    return () => good?.remove();
  });

  it.each([
    ['hang', 'unmount', /the server hangs.*\(proven\)/],
    ['hang', 'sigterm', /the server hangs.*\(proven\)/],
    ['hang', 'device', /the server hangs.*\(proven\)/],
    ['spin-read', 'unmount', /spins/],
    // Neither is proven: one uses the CPU, the other wakes up by itself now and then.
    ['spin-compute', 'unmount', /spins/],
    ['print', 'unmount', /spins|did not end/],
    ['tick', 'unmount', /did not end/],
    ['close-device', 'unmount', /the server hangs.*\(proven\)/],
    ['close-all', 'unmount', /the server hangs.*\(proven\)/],
    ['stop-itself', 'unmount', /the server hangs.*\(proven\)/],
    ['fork-bomb', 'unmount', /the server hangs.*\(proven\)/],
    ['garbage', 'unmount', /did not end|hangs|spins/],
    ['crash', 'unmount', /the server crashed/],
    ['never-opens', 'unmount', /hangs/],
    ['never-mounts', 'unmount', /exit code 3/],
  ])(
    'does %s, ended by %s, is named and leaves nothing',
    { timeout: 90_000 },
    async (mode, end, verdict) => {
      const why = cannotRecord();
      if (good === undefined) throw new Error(why ?? 'no capture');
      const replayed = await good.replay(odd(mode), { end, once: true });
      expect(complaints(replayed).join('\n'), replayed.stderr).toMatch(verdict);
      expect(replayed).toMatchObject({ code: 1, leftovers: [] });
      // Long before what is not proven would be given up.
      if (mode === 'hang') expect(replayed.seconds).toBeLessThan(5);
    },
  );

  // A turn is for threads that come to rest, and these do not.
  it.each([
    ['hang', /the server hangs.*\(proven\)/],
    ['spin-read', /spins/],
    ['close-all', /the server hangs.*\(proven\)/],
    ['fork-bomb', /the server hangs.*\(proven\)/],
    ['garbage', /did not end|hangs|spins/],
  ])('does %s is named when it is served in turns', { timeout: 90_000 }, async (mode, verdict) => {
    if (good === undefined) throw new Error(cannotRecord());
    const args = ['--fault', 'STATFS:abort:at=delivered'];
    const replayed = await good.replay(odd(mode), { once: true, args });
    expect(complaints(replayed).join('\n'), replayed.stderr).toMatch(verdict);
    expect(replayed).toMatchObject({ code: 1, leftovers: [] });
  });

  it.each(['unmount', 'device'])('is good passes when it is ended by %s', async (end) => {
    if (good === undefined) throw new Error(cannotRecord());
    const replayed = await good.replay([], { end });
    expect(complaints(replayed)).toEqual([]);
    expect(replayed).toMatchObject({ code: 0, leftovers: [] });
  });
});

describe('recorded, a server that', () => {
  it('crashes with a request in hand: clients get errors, the capture is whole and replays', async (context) => {
    const why = cannotRecord();
    context.skip(why !== undefined, why);
    await onBench(async (bench) => {
      const command = [SERVER, '--crash-after', '6:abort', '{mountpoint}'];
      const recorded = await bench.record(
        command,
        ['stat .', 'mkdir a', 'mkdir b', 'mkdir c', 'mkdir d'],
        'itself',
      );
      expect(recorded.output).toMatch(/server signal 6/);
      expect(recorded.leftovers).toEqual([]);
      expect(recorded.lines.at(-1)).toMatch(/= (ENOTCONN|ECONNABORTED)$/);
      expect(existsSync(bench.capture)).toBe(true);
      const replayed = await bench.replay();
      expect(complaints(replayed).join()).toMatch(/the server crashed.*signal 6/);
      expect(replayed).toMatchObject({ code: 1, leftovers: [] });
      expect(replayed.second).toBe(replayed.log);
    });
  });

  it.each([
    ['exits at once', ['false'], 4, /without opening \/dev\/fuse/],
    ['opens and exits', [ODD, 'never-mounts', 'x'], 4, /ended \(exit 3\) without mounting/],
    ['does not exist', ['no-such-server'], 2, /cannot start no-such-server: ENOENT/],
    ['is a directory', ['/'], 2, /cannot start \/: EACCES/],
  ])('%s', async (_, command, code, said) => {
    await onBench(async (bench) => {
      const ran = await bench.rig(['record', '-q', '-o', bench.capture, '--', ...command]);
      expect(ran).toMatchObject({ code, leftovers: [] });
      expect(ran.stderr.trim().split('\n').at(-1)).toMatch(said);
    });
  });

  it('is not executable', async () => {
    await onBench(async (bench) => {
      const path = join(bench.dir, 'plain-file');
      writeFileSync(path, 'text', { mode: 0o644 });
      const ran = await bench.rig(['record', '-q', '-o', bench.capture, '--', path]);
      expect(ran.code).toBe(2);
      expect(ran.stderr).toMatch(/cannot start .*plain-file: EACCES; name an executable/);
    });
  });

  it('loses the device ends for its clients as on the bare kernel', async (context) => {
    const why = cannotRecord();
    context.skip(why !== undefined, why);
    await onBench(async (bench) => {
      const recorded = await bench.record(
        odd('close-and-exit'),
        ['stat file', 'stat none', 'stat none', 'stat none'],
        'itself',
      );
      expect(recorded.lines.at(-1)).toMatch(/= (ENOTCONN|ECONNABORTED)$/);
      expect(recorded.leftovers).toEqual([]);
    });
  });

  it('serves two mounts: two connections, both replayed', async (context) => {
    const why = cannotRecord();
    context.skip(why !== undefined, why);
    await onBench(async (bench) => {
      const second = join(bench.dir, 'mnt2');
      mkdirSync(second);
      const command = [SERVER, '--mounts', '2', '{mountpoint}', second];
      const work = async () => [
        ...(await bench.client(['mkdir a', 'list .'])),
        ...(await bench.client(['mkdir b', 'list .'], second)),
        ...(await bench.unmountOther(second)),
      ];
      const recorded = await bench.record(command, work);
      expect(recorded).toMatchObject({ code: 0, leftovers: [] });
      const replayed = await bench.replay();
      expect(complaints(replayed), replayed.output).toEqual([]);
      expect(replayed).toMatchObject({ code: 0, leftovers: [] });
    });
  });
});
