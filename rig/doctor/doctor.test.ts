/** The examination: what it concludes, what it says of this machine, and of machines that lack something. */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { nativePath } from '../../native/load.ts';
import { doctorJson, doctorText } from '../report/doctor.ts';
import { type Examination, examine, GROUPS } from './examine.ts';
import { findProgram } from './find_program.ts';
import { type Need, NOT_TRIED, ofCall, type Probed, type State } from './probe.ts';

const ODD = nativePath('fuse-rig-odd-server');
const bin = fileURLToPath(new URL('../cli/bin.mjs', import.meta.url));

const probed = (name: string, need: Need, state: State): Probed => ({
  name,
  need,
  state,
  detail: `detail of ${name}`,
  costs: `cost of ${name}`,
  remedy: `remedy for ${name}`,
});
const examined = (...probes: Probed[]): Examination =>
  examine([{ title: 'a group', look: () => probes }]);

describe('the conclusion', () => {
  it('asks of replay only what replay needs, of record both', () => {
    const found = examined(
      probed('seam', 'replay', 'ok'),
      probed('device', 'record', 'missing'),
      probed('gdb', 'extra', 'missing'),
    );
    expect(found.replay).toEqual({ ok: true, lacks: [] });
    expect(found.record).toEqual({ ok: false, lacks: ['device'] });
    const none = examined(probed('seam', 'replay', 'missing'), probed('device', 'record', 'ok'));
    expect(none.replay).toEqual({ ok: false, lacks: ['seam'] });
    expect(none.record).toEqual({ ok: false, lacks: ['seam'] });
  });

  it('takes nothing for granted that was not tried, and names only causes', () => {
    const found = examined(
      probed('listener', 'replay', 'missing'),
      probed('memory', 'replay', 'unknown'),
    );
    expect(found.replay).toEqual({ ok: false, lacks: ['listener'] });
    expect(examined(probed('memory', 'replay', 'unknown')).replay.ok).toBe(false);
  });

  it('reads results of calls', () => {
    expect(ofCall(0, 'fine')).toEqual({ state: 'ok', detail: 'fine' });
    expect(ofCall(7)).toEqual({ state: 'ok', detail: '' });
    expect(ofCall(-13)).toEqual({ state: 'missing', detail: 'EACCES' });
    expect(ofCall(NOT_TRIED, 'fine')).toEqual({ state: 'unknown', detail: 'not tried' });
  });
});

describe('the report', () => {
  const found = examined(probed('seam', 'replay', 'ok'), probed('device', 'record', 'missing'));

  it('gives cost and remedy of what is missing, and of nothing else', () => {
    const text = doctorText({ ...found, uid: 0 });
    expect(text).toMatch(/ as root\n/);
    expect(text).toMatch(/\n {2}ok {7}seam +detail of seam\n {2}missing {2}device +detail/);
    expect(text).toContain(
      '\n           costs   cost of device\n           get it  remedy for device\n',
    );
    expect(text).not.toContain('cost of seam');
    expect(text).toMatch(
      /\nreplay {2}works here\nrecord {2}does not work here; it lacks device\n$/,
    );
    expect(doctorText({ ...found, uid: 1000 })).toContain('as an ordinary user (uid 1000)');
  });

  it('says the same as JSON', () => {
    expect(JSON.parse(doctorJson(found))).toMatchObject({
      replay: { ok: true, lacks: [] },
      record: { ok: false, lacks: ['device'] },
      probes: [
        { group: 'a group', name: 'seam', need: 'replay', state: 'ok', detail: 'detail of seam' },
        { name: 'device', state: 'missing', costs: 'cost of device', remedy: 'remedy for device' },
      ],
    });
    expect(doctorJson(found)).not.toContain('cost of seam');
  });
});

describe('programs', () => {
  it('are found as execvp would, or not', () => {
    expect(findProgram('sh')).toMatch(/^\/.*\/sh$/);
    expect(findProgram('no-such-program-anywhere')).toBeUndefined();
  });
});

interface Json extends Omit<Examination, 'groups'> {
  probes: (Probed & { group: string })[];
}
const SOMEBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];

/** Runs the command behind `words` (a program that runs another), in `env`. */
const doctor = async (before: string[], env: Record<string, string> = {}) => {
  const [program = '', ...args] = [...before, process.execPath, bin, 'doctor', '--json'];
  const { exitCode, stdout, stderr } = await execa(program, args, { reject: false, env });
  expect(stderr).toBe('');
  return { exitCode, json: JSON.parse(stdout) as Json };
};

const mounts = (): string => readFileSync('/proc/self/mountinfo', 'utf8');
const children = (): string[] =>
  readdirSync('/proc/self/task').flatMap((tid) =>
    readFileSync(`/proc/self/task/${tid}/children`, 'utf8').split(' ').filter(Boolean),
  );

