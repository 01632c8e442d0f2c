/**
 * How a server over io_uring ends: whatever ends it, in every model of threads and replies, the exit
 * status is right and nothing is left; and what it does where it can have no ring.
 */
import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Bench, type LiveServer, mounted, start } from './testing/live.ts';
import { counts, holdings, RING, ringAt, whyNoRing } from './testing/ring.ts';
import { SERVER } from './testing/server.ts';

const noRing = whyNoRing();
const CLEAN = { code: 0, signal: undefined, stderr: '' };
let bench: Bench;

beforeEach((context) => {
  bench = new Bench();
  for (const name of ['mnt', 'mnt2', 'back']) mkdirSync(bench.path(name));
  context.skip(noRing !== undefined, noRing);
});
afterEach(() => bench.clear());

async function cleanEnd(server: LiveServer): Promise<void> {
  expect(await server.exit).toEqual(CLEAN);
  expect((await counts(server)).ring).toBeGreaterThan(0);
  expect(bench.left()).toEqual([]);
}

/** The fusectl directory of the mount. */
const CONTROL = '/sys/fs/fuse/connections/$(stat -c %d $1/mnt)';

const MODELS = [
  ['--ring-threads', 'per-queue'],
  ['--ring-threads', 'one', '--ring-flags', 'single_issuer,defer_taskrun'],
  ['--ring-replies', 'worker', '--ring-pin', '--ring-fixed-file'],
  ['--ring-replies', 'worker', '--ring-threads', 'one', '--ring-flags', 'coop_taskrun'],
];

