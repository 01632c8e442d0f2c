/**
 * A server in a root of its own: a small one, made here of the reference server and what it is linked
 * to. Its mount is seen out here, whatever ends it; and neither that root nor anything else is changed.
 */
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { scheduler } from 'node:timers/promises';
import { describe, expect, it, type TestContext, vi } from 'vitest';
import { must, run } from '../../corpus/run.ts';
import { CaptureReader } from '../../recorder/capture/reader.ts';
import {
  type Bench,
  built,
  CLEAN,
  cannotRecord,
  complaints,
  onBench,
  SOME_WORK,
} from '../testing/bench.ts';
import { foundInRoot, programInRoot, rootWords, sharedPaths } from './root.ts';

vi.setConfig({ testTimeout: 60_000 });

/** Is nowhere but in the root. */
const SERVER = '/opt/server';
const STATIC = '/opt/server-static';
/** A directory that is only there as well. */
const THERE = '/opt/fuse-rig-mountpoint';
const NOBODY = 65534;

/** A root with both reference servers in it. */
async function makeRoot(bench: Bench): Promise<string> {
  const root = join(bench.dir, 'root');
  const linked = (await must('ldd', [built('fuse-rig-server')])).match(/\/\S+/g) ?? [];
  for (const [from, to] of [
    [built('fuse-rig-server'), SERVER],
    [built('fuse-rig-server-static'), STATIC],
    ...linked.map((library) => [library, library]),
  ] as [string, string][]) {
    mkdirSync(join(root, dirname(to)), { recursive: true });
    cpSync(from, join(root, to), { dereference: true });
  }
  mkdirSync(join(root, THERE));
  return root;
}

/** Every mount below a directory, and what lies in a root: what must be the same afterwards. */
const mountsBelow = (dir: string): string[] =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(` ${dir}/`));
const namesIn = (root: string): string[] =>
  (readdirSync(root, { recursive: true }) as string[]).sort();

const inRoot = (bench: Bench, root: string) => ['--root', root, '--share', bench.mountpoint];

async function onRoot(
  context: TestContext,
  use: (bench: Bench, root: string) => Promise<void>,
): Promise<void> {
  const why = cannotRecord();
  context.skip(why !== undefined, why);
  await onBench(async (bench) => {
    const root = await makeRoot(bench);
    const before = namesIn(root);
    await use(bench, root);
    expect(namesIn(root)).toEqual(before);
    expect(mountsBelow(bench.dir)).toEqual([]);
  });
}

