/**
 * The reference server over io_uring in front of the real kernel: what is served is what a plain
 * directory gives, whatever the threads, buffers and flags of its rings, and only INIT, forgets and
 * interrupts come over the device.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Bench, type LiveServer, start } from './testing/live.ts';
import { NOTIFIED, NOTIFYING } from './testing/notifying.ts';
import { counts, holdings, RING, ringAt, whyNoRing } from './testing/ring.ts';
import { SERVER } from './testing/server.ts';

const noRing = whyNoRing();
const CLEAN = { code: 0, signal: undefined, stderr: '' };
let bench: Bench;
let plain: string[] | undefined;

beforeEach((context) => {
  bench = new Bench();
  for (const name of ['mnt', 'mnt2', 'back', 'plain']) mkdirSync(bench.path(name));
  context.skip(noRing !== undefined, noRing);
});
afterEach(() => bench.clear());

async function expected(): Promise<string[]> {
  plain ??= await bench.workload('plain');
  expect(plain.at(-1)).toBe('done');
  return plain;
}

/** Ends it from outside and sees that everything that may come over a ring did. */
async function endRinged(server: LiveServer): Promise<number> {
  expect(await bench.run('umount', bench.path('mnt'))).toEqual({ code: 0, out: '' });
  expect(await server.exit).toEqual(CLEAN);
  expect(bench.left()).toEqual([]);
  const { ring, device, silent } = await counts(server);
  expect(device - silent).toBe(1); // INIT
  return ring;
}

const SYSTEMS = ['memory', 'passthrough'] as const;
const source = (fs: (typeof SYSTEMS)[number]) =>
  fs === 'memory' ? 'memory' : `passthrough=${bench.path('back')}`;

const MODES = [
  '',
  '--ring-threads one',
  '--ring-replies worker',
  '--ring-threads one --ring-replies worker --ring-pin --ring-fixed-file',
  '--ring-pin --ring-depth 2',
  '--ring-fixed-file --ring-depth 64 --threads 3 --clone',
  '--ring-flags single_issuer',
  '--ring-flags single_issuer,defer_taskrun --ring-replies worker',
  '--ring-flags single_issuer,defer_taskrun,taskrun_flag,submit_all --ring-threads one',
  '--ring-flags coop_taskrun,taskrun_flag --ring-pin',
  '--ring-flags submit_all,no_sqarray --ring-fixed-file',
  '--ring-flags single_issuer,defer_taskrun,no_sqarray --ring-replies worker --nonblock',
  '--defer WRITE,READ,CREATE,LOOKUP,SETLKW',
  '--writeback --timeout 0 --no-readdirplus',
  '--max-write 8192 --max-pages 2',
  '--max-write 1048576 --allow-other --default-permissions',
];

describe.each(SYSTEMS)('%s', (fs) => {
  it.each(MODES)('gives the workload what a plain directory gives: "%s"', async (mode) => {
    const server = await ringAt(bench, ['--fs', source(fs), ...mode.split(' ').filter(Boolean)]);
    expect(await bench.workload('mnt')).toEqual(await expected());
    expect(await endRinged(server)).toBeGreaterThan(1000);
  });

  it('carries 1 MiB in one request', async () => {
    const server = await ringAt(bench, ['--fs', source(fs), '--max-write', '1048576']);
    const script = `
      head -c 33554432 /dev/urandom > $1/plain/big
      dd if=$1/plain/big of=$1/mnt/big bs=1M oflag=direct status=none
      dd if=$1/mnt/big bs=1M iflag=direct status=none | cmp - $1/plain/big && echo same`;
    expect(await bench.sh(script)).toEqual({ code: 0, out: 'same' });
    // 32 writes, each perhaps after a question for security.capability, 32 reads, and a few for names;
    // in pieces of 128 KiB the data alone would be 512.
    expect(await endRinged(server)).toBeLessThan(200);
  });

  it('serves clients that outnumber its entries', async () => {
    const server = await ringAt(bench, ['--fs', source(fs), '--ring-depth', '1']);
    const script = `
      cd $1/mnt
      for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
        ( for j in 1 2 3 4 5; do head -c 100000 /dev/zero | tr '\\0' $i > f$i; cksum < f$i; done | sort -u | wc -l ) &
      done; wait; ls | wc -l`;
    const { out } = await bench.sh(script);
    expect(out.split('\n')).toEqual([...Array(12).fill('1'), '12']);
    await endRinged(server);
  });
});

