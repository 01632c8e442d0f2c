/**
 * The reference server in front of the real kernel: every way to mount, receive and reply gives a
 * workload the results that a plain directory gives, and every end leaves nothing behind.
 */
import { mkdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nativePath } from '../load.ts';
import { Bench, mounted, serverAt, start, whyNoMount } from './testing/live.ts';
import { NOTIFIED, NOTIFYING } from './testing/notifying.ts';
import { SERVER } from './testing/server.ts';

const noMount = whyNoMount();
let bench: Bench;
let plain: string[] | undefined;

beforeEach((context) => {
  bench = new Bench();
  for (const name of ['mnt', 'mnt2', 'back', 'plain']) mkdirSync(bench.path(name));
  context.skip(noMount !== undefined, noMount);
});
afterEach(() => bench.clear());

/** What the workload says on the directory that the passthrough serves, without the server. */
async function expected(): Promise<string[]> {
  plain ??= await bench.workload('plain');
  expect(plain.at(-1)).toBe('done');
  return plain;
}

const SYSTEMS = ['memory', 'passthrough'] as const;
const source = (fs: (typeof SYSTEMS)[number]) =>
  fs === 'memory' ? 'memory' : `passthrough=${bench.path('back')}`;

const MODES = [
  '',
  '--threads 4',
  '--threads 3 --clone',
  '--threads 3 --clone --nonblock=epoll',
  '--nonblock=poll --io readv --reply write',
  '--io splice --reply splice',
  '--threads 2 --clone --io splice --reply splice --nonblock=poll',
  '--mount newapi',
  '--mount fusermount',
  '--writeback',
  '--defer WRITE,READ,CREATE,LOOKUP',
  '--max-write 4096 --max-pages 1 --no-readdirplus',
  '--max-write 1048576 --allow-other --default-permissions --timeout 0',
];

describe.each(SYSTEMS)('%s', (fs) => {
  it.each(MODES)('gives the workload what a plain directory gives: "%s"', async (mode) => {
    const server = await serverAt(bench, ['--fs', source(fs), ...mode.split(' ').filter(Boolean)]);
    expect(await bench.workload('mnt')).toEqual(await expected());
    // Half of the modes end from the outside, half by a signal.
    if (MODES.indexOf(mode) % 2 === 1) server.kill('SIGTERM');
    else expect(await bench.run('umount', bench.path('mnt'))).toEqual({ code: 0, out: '' });
    expect(await server.exit).toEqual({ code: 0, signal: undefined, stderr: '' });
    expect(bench.left()).toEqual([]);
  });

  // What the kernel can do with a minor so old, it does alike.
  it.each([3, 8, 22])('speaks the layouts of minor %i', async (minor) => {
    const server = await serverAt(bench, ['--fs', source(fs), '--minor', String(minor)]);
    const same = (line: string) => /^(file|xattr|entries|locks|mmap|deleted):/.test(line);
    const lines = await bench.workload('mnt');
    expect(lines.filter(same)).toEqual((await expected()).filter(same));
    server.kill('SIGINT');
    expect(await server.exit).toEqual({ code: 0, signal: undefined, stderr: '' });
    expect(bench.left()).toEqual([]);
  });

  it('serves a descriptor that somebody else has mounted', async () => {
    const script = `exec 5<>/dev/fuse && mount -i -t fuse -o fd=5,rootmode=40000,user_id=0,group_id=0 x "$1"/mnt && exec "$0" --fs "$2" /dev/fd/5`;
    const argv = ['sh', '-c', script, SERVER, bench.dir, source(fs)];
    const server = await start(argv, bench.path('mnt'));
    expect(await bench.workload('mnt')).toEqual(await expected());
    await bench.run('umount', bench.path('mnt'));
    expect(await server.exit).toEqual({ code: 0, signal: undefined, stderr: '' });
    expect(bench.left()).toEqual([]);
  });
});

