/**
 * Sessions one after the other in one process, recorded and replayed: each ends where it did in the
 * capture, and a server that mounts again can be given the same capture again.
 */
import { scheduler } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { fuseMounts } from '../recorder/mountinfo.ts';
import type { SessionEvent } from '../rig/events.ts';
import type { Session } from '../rig/session.ts';
import { Bench, built, CLEAN, cannotRecord, complaints, onBench } from '../rig/testing/bench.ts';
import { Succession } from './succession.ts';

const SERVER = built('fuse-rig-server');
const ODD = built('fuse-rig-odd-server');
const server = (...options: string[]) => [SERVER, ...options, '{mountpoint}'];
const WORK = ['mkdir d', 'open f d/f RDWR|CREAT', 'fill f 7 8192 4K', 'close f', 'list d'];

/** Of 20 ms each. */
const LOOKS = 1000;

const mountOf = (bench: Bench): boolean =>
  fuseMounts('self').some(({ target }) => target === bench.mountpoint);

/** Resolves when the server has mounted, again. */
async function mounted(bench: Bench): Promise<void> {
  for (let look = 0; !mountOf(bench); look++) {
    if (look === LOOKS) throw new Error('the server does not mount again');
    await scheduler.wait(20);
  }
}

/** Work in every session; the last is ended by the bench. */
async function sessions(bench: Bench, count: number): Promise<string[]> {
  const lines: string[] = [];
  for (let n = 1; n < count; n++) {
    await mounted(bench);
    lines.push(...(await bench.client(WORK)), ...(await bench.unmountOther(bench.mountpoint)));
  }
  await mounted(bench);
  return [...lines, ...(await bench.client(WORK))];
}

describe('a server that mounts again', () => {
  it.each([
    ['', []],
    [' over a ring', ['--transport', 'ring']],
    [' with clones', ['--threads', '3', '--clone']],
  ])('is recorded and replayed session by session%s', { timeout: 120_000 }, async (_, options) => {
    if (cannotRecord() !== undefined) throw new Error(cannotRecord());
    await onBench(async (bench) => {
      const recorded = await bench.record(server('--sessions', '3', ...options), () =>
        sessions(bench, 3),
      );
      expect(recorded).toMatchObject({ code: 0, leftovers: [] });
      const replayed = await bench.replay();
      expect(complaints(replayed), replayed.output).toEqual([]);
      expect(replayed).toMatchObject(CLEAN);
      const said = replayed.findings.map(({ check, text }) => `${check}: ${text}`).join('\n');
      expect(said).toMatch(/negotiation: 3 connections agreed/);
      expect(said).toMatch(/sessions: 3 sessions, too few/);
    });
  });

  it('and unmounts by itself does so in the replay, and nobody else', async () => {
    if (cannotRecord() !== undefined) throw new Error(cannotRecord());
    await onBench(async (bench) => {
      // Until it has had enough: what comes between two mounts finds an empty directory.
      const ask = async () => {
        for (let n = 0; n < LOOKS && bench.pidsOf(ODD).length > 0; n++) {
          await bench.client(['stat file', 'stat last']);
        }
        return [];
      };
      const recorded = await bench.record([ODD, 'again', '{mountpoint}'], ask, 'itself');
      expect(recorded).toMatchObject({ code: 0, leftovers: [] });
      const replayed = await bench.replay();
      expect(complaints(replayed), replayed.output).toEqual([]);
      expect(replayed).toMatchObject(CLEAN);
      const mounts = replayed.findings.find(({ check }) => check === 'mounts')?.text;
      expect(mounts).toBe('3 mounts, 3 unmounts by the server');
    });
  });
});