describe.each([[[]], [['--ring-threads', 'one', '--ring-replies', 'worker']]])('%j', (options) => {
  it('notifies, and gives the entry of a NOTIFY_REPLY back', async () => {
    const notify = ['--notify', 'inval,store,retrieve', '--timeout', '1000'];
    const server = await ringAt(bench, [...options, ...notify, '--ring-depth', '1']);
    expect((await bench.sh(NOTIFYING)).out.split('\n')).toEqual(NOTIFIED);
    // One entry a queue: an uncommitted one would stop everything. 30 pages each, so that the data
    // fills most of the payload.
    const script = `
      cd $1/mnt
      head -c 122880 /dev/zero | tr '\\0' x > g
      for i in 1 2 3 4 5 6 7 8; do printf 'retrieve g 0 122880' > .control; done
      until [ $(grep -ac '^retrieved' .control) = 9 ]; do sleep 0.01; done
      grep -a '^retrieved [0-9]* 0 122880 x*$' .control | awk '{ print length($5) }' | sort | uniq -c | sed 's/^ *//'`;
    expect((await bench.sh(script)).out).toBe('8 122880');
    await endRinged(server);
  });

  it('ends a wait for a lock when its client is interrupted', async () => {
    const server = await ringAt(bench, options);
    const script = `
      cd $1/mnt
      exec 7>f; flock 7
      for i in 1 2 3; do
        ( exec 8>f; exec flock 8 ) & waiter=$!
        until grep -qs '^73 ' /proc/$waiter/syscall; do sleep 0.01; done
        sleep 0.1; kill $waiter; { wait $waiter; echo $?; } 2>/dev/null
      done
      flock -u 7; exec 9>f; timeout 5 flock 9 && echo free`;
    expect((await bench.sh(script)).out.split('\n')).toEqual(['143', '143', '143', 'free']);
    await endRinged(server);
    expect((await counts(server)).silent).toBeGreaterThanOrEqual(3);
  });
});

describe('a queue', () => {
  // On one CPU, so that all of them come in by its queue.
  it.each([1, 2, 4])('of %i entries is never full of those who wait for a lock', async (depth) => {
    const server = await ringAt(bench, ['--ring-depth', String(depth)]);
    const script = `
      cd $1/mnt
      exec 7>f; flock 7
      for i in 1 2 3 4 5 6; do ( exec 8>f; flock 8 && echo got it ) 2>&1 & done
      until [ $(stat -c %s f) = 6 ]; do
        printf x >> f; sleep 0.1
      done
      flock -u 7; exec 7>&-; wait`;
    writeFileSync(bench.path('script'), script);
    const { code, out } = await bench.sh('exec taskset -c 0 sh $1/script $1');
    expect(code).toBe(0);
    const waited = out.split('\n').filter((line) => line === 'got it').length;
    const refused = out.split('\n').filter((line) => line.includes('No locks available')).length;
    expect([waited, refused]).toEqual([depth - 1, 6 - (depth - 1)]);
    await endRinged(server);
  });
});

describe('buffers', () => {
  it('are locked into memory when pinned', async () => {
    const server = await ringAt(bench, ['--ring-pin']);
    expect(await bench.workload('mnt', 50)).toContain('done');
    // A queue a CPU, 8 entries each of a page and 128 KiB.
    expect(holdings(server.pid).locked % (8 * 132)).toBe(0);
    expect(holdings(server.pid).locked).toBeGreaterThan(0);
    await endRinged(server);
  });

  it('stay unpinned where the limit does not allow it, and that is said', async () => {
    // Not even root may exceed it without CAP_IPC_LOCK.
    const argv = ['prlimit', '--memlock=65536:65536', 'setpriv', '--bounding-set=-ipc_lock'];
    const mnt = bench.path('mnt');
    const server = await start([...argv, SERVER, ...RING, '--ring-pin', mnt], mnt);
    expect(holdings(server.pid).locked).toBe(0);
    expect(await bench.workload('mnt', 50)).toContain('done');
    expect(await bench.run('umount', bench.path('mnt'))).toEqual({ code: 0, out: '' });
    const { code, stderr } = await server.exit;
    expect(code).toBe(0);
    expect(stderr).toMatch(/^fuse-rig-server: ring: pinning \d+ bytes: .*; going on unpinned$/);
    expect((await counts(server)).ring).toBeGreaterThan(100);
  });
});
