/**
 * As an ordinary user: recorded with the system's setuid fusermount3, replayed without any device.
 * Recording needs a /dev/fuse that is open to all, as most systems have it. Where it is not, the tests
 * run once more in a mount namespace of their own, whose /dev/fuse is.
 */
import { chownSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { onPath, run } from '../../corpus/run.ts';
import { built, CLEAN, cannotRecord, complaints, onBench, SOME_WORK } from '../testing/bench.ts';
import { ROOT } from '../testing/sources.ts';

const SERVER = built('fuse-rig-server');
const NOBODY = 65534;
const open = (path: string) => (statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o6;

function missing(): string | undefined {
  const why = cannotRecord();
  if (why !== undefined) return why;
  const fusermount = onPath('fusermount3');
  if (fusermount === undefined) return 'fusermount3 not installed';
  if ((statSync(fusermount).mode & 0o4000) === 0) return 'fusermount3 is not setuid';
  if (onPath('setpriv') === undefined) return 'setpriv not installed';
  if ((statSync(ROOT).mode & 0o5) !== 0o5) return 'the project is not readable for others';
  return undefined;
}

const NAMESPACE = `
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /mnt
mknod /mnt/fuse c 10 229
chmod 666 /mnt/fuse
mount --bind /mnt/fuse /dev/fuse
exec "$@"`;

describe('an ordinary user', () => {
  it('replays what root recorded, with no device to open', async (context) => {
    const why = missing();
    context.skip(why !== undefined, why);
    await onBench(async (bench) => {
      await bench.record([SERVER, '{mountpoint}']);
      bench.giveTo(NOBODY);
      const replayed = await bench.replay();
      expect(complaints(replayed), replayed.stderr + replayed.output).toEqual([]);
      expect(replayed).toMatchObject(CLEAN);
    });
  });

  it.each([
    ['that is nowhere', 'no-such-server', 'ENOENT'],
    ['that is there and may not be run', 'a-text', 'EACCES'],
  ])('is told of a program %s, whatever of PATH it may not search', async (_, name, errno) => {
    const why = missing();
    expect(why).toBeUndefined();
    await onBench(async (bench) => {
      await bench.record([SERVER, '{mountpoint}'], []);
      const secret = join(bench.dir, 'secret');
      mkdirSync(secret, { mode: 0o700 });
      writeFileSync(join(bench.fixture, 'a-text'), 'text', { mode: 0o644 });
      bench.giveTo(NOBODY);
      chownSync(secret, 0, 0);
      const PATH = [secret, bench.fixture, process.env.PATH].join(':');
      const ran = await bench.rig(['replay', bench.capture, '--', name], { env: { PATH } });
      expect(ran.stderr).toContain(`cannot start ${name}: ${errno}; name an executable program`);
      expect(ran).toMatchObject({ code: 2, leftovers: [] });
    });
  });

  it('replays files that root made over a fixture of its own', async (context) => {
    const why = missing();
    context.skip(why !== undefined, why);
    await onBench(async (bench) => {
      writeFileSync(join(bench.fixture, 'old'), 'content');
      for (const path of [bench.fixture, join(bench.fixture, 'old')])
        chownSync(path, NOBODY, NOBODY);
      const command = [SERVER, '--fs', 'passthrough={fixture}', '{mountpoint}'];
      const work = ['stat old', 'open f new RDWR|CREAT', 'fill f 1 100 10', 'close f', 'stat new'];
      await bench.record(command, work, 'unmount', ['--fixture', bench.fixture]);
      bench.giveTo(NOBODY);
      const replayed = await bench.replay();
      expect(complaints(replayed), replayed.stderr + replayed.output).toEqual([]);
      expect(replayed).toMatchObject(CLEAN);
    });
  });

  if (open('/dev/fuse') !== 0o6) {
    it('records where the device is open to all', { timeout: 120_000 }, async (context) => {
      const why = missing();
      context.skip(why !== undefined, why);
      const vitest = `${ROOT}/node_modules/vitest/vitest.mjs`;
      const self = fileURLToPath(import.meta.url);
      const words = [process.execPath, vitest, 'run', '--root', ROOT, self];
      const ran = await run('unshare', ['-m', 'sh', '-c', NAMESPACE, 'sh', ...words], {
        timeoutS: 110,
        env: { FUSE_RIG_NO_INSTALL: '1', NO_COLOR: '1' },
      });
      expect(ran.code, ran.stdout + ran.stderr).toBe(0);
      expect(ran.stdout).toMatch(/^8 passed, 0 failed, 0 skipped$/m);
    });
    return;
  }

  it.each([
    ['by fusermount', ['--mount', 'fusermount']],
    ['by mount(2), which the rig gives to fusermount3', []],
    ['by fusermount, with threads', ['--mount', 'fusermount', '--threads', '3']],
    ['by fusermount, as a daemon', ['--mount', 'fusermount', '--daemon']],
  ])('records and replays a server that mounts %s', async (_, options) => {
    expect(missing()).toBeUndefined();
    await onBench(async (bench) => {
      const recorded = await bench.record([SERVER, ...options, '{mountpoint}']);
      expect(recorded, recorded.output).toMatchObject({ code: 0, leftovers: [] });
      expect(recorded.lines).toHaveLength(SOME_WORK.length);
      const replayed = await bench.replay();
      expect(complaints(replayed), replayed.stderr + replayed.output).toEqual([]);
      expect(replayed).toMatchObject(CLEAN);
      expect(replayed.second).toBe(replayed.log);
    }, NOBODY);
  });
});
