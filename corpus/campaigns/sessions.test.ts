/** A small "nothing leaks" campaign: 20 sessions in this process, over a ring and by the device. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bench, built, cannotRecord } from '../../rig/testing/bench.ts';
import { leaks, type Point, runSessions } from './sessions.ts';

const SESSIONS = 20;

describe('after 20 sessions the rig holds what it held after 10', () => {
  const bench = new Bench();
  beforeAll(async () => {
    if (cannotRecord() !== undefined) return;
    const work = ['open f file RDONLY', 'drain f 4K', 'close f', 'stat none', 'stat .'];
    const all = Array.from({ length: 8 }, () => work).flat();
    await bench.record([built('fuse-rig-odd-server'), 'plain', '{mountpoint}'], all);
  });
  afterAll(() => bench.remove());

  it.each([
    ['ring-linked', true, true],
    ['ring-closed', true, false],
    ['plain', false, true],
  ])('of the kind %s', { timeout: 60_000 }, async (mode, over, judged) => {
    const why = cannotRecord();
    if (why !== undefined) throw new Error(why);
    const command = [built('fuse-rig-odd-server'), mode, '{mountpoint}'];
    const all = await runSessions(bench.capture, command, SESSIONS, 2, { judged });
    expect(all.wrong).toEqual([]);
    expect(all.overRing > 0).toBe(over);
    expect(all.points.at(-1)?.sessions).toBe(SESSIONS);
  });

  it('and what grows is named', () => {
    const held = { fds: 9, mappings: 1, threads: 3, rssK: 0, anonK: 0, heapK: 0 };
    const point = (sessions: number, more: Partial<Point['held']>): Point => {
      return { sessions, held: { ...held, ...more } };
    };
    expect(leaks([point(10, {}), point(20, { fds: 10, anonK: 1 << 20 })])).toEqual([
      'fds: 9 -> 10',
    ]);
    const grown = { threads: 4, mappings: 99, anonK: 1 << 20, heapK: 4096 };
    expect(leaks([point(100, {}), point(200, grown)])).toEqual([
      ...['threads: 3 -> 4', 'mappings: 1 -> 99', 'anonK: 0 -> 1048576', 'heapK: 0 -> 4096'],
    ]);
    // What comes and goes is no leak.
    const busy = { anonK: 1 << 20 };
    expect(leaks([point(100, {}), point(200, busy), point(300, busy), point(400, {})])).toEqual([]);
  });
});