describe('a server in a root of its own', () => {
  it.for([
    ['mount(2)', [SERVER]],
    ['mount(2), static', [STATIC]],
    ['the new mount API', [SERVER, '--mount', 'newapi']],
    ['fusermount', [SERVER, '--mount', 'fusermount']],
    ['mount(2), as a daemon', [SERVER, '--daemon']],
  ] as [string, string[]][])('is recorded and replayed: by %s', async ([, words], context) => {
    await onRoot(context, async (bench, root) => {
      const command = [...words, '{mountpoint}'];
      const flags = inRoot(bench, root);
      const recorded = await bench.record(command, SOME_WORK, 'unmount', flags);
      expect(recorded, recorded.output).toMatchObject({ code: 0, leftovers: [] });
      expect(recorded.lines).toHaveLength(SOME_WORK.length);
      const replayed = await bench.replay([], { args: ['--root', root] });
      expect(complaints(replayed), replayed.stderr + replayed.output).toEqual([]);
      expect(replayed).toMatchObject(CLEAN);
    });
  });

  it('finds its fixture and its own unmount ends the mount out here', async (context) => {
    await onRoot(context, async (bench, root) => {
      writeFileSync(join(bench.fixture, 'old'), 'content');
      const command = [SERVER, '--fs', 'passthrough={fixture}', '{mountpoint}'];
      const flags = [...inRoot(bench, root), '--fixture', bench.fixture];
      const work = ['stat old', 'open f new RDWR|CREAT', 'fill f 1 100 10', 'close f'];
      const recorded = await bench.record(command, work, 'sigterm', flags);
      expect(recorded, recorded.output).toMatchObject({ leftovers: [] });
      expect(recorded.lines[0]).toMatch(/^stat old = 100644 .* size 7/);
      expect(readdirSync(bench.fixture)).toEqual(['new', 'old']);
      const replayed = await bench.replay([], { end: 'sigterm', args: ['--root', root] });
      expect(complaints(replayed), replayed.stderr + replayed.output).toEqual([]);
      expect(replayed).toMatchObject(CLEAN);
    });
  });

  it('works live, and a capture says in which root it was', async (context) => {
    await onRoot(context, async (bench, root) => {
      const work = ['--workload', 'mkdir {mountpoint}/d; stat {mountpoint}/d'];
      const words = ['--fault', 'MKDIR:read=EINTR:when=1', ...work, '--out', bench.capture];
      const server = [SERVER, bench.mountpoint];
      const ran = await bench.rig([
        'live',
        '-q',
        ...words,
        ...inRoot(bench, root),
        '--',
        ...server,
      ]);
      expect(ran, ran.stdout + ran.stderr).toMatchObject({ code: 0, leftovers: [] });
      const reader = CaptureReader.open(bench.capture);
      expect(reader).toMatchObject({ format: 4, begin: { root } });
      reader.close();
      const note = `recorded in the root ${root}, played in this machine's`;
      const here = ['replay', bench.capture, '--', built('fuse-rig-server'), '{mountpoint}'];
      expect((await bench.rig(here)).stdout).toContain(note);
      const there = await bench.rig(['replay', bench.capture, '--root', root]);
      expect(there).toMatchObject({ code: 0, stdout: expect.not.stringContaining(note) });
    });
  });

  it('leaves nothing when the rig is killed', async (context) => {
    await onRoot(context, async (bench, root) => {
      const live = await bench.start([SERVER, '{mountpoint}'], inRoot(bench, root));
      expect(mountsBelow(bench.dir)).toHaveLength(2);
      process.kill(live.pid, 'SIGKILL');
      const ended = await live.wait();
      for (let look = 0; mountsBelow(bench.dir).length > 0 && look < 100; look++)
        await scheduler.wait(20);
      expect(ended).toMatchObject({ signal: 'SIGKILL', leftovers: [] });
    });
  });

  it('may not mount where nobody here could see it', async (context) => {
    await onRoot(context, async (bench, root) => {
      const words = ['record', '-q', '-o', bench.capture, '--root', root, '--', SERVER];
      const ran = await bench.rig([...words, THERE]);
      expect(ran.stderr).toMatch(
        /the server in --root mounts on .*, which is not here \(ENOENT\); name .* with --share/,
      );
      expect(ran).toMatchObject({ code: 2, leftovers: [] });
    });
  });
});

