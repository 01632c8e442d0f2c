/**
 * Every way a server gets at the device, recorded in front of the real kernel and replayed in front
 * of the model: no finding, two runs with one log, nothing left.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CaptureReader } from '../../recorder/capture/reader.ts';
import { built, CLEAN, cannotRecord, complaints, onBench, SOME_WORK } from '../testing/bench.ts';

const SERVER = built('fuse-rig-server');
const STATIC = built('fuse-rig-server-static');

const memory = (...options: string[]) => [SERVER, ...options, '{mountpoint}'];

const WAYS: Record<string, string[]> = {
  dynamic: memory(),
  static: [STATIC, '{mountpoint}'],
  'mount newapi': memory('--mount', 'newapi'),
  'mount newapi, static': [STATIC, '--mount', 'newapi', '{mountpoint}'],
  'mount fusermount': memory('--mount', 'fusermount'),
  'mount fusermount, static': [STATIC, '--mount', 'fusermount', '{mountpoint}'],
  'io readv, reply write': memory('--io', 'readv', '--reply', 'write'),
  'io splice, reply splice': memory('--io', 'splice', '--reply', 'splice'),
  'io splice, reply writev, 3 threads': memory('--io', 'splice', '--threads', '3'),
  '4 threads': memory('--threads', '4'),
  'clone, 4 threads': memory('--clone', '--threads', '4'),
  'clone, nonblock poll': memory('--clone', '--threads', '3', '--nonblock=poll'),
  'nonblock poll': memory('--nonblock=poll'),
  'nonblock epoll, 3 threads': memory('--nonblock=epoll', '--threads', '3'),
  'nonblock epoll, splice': memory('--nonblock', '--io', 'splice', '--reply', 'splice'),
  daemon: memory('--daemon'),
  'daemon by fusermount': memory('--daemon', '--mount', 'fusermount'),
  'deferred replies': memory('--defer', 'READ,WRITE,LOOKUP'),
  'an older minor': memory('--minor', '22'),
  'a small buffer': memory('--max-write', '4096', '--buffer', '8192'),
  writeback: memory('--writeback'),
};

describe('ways to the device', () => {
  for (const [name, command] of Object.entries(WAYS)) {
    it(name, async (context) => {
      const why = cannotRecord();
      context.skip(why !== undefined, why);
      await onBench(async (bench) => {
        const recorded = await bench.record(command);
        expect(recorded).toMatchObject({ code: 0, leftovers: [] });
        expect(recorded.lines).toHaveLength(SOME_WORK.length);
        expect(recorded.lines.filter((line) => / = E/.test(line))).toEqual([
          'stat d/none = ENOENT',
        ]);
        const replayed = await bench.replay();
        expect(complaints(replayed), replayed.stderr + replayed.output).toEqual([]);
        expect(replayed).toMatchObject(CLEAN);
        expect(replayed.second).toBe(replayed.log);
        expect(replayed.requests).toBeGreaterThan(SOME_WORK.length);
      });
    });
  }
});

it('a capture tells a mount by a context as it tells one by mount(2)', async () => {
  expect(cannotRecord()).toBeUndefined();
  const told: object[] = [];
  for (const way of ['direct', 'newapi']) {
    await onBench(async (bench) => {
      expect(await bench.record(memory('--mount', way))).toMatchObject({ code: 0, leftovers: [] });
      const reader = CaptureReader.open(bench.capture);
      const mounts = [...reader.events()].filter((event) => event.kind === 'mount');
      reader.close();
      const last = mounts.at(-1);
      const words = last?.options.split(',').filter((word) => !word.startsWith('subtype=')) ?? [];
      told.push({ source: last?.source, words: words.sort() });
    });
  }
  expect(told[1]).toEqual(told[0]);
  expect(told[0]).toMatchObject({ words: expect.arrayContaining(['rootmode=40000']) });
});

it('a second mount by a context has its own options, whatever number the context gets', async (context) => {
  const why = cannotRecord();
  context.skip(why !== undefined, why);
  await onBench(async (bench) => {
    const other = join(bench.dir, 'other');
    mkdirSync(other);
    const command = [SERVER, '--mount', 'newapi', '--mounts', '2', '{mountpoint}', other];
    expect(await bench.record(command, SOME_WORK, 'sigterm')).toMatchObject({ leftovers: [] });
    const reader = CaptureReader.open(bench.capture);
    const mounts = [...reader.events()].filter((event) => event.kind === 'mount');
    reader.close();
    const placed = mounts.filter(({ target }) => target !== '');
    expect(placed.map(({ target }) => target)).toEqual([bench.mountpoint, other]);
    const [first, second] = placed;
    expect(second).toMatchObject({ source: first?.source, options: first?.options });
    expect(second?.conn).not.toBe(first?.conn);
    expect(second?.options.match(/rootmode=/g)).toHaveLength(1);
  });
});
