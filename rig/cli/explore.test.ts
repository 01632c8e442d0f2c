/** `fuse-rig explore` as it is typed: what it finds by itself, keeps, and goes on with. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Run } from '../../faults/explore/outcome.ts';
import { Place, SERVER } from './testing/place.ts';

// Many replays, on a machine that may be busy with others.
vi.setConfig({ testTimeout: 240_000 });
const LIMIT_S = 200;

const BRIEF = fileURLToPath(
  new URL('../../corpus/cases/reference-memory-brief/capture.fusecap', import.meta.url),
);

let place: Place;
beforeEach(() => {
  place = new Place();
});
afterEach(() => place.remove());

const server = (...options: string[]) => [
  '--',
  '{server}',
  '--fs',
  'memory',
  ...options,
  '{mountpoint}',
];
const explore = (args: readonly string[], command = server()) =>
  place.type(['explore', BRIEF, '--out', 'out', ...args, ...command], { limit: LIMIT_S });

const runsIn = (file = 'out/runs.jsonl'): Run[] =>
  readFileSync(place.at(file), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Run);
const indices = (runs: readonly Run[]) => runs.map(({ index }) => index).sort((a, b) => a - b);
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);

describe('fuse-rig explore', () => {
  it('says what was covered, and how to do it again', async () => {
    const { exitCode, stdout, stderr } = await explore(['--runs', '24', '--jobs', '2']);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^capture\.fusecap {2}24 runs {2}\d+ single faults {2}seed 1 {2}2 jobs/);
    expect(stdout).toMatch(/^ +read=EINTR +([.\d]+ *)+$/m);
    expect(stdout).toMatch(/^2 runs were made twice, 0 of them differed$/m);
    expect(stdout.split('\n').at(-1)).toMatch(
      /^reproduce {3}fuse-rig explore .* --runs 24 --seed 1 --out out -- '{server}' --fs memory '{mountpoint}'$/,
    );
    expect(exitCode).toBe(0);
    expect(indices(runsIn())).toEqual(upTo(24));
    expect(place.left('out')).toEqual([]);
  });

  it('finds a server that fails without any fault, and keeps the smallest case of it', async () => {
    const bug = server('--bug', 'double-reply');
    const { exitCode, stdout } = await explore(['--runs', '3', '--jobs', '1'], bug);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^FAIL conformance .*\n {5}run 0 {2}no fault$/m);
    const [, requests = '', of = ''] =
      /^ {5}smallest {5}fails without any fault, (\d+) of (\d+) requests/m.exec(stdout) ?? [];
    expect(Number(requests)).toBeLessThan(5);
    expect(Number(of)).toBeGreaterThan(30);
    // The first failure was enough.
    expect(indices(runsIn())).toEqual([0]);
  });

  it('finds what only a teardown from outside shows, as a case that corpus run runs', async () => {
    // Without faults the session ends by SIGTERM, and the server unmounts as it should.
    const bug = server('--bug', 'double-unmount');
    const words = ['--runs', '60', '--jobs', '2', '--end', 'sigterm'];
    const { exitCode, stdout } = await explore(words, bug);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^FAIL mounts +the server unmounted a mountpoint that was not its own/m);
    expect(stdout).toMatch(/^ {5}smallest {5}(unmount|lazy):at=before-init, 1 of 39 requests/m);

    // What it keeps is a case like any other, with its plan.
    const [name = ''] = readdirSync(place.at('out/cases'));
    const dir = join('out/cases', name);
    expect(readdirSync(place.at(dir)).sort()).toEqual(
      ['README.md', 'capture.fusecap', 'case.yaml', 'plan.yaml'].sort(),
    );
    const ran = await place.type(['corpus', 'run', 'out/cases', '--json']);
    const [, one] = ran.stdout.split('\n').map((line) => JSON.parse(line));
    expect(one).toMatchObject({ name, plan: 'plan.yaml', status: 'pass', exit: 1 });
    expect(one.replay.plan).toMatchObject([{ fired: 1 }]);
    expect(ran.exitCode).toBe(0);
    // With the bug gone it is news.
    const clean = ['--server', `${SERVER} --fs memory {mountpoint}`];
    const mended = await place.type(['corpus', 'run', 'out/cases', ...clean]);
    expect(mended.stdout).toContain('mounts: pass, expected fail');
    expect(mended.exitCode).toBe(1);

    // The one command that does it again.
    const [, command = ''] = /^ {5}reproduce {4}fuse-rig (.*)$/m.exec(stdout) ?? [];
    expect(readFileSync(place.at(join(dir, 'README.md')), 'utf8')).toContain(`fuse-rig ${command}`);
    const again = await place.type(command.replaceAll("'", '').split(' '));
    expect(again.exitCode).toBe(1);
    expect(again.stdout).toMatch(/^FAIL mounts +the server unmounted/m);
  });

  it('calls what only synthetic faults find by that name', async () => {
    // It takes the errno of a failed reply for a reason to reply again.
    const bug = server('--transport', 'ring', '--ring-required', '--bug', 'lock-kept-on-error');
    const plan = ['--runs', '40', '--jobs', '2', '--cpus', '2', '--synthetic'];
    const { exitCode, stdout } = await explore(plan, bug);
    expect(stdout).toMatch(/^synthetic termination +the server hangs: every thread waits/m);
    expect(stdout).not.toMatch(/^FAIL/m);
    expect(stdout).toMatch(/0 causes of failure, \d+ of synthetic faults alone/);
    expect(exitCode).toBe(1);
  });

  it('goes on after Ctrl-C where it stopped, and runs nothing twice', async () => {
    const words = ['--runs', '40', '--jobs', '2'];
    const first = explore(words);
    const file = place.at('out/runs.jsonl');
    await place.until(() => existsSync(file) && runsIn().length >= 4);
    first.kill('SIGINT');
    const stopped = await first;
    expect(stopped.stderr).toContain('stopping after the runs on their way');
    const before = runsIn().length;
    if (before < 40) {
      expect(stopped.exitCode).toBe(6);
      expect(stopped.stdout).toMatch(/^\d+ runs \(not all\)/m);
    }
    // As a crash would leave it.
    writeFileSync(file, '{"index":3', { flag: 'a' });
    const second = await explore(words);
    expect(second.stdout).toContain(`${before} of them were made before: out`);
    expect(second.exitCode).toBe(0);
    expect(indices(runsIn())).toEqual(upTo(40));
    expect(place.left('out')).toEqual([]);
  });

  it('is told of a worker that dies, and goes on with the next run', async () => {
    const child = explore(['--runs', '30', '--jobs', '1', '--keep-going']);
    const file = place.at('out/runs.jsonl');
    await place.until(() => existsSync(file) && runsIn().length >= 2);
    const isWorker = (pid: number) =>
      readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('explore/worker');
    for (const pid of place.processes().filter(isWorker)) process.kill(pid, 'SIGKILL');
    const { exitCode, stdout } = await child;
    expect(stdout).toMatch(/^RIG +rig +WorkerDied: the worker process died of SIGKILL$/m);
    expect(exitCode).toBe(4);
    const runs = runsIn();
    expect(indices(runs)).toEqual(upTo(30));
    expect(runs.filter(({ outcome }) => outcome.exit === 4)).toHaveLength(1);
    expect(place.left('out')).toEqual([]);
  });

  it('prints JSON Lines', async () => {
    const { stdout } = await explore(['--runs', '3', '--json']);
    const events = stdout.split('\n').map((line) => JSON.parse(line));
    expect(events.map(({ kind }) => kind)).toEqual(['begin', 'run', 'run', 'run', 'end']);
    expect(events.at(-1)).toMatchObject({
      runs: 3,
      audited: 1,
      differing: 0,
      whole: true,
      exit: 0,
    });
  });
});

describe('what cannot be explored is said in one line', () => {
  it.each([
    [['--runs', '0'], /^fuse-rig: --runs 0: not a number of runs; give one from 1 to/],
    [['--seed', '-1'], /--seed -1: not a seed; give a whole number/],
    [['--jobs', '0'], /--jobs 0: not a number of jobs; give one from 1 to 64/],
    [['--shard', '3/2'], /--shard 3\/2: not a shard; give one such as --shard 1\/4/],
    [['--cpus', '65'], /--cpus 65: not a number of queues/],
  ])('%j', async (args, says) => {
    const { exitCode, stderr } = await explore(args);
    expect(stderr).toMatch(says);
    expect(stderr.split('\n')).toHaveLength(1);
    expect(exitCode).toBe(2);
    expect(place.left()).toEqual([]);
  });

  it('a server without a place for the mountpoint, one that is not there, no capture', async () => {
    const nowhere = await explore([], ['--', 'bindfs', '-f']);
    expect(nowhere.stderr).toBe(
      'fuse-rig: "bindfs -f" has no {mountpoint}; write it where the server takes it',
    );
    const absent = await explore([], ['--', '/no/such/server', '{mountpoint}']);
    expect(absent.stderr).toMatch(/^fuse-rig: cannot start \/no\/such\/server: ENOENT;/);
    const none = await place.type(['explore', 'none.fusecap', ...server()]);
    expect(none.stderr).toBe('fuse-rig: none.fusecap: no such capture');
    expect([nowhere, absent, none].map(({ exitCode }) => exitCode)).toEqual([2, 2, 2]);
  });

  it('a directory as the capture, and a folder that cannot be made', async () => {
    const dir = await place.type(['explore', place.dir, ...server()]);
    expect(dir.stderr).toBe(
      `fuse-rig: ${place.dir}: not a file; name a capture that fuse-rig record wrote`,
    );
    const words = ['explore', BRIEF, '--out', '/proc/none/out', '--runs', '1', ...server()];
    const procfs = await place.type(words);
    expect(procfs.stderr).toMatch(/\/proc\/none\/out cannot be written: ENOENT; name a writable/);
    expect([dir, procfs].map(({ exitCode }) => exitCode)).toEqual([2, 2]);
  });

  it('a folder that holds another campaign', async () => {
    await explore(['--runs', '1']);
    const { exitCode, stderr } = await explore(['--runs', '1', '--seed', '2']);
    expect(stderr).toBe(
      `fuse-rig: ${place.at('out')} holds a campaign with another seed; name another --out, or remove it`,
    );
    expect(exitCode).toBe(2);
    const ways = await explore(['--runs', '1', '--serial']);
    expect(ways.stderr).toMatch(/holds a campaign with other options; name another --out/);
    mkdirSync(place.at('other'));
    writeFileSync(place.at('other/campaign.json'), 'no');
    const words = ['explore', BRIEF, '--out', 'other', '--runs', '1', ...server()];
    expect((await place.type(words)).stderr).toMatch(
      /campaign\.json cannot be read: it is no JSON/,
    );
  });
});
