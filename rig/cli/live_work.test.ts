/** `fuse-rig live`, its workload and what a server runs out of: imposed, given back, and seen by clients. */
import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { needsMounts, Place, SERVER } from './testing/place.ts';
import { live } from './testing/told.ts';

let place: Place;
beforeEach((context) => {
  place = new Place();
  writeFileSync(`${place.source}/a`, 'text of a\n');
  needsMounts(context);
});
afterEach(() => place.remove());

/** Opens and writes again and again; the last must succeed. */
const OPENS =
  'cd {mountpoint}; for n in 1 2 3 4 5 6 7 8; do echo $n > f$n; cat f$n > /dev/null; done; cat a';

describe('what a server runs out of', () => {
  const passthrough = () => [SERVER, '--fs', `passthrough=${place.source}`];
  const unlocked = () => ['setpriv', '--bounding-set', '-ipc_lock', ...passthrough()];

  it.each([
    ['CREATE,OPEN:fds=0:at=delivered:until=4:when=2', /Too many open files/],
    ['WRITE:space=0:at=delivered:until=4:when=2', /I\/O error|No space/],
  ])('%s is imposed, met, and given back', async (rule, seen) => {
    const told = await live(place, [rule], ['--workload', OPENS], passthrough());
    expect(told.failed, told.stderr).toEqual([]);
    expect(told.stderr).toMatch(seen);
    expect(told).toMatchObject({ code: 0, workload: 'exit 0', plan: [{ rule, fired: 1 }] });
    expect(told.passed).toContainEqual(
      expect.stringMatching(/^progress: recovered: \d+ requests? fail/),
    );
    expect(place.left()).toEqual([]);
  });

  it.each([
    ['WRITE:memory=0:at=delivered:until=4:when=2', passthrough],
    ['WRITE:locked=0:at=delivered:until=4:when=2', unlocked],
  ])('%s is imposed, and it is said that nobody met it', async (rule, server) => {
    const told = await live(place, [rule], ['--workload', OPENS], server());
    expect(told.failed, told.stderr).toEqual([]);
    expect(told).toMatchObject({ code: 6, workload: 'exit 0', plan: [{ rule, fired: 1 }] });
  });

  it('is found where it stays so', async () => {
    const rule = 'OPEN:fds=0:at=delivered:until=4:when=2';
    const server = [...passthrough(), '--bug', 'emfile-for-ever'];
    const told = await live(place, [rule], ['--workload', OPENS], server);
    expect(told.code).toBe(1);
    expect(told.failed).toEqual([
      expect.stringMatching(/^progress: \d+ requests fail although nothing is lacking any more$/),
    ]);
  });

  it('is refused where no limit holds', async () => {
    const told = await live(place, ['WRITE:locked=0:at=delivered'], ['--workload', OPENS]);
    expect(told).toMatchObject({ code: 6, failed: [], plan: [{ fired: 0, refusal: 'EPERM' }] });
  });
});

describe('a workload', () => {
  it('that fails says so, and the exit code is about the server alone', async () => {
    const told = await live(place, [], ['--workload', 'cat {mountpoint}/none; exit 3']);
    expect(told).toMatchObject({ code: 0, failed: [], ended: 'workload', workload: 'exit 3' });
    expect(told.stderr).toContain('No such file or directory');
  });

  it('prints where fuse-rig does, in front of its report', async () => {
    const work = ['--workload', 'cat {mountpoint}/a; echo "at $FUSE_RIG_MOUNTPOINT" >&2'];
    const server = [SERVER, '--fs', `passthrough=${place.source}`, place.mountpoint];
    const { stdout, stderr, exitCode } = await place.type(['live', ...work, '--', ...server]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^text of a\n[\s\S]*note workload {5}exit 0\n[\s\S]*ended by workload$/);
    expect(stderr).toContain(`at ${place.mountpoint}`);
  });

  it('is ended with all it has started when its server has gone', { timeout: 60_000 }, async () => {
    const work = 'cat {mountpoint}/a; sleep 1000 & sleep 1000';
    const told = await live(place, ['READ:abort:at=delivered'], ['--workload', work]);
    expect(told, told.stderr).toMatchObject({ code: 0, failed: [], ended: 'server-exit' });
    expect(told.workload).toBe('signal SIGTERM');
    expect(place.left()).toEqual([]);
  });
});
