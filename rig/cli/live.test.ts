/**
 * `fuse-rig live`, as it is typed: faults in front of the real kernel, under a workload. What came of
 * the plan is said, a capture replays with it, and nothing stays.
 */
import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { builtProgram } from '../../corpus/run.ts';
import { needsMounts, Place, SERVER } from './testing/place.ts';
import { live, WORK } from './testing/told.ts';

const ODD = builtProgram('fuse-rig-odd-server') ?? 'fuse-rig-odd-server';
let place: Place;
beforeEach(() => {
  place = new Place();
  writeFileSync(`${place.source}/a`, 'text of a\n');
});
afterEach(() => place.remove());

describe('in front of the real kernel', () => {
  beforeEach((context) => needsMounts(context));

  it.each([
    ['READ:read=EINTR:when=1', 0, null],
    ['OPEN:read=EFAULT', 1, null],
    ['LOOKUP:write=ENOMEM:when=1', 0, null],
    ['READ:abort:at=delivered', 0, null],
    ['force:at=reply-write:when=5', 0, null],
    ['lazy:at=init-replied', 0, null],
    ['READ:sigterm:at=delivered', 0, null],
    ['READ:sigkill=twice:at=delivered', null, 9],
    ['abort:at=before-init-reply', 0, null],
    ['OPEN:descriptor=EMFILE:when=1', 0, null],
    ['fds=0:at=delivered:until=4:when=3', 0, null],
  ])('%s comes true, nobody is accused, nothing is left', async (rule, code, signal) => {
    const told = await live(place, [rule], ['--workload', WORK]);
    expect(told.failed, told.stderr).toEqual([]);
    expect(told).toMatchObject({ code: 0, exit: { code, signal }, notes: [] });
    expect(told.plan).toMatchObject([{ rule }]);
    expect(told.plan[0]?.fired).toBeGreaterThan(0);
    expect(place.left()).toEqual([]);
  });

  it('an unmount of what is in use is refused by the kernel, and said', async () => {
    const told = await live(place, ['READ:unmount:at=delivered'], ['--workload', WORK]);
    expect(told.notes).toEqual([`unmount of ${place.mountpoint}: EBUSY`]);
    expect(told).toMatchObject({ failed: [], exit: { code: 0 } });
    expect(place.left()).toEqual([]);
  });

  it('a mount that fails ends the server, as the plan says', async () => {
    const told = await live(place, ['mount=EPERM'], ['--workload', WORK]);
    expect(told).toMatchObject({ code: 0, exit: { code: 1 }, failed: [] });
    // It would have worked on the empty directory.
    expect(told.workload).toMatch(/^never began/);
    expect(place.left()).toEqual([]);
  });
});

it('keeps a run that replays with its plan, deterministically', async (context) => {
  needsMounts(context);
  const rules = ['READ:read=EINTR:when=1', 'WRITE:abort:at=delivered'];
  const words = ['--workload', WORK, '--out', place.at('run.fusecap'), '--fixture', place.source];
  const told = await live(place, rules, words);
  expect(told).toMatchObject({ code: 0, failed: [] });
  expect(place.kinds('run.fusecap').filter((kind) => kind === 'injected')).toHaveLength(2);
  expect(told.replay).toContain(`--fault WRITE:abort:at=delivered`);
  const faults = rules.flatMap((rule) => ['--fault', rule]);
  const command = ['--', SERVER, '--fs', 'passthrough={fixture}', '{mountpoint}'];
  const replayed = await place.type(['replay', 'run.fusecap', '--twice', ...faults, ...command]);
  expect(replayed.stdout).toContain('pass determinism');
  expect(replayed.stdout).not.toContain('NEVER FIRED');
  expect(place.left('run.fusecap')).toEqual([]);
});

describe('a server that does not end', () => {
  beforeEach((context) => needsMounts(context));

  it.each([
    ['READ:abort:at=delivered', /hangs: .*\(proven\)/],
    // Proven, if the mount goes before the time is over.
    ['READ:sigterm:at=delivered', /did not end, and was killed \(stalled\)|\(proven\)/],
  ])('after %s is judged', { timeout: 60_000 }, async (rule, verdict) => {
    const told = await live(place, [rule], ['--workload', WORK], [ODD, 'hang']);
    expect(told.failed, told.stderr).toEqual([expect.stringMatching(verdict)]);
    expect(told.code).toBe(1);
    expect(place.left()).toEqual([]);
  });
});

it('ends at Ctrl-C, whatever its workload does', async (context) => {
  needsMounts(context);
  const command = [SERVER, '--fs', `passthrough=${place.source}`, place.mountpoint];
  const child = place.type(['live', '--workload', 'sleep 1000', '--', ...command]);
  await place.until(() => place.processes().length > 3 && place.mounts() > 0);
  child.kill('SIGINT');
  const { exitCode, stdout } = await child;
  expect(stdout).toContain('ended by interrupt');
  expect(stdout).toContain('a real kernel, in real time');
  expect(exitCode).toBe(0);
  expect(place.left()).toEqual([]);
});

it.each([
  [['--fault', 'device:at=delivered'], /cannot be had live: no call makes a connection die/],
  [['--fault', 'restart:at=delivered'], /cannot be had live: .* a replay does it/],
  [['--fault', 'clone-loss:at=delivered'], /cannot be had live: no kernel does it/],
  [['--fault', 'READ:hold=2'], /cannot be had live: what is asked, when .* a replay does it/],
  [['--fault', 'fds=2:at=asked'], /cannot be had live: .* take at=delivered/],
  [['--fault', 'cqe=EAGAIN'], /cannot be had live: a request that the kernel has put/],
  [['--fixture', 'src'], /--fixture: it is kept in the capture; name one with --out/],
  [['--fault', 'READ:read=EWHAT'], /--fault "READ:read=EWHAT"|no errno/],
])('%j is refused with the reason', async (words, why) => {
  const { exitCode, stderr } = await place.type(['live', ...words, '--', 'no-server', 'x']);
  expect(stderr).toMatch(why);
  expect(exitCode).toBe(2);
});