describe('this machine', () => {
  it('is examined by every group, every probe with a name of its own', () => {
    const found = examine();
    expect(found.groups.map((group) => group.title)).toEqual(GROUPS.map((group) => group.title));
    const names = found.groups.flatMap((group) => group.probes.map((probe) => probe.name));
    expect(new Set(names).size).toBe(names.length);
    // The tests of this project need what replay needs.
    expect(found.replay).toEqual({ ok: true, lacks: [] });
  });

  it('is left as it was', () => {
    const before = mounts();
    examine();
    expect(mounts()).toEqual(before);
    expect(children()).toEqual([]);
  });

  it('is judged as an ordinary user too', async (context) => {
    context.skip(process.geteuid?.() !== 0, 'only root can become somebody else');
    const { exitCode, json } = await doctor(SOMEBODY);
    expect({ exitCode, uid: json.uid, replay: json.replay }).toEqual({
      exitCode: 0,
      uid: 65534,
      replay: { ok: true, lacks: [] },
    });
    const mounting = json.probes.find((probe) => probe.name === 'mounting');
    // Without privileges of its own the way to mount is fusermount3, or there is none.
    expect(mounting?.detail).toMatch(/fusermount3/);
  });
});

describe('a machine that lacks something', () => {
  it('has too few descriptors', async () => {
    const { exitCode, json } = await doctor(['prlimit', '--nofile=127']);
    expect({ exitCode, replay: json.replay }).toEqual({
      exitCode: 77,
      replay: { ok: false, lacks: ['open files'] },
    });
  });

  it('has too few of them to start', async () => {
    const words = ['--nofile=50', process.execPath, bin, 'doctor'];
    const { exitCode, stderr } = await execa('prlimit', words, { reject: false });
    expect({ exitCode, stderr }).toEqual({
      exitCode: 77,
      stderr: 'fuse-rig: too few files may be open to start; run ulimit -n 1024',
    });
  });

  it('has no place for scratch files', async () => {
    const { exitCode, json } = await doctor([], { TMPDIR: '/nonexistent' });
    expect({ exitCode, replay: json.replay }).toEqual({
      exitCode: 77,
      replay: { ok: false, lacks: ['scratch directory'] },
    });
  });

  it('supervises us already', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'fuse-rig-nested-'));
    try {
      const inner = [process.execPath, bin, 'doctor', '--json'];
      const outer = [bin, 'record', '-q', '-o', join(dir, 'x.fusecap'), '--', ...inner];
      const { stdout } = await execa(process.execPath, outer, { reject: false });
      const json = JSON.parse(stdout) as Json;
      expect(json.replay).toEqual({ ok: false, lacks: ['seccomp listener'] });
      const listener = json.probes.find((probe) => probe.name === 'seccomp listener');
      expect(listener).toMatchObject({ state: 'missing', detail: 'EBUSY' });
      expect(listener?.remedy).toContain('another program already listens');
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it.each([
    [[425], [], 'io_uring_setup (EPERM)'],
    [
      [310, 438],
      ['process_vm_readv', 'pidfd_getfd'],
      'process_vm_readv (EPERM), pidfd_getfd (EPERM)',
    ],
    [[317], ['seccomp listener'], 'seccomp (EPERM)'],
  ])('has a seccomp profile that forbids %j', async (numbers, lacks, forbidden) => {
    const { exitCode, json } = await doctor([ODD, 'profile', numbers.join()]);
    expect({ exitCode, replay: json.replay }).toEqual({
      exitCode: lacks.length === 0 ? 0 : 77,
      replay: { ok: lacks.length === 0, lacks },
    });
    const profile = json.probes.find((probe) => probe.name === 'seccomp profile');
    expect(profile).toMatchObject({ state: 'missing' });
    expect(profile?.detail).toMatch(/^\d+ filters?; forbids /);
    expect(profile?.detail.endsWith(forbidden)).toBe(true);
  });

  it('has a seccomp profile that forbids nothing we need', async () => {
    const { exitCode, json } = await doctor([ODD, 'profile', '246']);
    const profile = json.probes.find((probe) => probe.name === 'seccomp profile');
    expect({ exitCode, profile }).toMatchObject({
      exitCode: 0,
      profile: { state: 'ok', detail: expect.stringMatching(/^\d+ filters?; forbids nothing/) },
    });
  });

  it('has a fusermount3 that is not setuid', async (context) => {
    context.skip(process.geteuid?.() !== 0, 'only root can become somebody else');
    const dir = mkdtempSync(join(tmpdir(), 'fuse-rig-path-'));
    try {
      chmodSync(dir, 0o755);
      symlinkSync('/bin/true', join(dir, 'fusermount3'));
      const { json } = await doctor([...SOMEBODY, 'env', `PATH=${dir}`]);
      const mounting = json.probes.find((probe) => probe.name === 'mounting');
      expect(mounting).toMatchObject({ state: 'missing' });
      expect(mounting?.detail).toMatch(/^mount\(2\): EPERM; .*\/fusermount3 is not setuid root$/);
      expect(json.record.lacks).toContain('mounting');
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