describe('other ways to live', () => {
  it('lets the kernel do the I/O: READ and WRITE are not even answered', async () => {
    const options = ['--passthrough-io', '--unanswered', 'READ,WRITE'];
    const server = await serverAt(bench, ['--fs', source('passthrough'), ...options]);
    expect(await bench.workload('mnt')).toEqual(await expected());
    server.kill('SIGTERM');
    expect((await server.exit).code).toBe(0);
  });

  it('runs without a dynamic linker', async () => {
    const argv = [nativePath('fuse-rig-server-static'), '--threads', '2', bench.path('mnt')];
    const server = await start(argv, bench.path('mnt'));
    expect(await bench.workload('mnt', 50)).toContain('done');
    server.kill('SIGHUP');
    expect(await server.exit).toEqual({ code: 0, signal: undefined, stderr: '' });
  });

  it('goes into the background once it is mounted', async () => {
    const { code, out } = await bench.run(SERVER, '--daemon', '--fs', 'memory', bench.path('mnt'));
    expect({ code, out }).toEqual({ code: 0, out: '' });
    expect(mounted(bench.path('mnt'))).toBe(true);
    const pids = await bench.run('pgrep', '-f', bench.path('mnt'));
    expect(await bench.workload('mnt', 50)).toContain('done');
    await bench.run('umount', bench.path('mnt'));
    // It is nobody's child here: waited for by its process directory.
    for (const pid of pids.out.split('\n').filter(Boolean)) {
      const script = `while kill -0 ${pid} 2>/dev/null && ! grep -q '^State:.Z' /proc/${pid}/status; do sleep 0.05; done`;
      expect((await bench.sh(script)).code).toBe(0);
    }
    expect(bench.left()).toEqual([]);
  });

  it('serves two mounts that end one after the other', async () => {
    const dirs = [bench.path('mnt'), bench.path('mnt2')] as const;
    const server = await start([SERVER, '--mounts', '2', ...dirs], ...dirs);
    expect((await bench.sh('echo one > $1/mnt/a; echo two > $1/mnt2/a; cat $1/mnt*/a')).out).toBe(
      'one\ntwo',
    );
    await bench.run('umount', dirs[0]);
    expect((await bench.sh('cat $1/mnt2/a')).out).toBe('two');
    server.kill('SIGTERM');
    expect(await server.exit).toEqual({ code: 0, signal: undefined, stderr: '' });
    expect(bench.left()).toEqual([]);
  });
});

describe('the end', () => {
  it.each([[[]], [['--threads', '3', '--clone', '--nonblock=epoll']]])(
    'comes at SIGTERM even while files are open and locks are waited for: %j',
    async (options) => {
      const server = await serverAt(bench, options);
      const client = bench.sh(`exec 7>$1/mnt/f; flock 7; echo $$ > $1/holder; exec sleep 50`);
      await bench.sh('until [ -s $1/holder ]; do sleep 0.01; done');
      const waiting = bench.sh('exec 8>$1/mnt/f; echo > $1/opened; exec flock 8');
      await bench.sh('until [ -e $1/opened ]; do sleep 0.01; done');
      server.kill('SIGTERM');
      expect(await server.exit).toEqual({ code: 0, signal: undefined, stderr: '' });
      expect(bench.left()).toEqual([]);
      // ENOLCK if the lock was being waited for, else the dead connection.
      expect((await waiting).code).not.toBe(0);
      await bench.sh('kill $(cat $1/holder)');
      await client;
    },
  );

  it('comes at SIGTERM although a request was never answered; its client gets an error', async () => {
    const server = await serverAt(bench, ['--unanswered', 'LOOKUP']);
    const client = bench.sh('exec stat $1/mnt/a');
    const waiting =
      'until cat /sys/fs/fuse/connections/*/waiting | grep -qv "^0$"; do sleep 0.01; done';
    await bench.sh(waiting);
    server.kill('SIGTERM');
    expect(await server.exit).toEqual({ code: 0, signal: undefined, stderr: '' });
    expect((await client).code).toBe(1);
    expect(bench.left()).toEqual([]);
  });

  it('unmounts by fusermount although the signal went to the whole process group', async () => {
    for (let round = 0; round < 15; round++) {
      const argv = ['setsid', SERVER, '--mount', 'fusermount', bench.path('mnt')];
      const server = await start(argv, bench.path('mnt'));
      // Again and again until nobody is left, so that one meets the program that unmounts.
      expect(() => {
        for (;;) process.kill(-server.pid, 'SIGTERM');
      }).toThrow('ESRCH');
      expect((await server.exit).code).toBe(0);
      expect(bench.left()).toEqual([]);
    }
  });

  it('does not come at SIGTERM when told so, but with the unmount', async () => {
    const server = await serverAt(bench, ['--ignore-sigterm']);
    server.kill('SIGTERM');
    expect(await bench.workload('mnt', 20)).toContain('done');
    await bench.run('umount', bench.path('mnt'));
    expect(await server.exit).toEqual({ code: 0, signal: undefined, stderr: '' });
  });

  it('leaves a dead mount when told to exit at once', async () => {
    const server = await serverAt(bench, ['--exit-on-signal']);
    server.kill('SIGTERM');
    expect((await server.exit).code).toBe(143);
    expect(mounted(bench.path('mnt'))).toBe(true);
  });
});

describe('notifications', () => {
  it('reach the page cache', async () => {
    const kinds = 'inval,store,retrieve';
    const server = await serverAt(bench, ['--notify', kinds, '--timeout', '1000']);
    expect((await bench.sh(NOTIFYING)).out.split('\n')).toEqual(NOTIFIED);
    server.kill('SIGTERM');
    expect(await server.exit).toEqual({ code: 0, signal: undefined, stderr: '' });
    expect(bench.left()).toEqual([]);
  });
});