describe('a connection of the capture that is over when another is mounted', () => {
  const at = { t: 0, handle: 1, conn: 1, tid: 7 };
  const mount = (conn: number): SessionEvent => ({
    ...{ kind: 'mount', ...at, handle: conn, conn, fstype: 'fuse', source: '', target: '/m' },
    ...{ flags: 0, options: '', result: 0, dev: 0 },
  });
  const failed = (result: number): SessionEvent => ({
    ...{ kind: 'transport', ...at, call: 'read', result },
  });
  const close: SessionEvent = { kind: 'close', t: 0, handle: 1 };

  it.each<[string, SessionEvent[], string[], string[]]>([
    ['by ENODEV is unmounted', [failed(-19)], ['pause', 'unmount 1'], []],
    ['by ECONNABORTED is aborted', [failed(-103)], ['pause', 'abort 1'], []],
    ['and was closed is left to the server', [close], ['pause'], ['unmount 1']],
    ['is only the first', [], [], []],
  ])('%s', (_, end, done, late) => {
    const did: string[] = [];
    const feed = {
      connected: (conn: number) => !did.some((what) => what.endsWith(` ${conn}`)),
      shutdown: (conn: number) => void did.push(`unmount ${conn}`),
      abort: (conn: number) => void did.push(`abort ${conn}`),
      forceUnmount: () => {},
    };
    const succession = new Succession(feed, () => {}, false);
    succession.pause = () => void did.push('pause');
    const session = { now: () => 0 } as Session;
    succession.mounted.add(1);
    for (const event of succession.through([mount(1), ...end, mount(2)])) {
      expect(event.t).toBe(0);
    }
    expect(succession.settled(session, process.pid, false)).toBe(done.length > 1);
    expect(did).toEqual(done);
    expect(succession.settled(session, process.pid, true)).toBe(late.length > 0);
    expect(did).toEqual([...done, ...late]);
  });
});

describe('the capture of one session is given again', () => {
  let bench: Bench | undefined;
  beforeAll(async () => {
    if (cannotRecord() !== undefined) return;
    bench = new Bench();
    await bench.record(server(), WORK);
    return () => bench?.remove();
  });

  const played = async (command: readonly string[], ...args: string[]) => {
    if (bench === undefined) throw new Error(cannotRecord());
    const replayed = await bench.replay(command, { args });
    const text = (name: string) =>
      replayed.findings.find(({ check }) => check === name)?.text ?? 'nothing';
    return { ...replayed, complaints: complaints(replayed), text };
  };

  it.each([
    ['memory', []],
    ['a ring', ['--transport', 'ring']],
    ['a daemon', ['--daemon']],
    ['clones', ['--threads', '3', '--clone']],
  ])('to a server with %s: 14 sessions, all answered, nothing kept', async (_, options) => {
    const command = server('--sessions', '14', ...options);
    const got = await played(command, '--sessions', '14', '--cpus', '2');
    expect(got.complaints, got.output).toEqual([]);
    expect(got).toMatchObject(CLEAN);
    expect(got.text('sessions')).toMatch(/^14 sessions: /);
    expect(got.text('divergence')).toMatch(/in later sessions \d{3} as captured and 0 otherwise/);
  });

  it('is not, to one that does not mount again', async () => {
    const got = await played(server(), '--sessions', '5');
    expect(got).toMatchObject({ ...CLEAN, complaints: [] });
    expect(got.text('sessions')).toBe('one session: the server did not mount again');
  });

  it('ends with a server that mounts less often, and with one that does so once more', async () => {
    const [less, more] = [
      await played(server('--sessions', '3'), '--sessions', '9'),
      await played(server('--sessions', '9'), '--sessions', '3'),
    ];
    for (const got of [less, more]) {
      expect(got).toMatchObject({ ...CLEAN, complaints: [] });
      expect(got.text('sessions')).toMatch(/^3 sessions, too few/);
    }
  });

  it.each([
    [['--sessions', '0'], /^fuse-rig: --sessions 0: not a number of sessions; give one from 1/],
    [
      ['--sessions', '2', '--fault', 'restart:at=init-replied'],
      /^fuse-rig: --sessions: a restart begins another process; leave out/,
    ],
  ])('not with %j', async (args, said) => {
    const got = await played(server(), ...args);
    expect(got).toMatchObject({ code: 2, leftovers: [] });
    expect(got.stderr).toMatch(said);
  });
});
