/** Faults as they are typed: what is shown of them, what a run comes to, and input that is no rule. */
import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Place, SERVER, SMALL } from './testing/place.ts';

let place: Place;
beforeEach(() => {
  place = new Place();
});
afterEach(() => place.remove());

const server = ['--', SERVER, '--fs', 'memory', '{mountpoint}'];
const replay = (...args: string[]) =>
  place.type(['replay', SMALL, '--transport', 'device', ...args, ...server]);

describe('fuse-rig replay --fault', () => {
  it('has a line for every rule, and a reproducing command that holds them', async () => {
    const faults = ['--fault', 'LOOKUP:read=EINTR:when=2', '--fault', 'READ:write=EINTR'];
    const { exitCode, stdout } = await replay(...faults, '--twice');
    expect(stdout).toMatch(/^LOOKUP:read=EINTR:when=2 +fired once, at request \d+ LOOKUP$/m);
    expect(stdout).toMatch(/^READ:write=EINTR +fired once, at request \d+ READ {2}\(synthetic\)$/m);
    expect(stdout).toContain('pass determinism  two runs, one log');
    expect(stdout.split('\n').at(-1)).toContain(faults.join(' '));
    expect(exitCode).toBe(0);
    const elsewhere = await replay('--cwd', '/usr', '--allow-devices');
    expect(elsewhere.stdout.split('\n').at(-1)).toContain(' --cwd /usr --allow-devices -- ');
    const large = await replay('--seed', '18446744073709551615');
    expect(large.stderr).toMatch(/not a number; .*below 2\^53/);
  });

  it('keeps each fault in the capture of the run, before what it caused', async () => {
    const kept = place.at('run.fusecap');
    expect((await replay('--fault', 'GETATTR:read=EINTR:when=1', '--keep', kept)).exitCode).toBe(0);
    const { stdout } = await place.type(['show', kept]);
    expect(stdout).toMatch(
      / GETATTR:read=EINTR:when=1 at deliver GETATTR #\d+ = -EINTR \(INJECTED\)\n.* transport .*= -EINTR\n/,
    );
    const json = await place.type(['show', kept, '--json']);
    const events = json.stdout.split('\n').map((line) => JSON.parse(line));
    expect(events.filter(({ kind }) => kind === 'injected')).toMatchObject([
      { rule: 1, fault: 'read', fate: 'kept', synthetic: false, goesOn: true, refused: false },
    ]);
  });

  it('that never comes true is named, and makes the run inconclusive', async () => {
    const { exitCode, stdout } = await replay('--fault', 'READ:read=EINTR:when=999');
    expect(stdout).toMatch(
      /^READ:read=EINTR:when=999 +NEVER FIRED: no moment of this run fits it$/m,
    );
    expect(exitCode).toBe(6);
  });

  it('that is of the other transport says so', async () => {
    // Nobody has said --transport device: only the run shows that the server takes no ring.
    const run = ['replay', SMALL, '--fault', 'cqe=EAGAIN', '--fault', 'clone-loss:at=delivered'];
    const { exitCode, stdout } = await place.type([
      ...run,
      '--',
      SERVER,
      '--fs',
      'memory',
      '{mountpoint}',
    ]);
    expect(stdout).toMatch(/^cqe=EAGAIN +NEVER FIRED: .*: it belongs to the ring, and the server/m);
    expect(stdout).toMatch(/^clone-loss:at=delivered +NEVER FIRED: refused .*has one handle/m);
    expect(exitCode).toBe(6);
  });

  it('that is refused as by the kernel is named too', async () => {
    const { exitCode, stdout } = await replay('--fault', 'READ:unmount:at=delivered');
    expect(stdout).toMatch(/^READ:unmount:at=delivered +NEVER FIRED: refused once with EBUSY/m);
    expect(exitCode).toBe(6);
  });

  it('says that what fails under synthetic faults alone is no bug by itself', async () => {
    const args = ['--fault', 'LOOKUP:write=EINTR:when=1'];
    const crash = ['--', SERVER, '--fs', 'memory', '--crash-after', '9', '{mountpoint}'];
    const run = ['replay', SMALL, '--transport', 'device', ...args, ...crash];
    const { exitCode, stdout } = await place.type(run);
    expect(stdout).toMatch(/^FAIL termination/m);
    expect(stdout).toMatch(/^note synthetic {4}no kernel does what this plan did/m);
    expect(exitCode).toBe(1);
  });

  it.each([
    [
      ['--fault', 'READ:raed=EIO'],
      /^fuse-rig: --fault "READ:raed=EIO": column 6: no fault "raed"; did you mean read\?$/,
    ],
    [
      ['--fault', 'cqe=EAGAIN'],
      /"cqe=EAGAIN" means nothing with --transport device; leave that out/,
    ],
    [['--fault', ''], /--fault "": column 1: the rule is empty; write one such as/],
    [
      ['--plan', 'gone.yaml'],
      /^fuse-rig: --plan gone.yaml: cannot be read: ENOENT; name a YAML file/,
    ],
    [['--plan', '.'], /--plan .: cannot be read: it is no file; name a YAML file/],
  ])('refuses %j in one line', async (args, says) => {
    const { exitCode, stdout, stderr } = await replay(...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(says);
    expect(stderr.split('\n')).toHaveLength(1);
  });

  it('takes a plan from a file, and its seed', async () => {
    writeFileSync(
      place.at('p.yaml'),
      'seed: 42\nrules: [{fault: abort, at: delivered, when: 3}]\n',
    );
    const { exitCode, stdout } = await replay('--plan', 'p.yaml', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      seed: 42,
      plan: [{ rule: 'abort:at=delivered:when=3', fired: 1, synthetic: false }],
    });
    expect(exitCode).toBe(0);
    writeFileSync(place.at('p.yaml'), 'rules:\n  - fault: abort\n    at: nowhere\n');
    const bad = await replay('--plan', 'p.yaml');
    expect({ exitCode: bad.exitCode, stderr: bad.stderr }).toEqual({
      exitCode: 2,
      stderr: expect.stringMatching(/^fuse-rig: --plan p.yaml:3:9: no point "nowhere"; points are/),
    });
  });
});