describe('--root that cannot be', () => {
  const replay = async (bench: Bench, root: string, prefix: readonly string[] = []) => {
    const ran = await bench.rig(['replay', bench.capture, '--root', root], {}, prefix);
    expect(ran.leftovers).toEqual([]);
    return { code: ran.code, said: ran.stderr };
  };

  it('is said in one line', async (context) => {
    await onRoot(context, async (bench, root) => {
      await bench.record([SERVER, '{mountpoint}'], SOME_WORK, 'unmount', inRoot(bench, root));
      const empty = join(bench.dir, 'empty');
      mkdirSync(empty);
      expect(await replay(bench, join(bench.dir, 'none'))).toEqual({
        code: 2,
        said: expect.stringMatching(
          /^fuse-rig: --root .*none: no such directory; name the root[^\n]*\n$/,
        ),
      });
      expect(await replay(bench, '/')).toMatchObject({
        code: 2,
        said: expect.stringContaining("--root /: this is the machine's own root"),
      });
      expect(await replay(bench, empty)).toMatchObject({
        code: 2,
        said: expect.stringContaining(`cannot start ${SERVER} in --root ${empty}: ENOENT; name an`),
      });
      // A user namespace that may make no mount namespaces.
      const closed = 'echo 0 > /proc/sys/user/max_mnt_namespaces && exec "$@"';
      expect(
        await replay(bench, root, ['unshare', '-U', '-r', 'sh', '-c', closed, 'sh']),
      ).toMatchObject({
        code: 77,
        said: expect.stringMatching(
          /^fuse-rig: --root cannot be entered: unshare\(CLONE_NEWNS\): ENOSPC; /,
        ),
      });
    });
  });

  it('depends on user namespaces for an ordinary user, who cannot record so', async (context) => {
    await onRoot(context, async (bench, root) => {
      await bench.record([SERVER, '{mountpoint}'], SOME_WORK, 'unmount', inRoot(bench, root));
      bench.giveTo(NOBODY);
      chmodSync(bench.dir, 0o755);
      const asNobody = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
      const overlay =
        'mount -t tmpfs t /mnt && mkdir /mnt/a /mnt/b && mount -t overlay -o lowerdir=/usr,upperdir=/mnt/a,workdir=/mnt/b,userxattr o /media';
      const [first = '', ...words] = [
        ...asNobody,
        'unshare',
        '-U',
        '-r',
        '-m',
        'sh',
        '-c',
        overlay,
      ];
      const may = (await run(first, words)).code === 0;
      const { code, said } = await replay(bench, root);
      if (may) expect(code, said).toBe(0);
      else
        expect({ code, said }).toMatchObject({
          code: 77,
          said: expect.stringContaining('user namespaces'),
        });
      const record = [
        'record',
        '-o',
        join(bench.dir, 'b'),
        '--root',
        root,
        '--',
        SERVER,
        bench.mountpoint,
      ];
      const ran = await bench.rig(record);
      expect(ran.stderr).toMatch(
        /^fuse-rig: --root on a real mount: an ordinary user's mount .*do it as root\n$/,
      );
      expect(ran).toMatchObject({ code: 77, leftovers: [] });
    });
  });
});

describe('paths', () => {
  it('are shared once each, and not what is there anyway', () => {
    expect(sharedPaths(['/a/b', '/a', '/a/b/../c', '/', '/dev/shm', '/sys', '/ab', '/a'])).toEqual([
      '/a',
      '/ab',
    ]);
    expect(rootWords(undefined, ['/tmp'])).toEqual(['-', '--']);
  });

  it('are found in the root as its own links say, and in what is shared', () =>
    onBench(async (bench) => {
      const root = { dir: join(bench.dir, 'root'), share: [bench.fixture] };
      mkdirSync(join(root.dir, 'usr/bin'), { recursive: true });
      mkdirSync(join(root.dir, 'etc'));
      writeFileSync(join(root.dir, 'usr/bin/real'), '');
      writeFileSync(join(bench.fixture, 'mine'), '');
      symlinkSync('usr/bin', join(root.dir, 'bin'));
      symlinkSync('/etc/chosen', join(root.dir, 'usr/bin/program'));
      symlinkSync('../../bin/real', join(root.dir, 'etc/chosen'));
      symlinkSync('loop', join(root.dir, 'usr/bin/loop'));
      const real = join(root.dir, 'usr/bin/real');
      expect(foundInRoot(root, '/bin/program')).toBe(real);
      expect(programInRoot(root, 'program', '/none:/bin')).toBe(real);
      expect(programInRoot(root, join(bench.fixture, 'mine'))).toBe(join(bench.fixture, 'mine'));
      for (const path of ['/bin/loop', '/bin/none', '/bin/sh', `${bench.fixture}/none`]) {
        expect(foundInRoot(root, path), path).toBeUndefined();
      }
    }));
});