describe.each(MODELS.map((model) => [model]))('the end, %j,', (model) => {
  it('comes with umount', async () => {
    const server = await ringAt(bench, model);
    expect((await bench.sh('echo a > $1/mnt/f; cat $1/mnt/f; umount $1/mnt')).out).toBe('a');
    await cleanEnd(server);
  });

  it('comes with umount before anybody has asked for anything', async () => {
    const server = await ringAt(bench, model);
    await bench.run('umount', bench.path('mnt'));
    expect(await server.exit).toEqual(CLEAN);
    expect(bench.left()).toEqual([]);
  });

  it('comes with umount -f while a file is open; the dead mount is not its to remove', async () => {
    const server = await ringAt(bench, model);
    const { out } = await bench.sh(
      'exec 3>$1/mnt/f; umount -f $1/mnt 2>/dev/null; echo $?; head -c 1 /dev/zero >&3',
    );
    expect(out).toMatch(/^32\n.*(not connected|Software caused)/s);
    expect(await server.exit).toEqual(CLEAN);
    expect(mounted(bench.path('mnt'))).toBe(true);
  });

  it('comes after umount -l when the last file is closed', async () => {
    const server = await ringAt(bench, model);
    const { out } = await bench.sh(
      'exec 3<>$1/mnt/f; umount -l $1/mnt; echo one >&3; cat /proc/self/fd/3; exec 3>&-',
    );
    expect(out).toBe('one');
    await cleanEnd(server);
  });

  it('comes when fusectl aborts, with a request in hand', async () => {
    const server = await ringAt(bench, [...model, '--unanswered', 'MKDIR']);
    const client = bench.sh('exec mkdir $1/mnt/d');
    await bench.sh(`until grep -qx 1 ${CONTROL}/waiting; do sleep 0.01; done`);
    await bench.sh(`echo 1 > ${CONTROL}/abort`);
    expect((await client).code).toBe(1);
    expect(await server.exit).toEqual(CLEAN);
    expect(mounted(bench.path('mnt'))).toBe(true);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('comes with %s', async (signal) => {
    const server = await ringAt(bench, model);
    expect((await bench.sh('mkdir $1/mnt/d; ls $1/mnt')).out).toBe('d');
    server.kill(signal);
    await cleanEnd(server);
  });

  it('comes with SIGTERM while files are open and locks are waited for', async () => {
    const server = await ringAt(bench, model);
    const holder = bench.sh(
      'exec 7<>$1/mnt/f; flock 7; echo $$ > $1/holder; until [ -e $1/gone ]; do sleep 0.01; done; head -c 1 /dev/zero >&7',
    );
    await bench.sh('until [ -s $1/holder ]; do sleep 0.01; done');
    const waiter = bench.sh('exec 8>$1/mnt/f; echo > $1/opened; exec flock 8');
    await bench.sh('until [ -e $1/opened ]; do sleep 0.01; done');
    server.kill('SIGTERM');
    await cleanEnd(server);
    expect((await waiter).code).not.toBe(0);
    // The file stays open on a connection that is gone: an error, no hang.
    await bench.sh('echo > $1/gone');
    expect((await holder).out).toMatch(/not connected|Software caused/);
  });

  it('comes with SIGTERM under load; no client hangs', async () => {
    for (let round = 0; round < 5; round++) {
      const server = await ringAt(bench, model);
      const load = `cd $1/mnt; for i in 1 2 3 4 5 6; do
        ( exec 3<>f$i; while echo x >&3 && stat f$i; do :; done ) >/dev/null 2>&1 & done; echo > $1/begun; wait`;
      const clients = bench.sh(load);
      await bench.sh('until [ -e $1/begun ]; do sleep 0.01; done; rm $1/begun');
      await sleep(20 + 37 * round);
      server.kill('SIGTERM');
      await cleanEnd(server);
      expect((await clients).code).toBe(0);
    }
  });

  it('comes with SIGTERM although a request was never answered; its client gets an error', async () => {
    const server = await ringAt(bench, [...model, '--unanswered', 'MKDIR']);
    const client = bench.sh('exec mkdir $1/mnt/d');
    await bench.sh(`until grep -qx 1 ${CONTROL}/waiting; do sleep 0.01; done`);
    server.kill('SIGTERM');
    await cleanEnd(server);
    expect((await client).code).toBe(1);
  });

  it('of one connection leaves nothing of it with the other', async () => {
    const dirs = [bench.path('mnt'), bench.path('mnt2')] as const;
    const server = await start([SERVER, ...RING, '--mounts', '2', ...model, ...dirs], ...dirs);
    expect((await bench.sh('echo 1 > $1/mnt/a; echo 2 > $1/mnt2/a; cat $1/mnt*/a')).out).toBe(
      '1\n2',
    );
    const before = holdings(server.pid);
    await bench.run('umount', dirs[0]);
    const { locked, devices, rings, eventfds } = before;
    const half = { locked, devices, rings, eventfds };
    for (const name of ['locked', 'devices', 'rings', 'eventfds'] as const) half[name] /= 2;
    // Ended by its own threads, one thing after the other, a moment after umount has returned.
    await expect.poll(() => holdings(server.pid), { timeout: 10_000 }).toMatchObject(half);
    expect((await bench.sh('cat $1/mnt2/a')).out).toBe('2');
    server.kill('SIGTERM');
    await cleanEnd(server);
  });

  it('is a crash: clients get an error', async () => {
    const server = await ringAt(bench, [...model, '--crash-after', '10']);
    const { code, out } = await bench.sh('for i in 1 2 3 4 5 6 7 8 9; do mkdir $1/mnt/$i; done');
    expect(code).toBe(1);
    expect(out).toMatch(/not connected|Software caused/);
    expect((await server.exit).signal ?? (await server.exit).code).toSatisfy(
      (end: unknown) => end === 'SIGSEGV' || end === 139,
    );
  });
});

describe('without a ring', () => {
  const AT_DEVICE = ['--transport', 'ring', '--stats'];

  const nofile = (limit: number) => ({
    what: `${limit} descriptors`,
    options: [] as string[],
    prefix: ['prlimit', `--nofile=${limit}:${limit}`],
    why: 'Too many open files',
  });
  it.each([
    {
      what: 'flags the kernel does not take',
      options: ['--ring-flags', 'defer_taskrun'],
      prefix: [],
      why: 'io_uring_setup: Invalid argument',
    },
    {
      what: 'memory',
      options: ['--ring-depth', '1024'],
      prefix: ['prlimit', `--as=${1 << 26}`],
      why: 'mmap: Cannot allocate memory',
    },
    // 0, 1, 2 and the device are there; then come an eventfd and an io_uring a thread.
    ...[4, 5, 6, 7].map(nofile),
  ])('for $what it goes on on the device', async ({ options, prefix, why }) => {
    const mnt = bench.path('mnt');
    const server = await start([...prefix, SERVER, ...AT_DEVICE, ...options, mnt], mnt);
    expect(await bench.workload('mnt', 50)).toContain('done');
    server.kill('SIGTERM');
    const { code, stderr } = await server.exit;
    expect(code).toBe(0);
    expect(stderr).toMatch(/^fuse-rig-server: ring: [^\n]*; going on on \/dev\/fuse$/);
    expect(stderr).toContain(why);
    expect((await counts(server)).ring).toBe(0);
    expect(bench.left()).toEqual([]);
  });

  it('it ends with an error where one is required', async () => {
    // It may be gone before anybody has seen its mount.
    const words = [...RING, '--ring-flags', 'defer_taskrun', bench.path('mnt')];
    const { code, out } = await bench.run(SERVER, ...words);
    expect(code).toBe(1);
    const said = out.split('\n');
    expect(said).toContain('fuse-rig-server: ring: io_uring_setup: Invalid argument');
    expect(said).toContain('fuse-rig-server: ending, since --ring-required was given');
    expect(bench.left()).toEqual([]);
  });

  it('it says which options cannot be', async () => {
    const wrong = async (...options: string[]) =>
      (await bench.run(SERVER, ...options, bench.path('mnt'))).out;
    expect(await wrong('--ring-required')).toMatch(/--ring-required needs --transport ring$/);
    expect(await wrong('--transport', 'ring', '--minor', '41')).toMatch(/--minor 42 or more$/);
    expect(await wrong('--ring-flags', 'sqpoll')).toMatch(/--ring-flags is one of .*"sqpoll"$/);
    expect(await wrong('--ring-depth', '0')).toMatch(/--ring-depth needs a number from 1 to 1024/);
  });
});
