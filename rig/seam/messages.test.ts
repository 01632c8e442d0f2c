/**
 * What a server sends of itself, and descriptors it hands to the kernel: notifications of every kind
 * and FUSE passthrough, recorded and replayed.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scheduler } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { missingPrograms } from '../../corpus/servers/recipe.ts';
import { built, CLEAN, cannotRecord, complaints, onBench } from '../testing/bench.ts';
import { whyNotOffered } from '../testing/offer_ring.ts';

const SERVER = built('fuse-rig-server');

describe('messages beside replies', () => {
  it.each([
    ['one thread', []],
    ['splice', ['--io', 'splice', '--reply', 'splice']],
  ])('notifications, %s', async (_, options) => {
    const why = cannotRecord();
    expect(why).toBeUndefined();
    await onBench(async (bench) => {
      const command = [SERVER, '--notify', 'inval,store,retrieve,poll', ...options, '{mountpoint}'];
      // The server sends behind the write's back; the next call comes when it has.
      const tell = async (text: string) => {
        const lines = await bench.client(['open c .control WRONLY', `put c ${text}`, 'close c']);
        await scheduler.wait(50);
        return lines;
      };
      const recorded = await bench.record(command, async () => [
        ...(await bench.client(['open f file RDWR|CREAT', 'fill f 1 10000 4K', 'close f'])),
        ...(await tell('inval%20file%200%200')),
        ...(await tell('store%20file%20200%20stored')),
        ...(await tell('retrieve%20file%200%20300')),
        ...(await tell('entry%20file')),
        ...(await bench.client(['open f file RDONLY', 'drain f 4K', 'close f'])),
        ...(await tell('delete%20file')),
        ...(await bench.client(['stat file', 'list .'])),
      ]);
      expect(recorded).toMatchObject({ code: 0, leftovers: [] });
      const shown = (await bench.rig(['show', bench.capture])).stdout;
      for (const name of [
        'INVAL_INODE',
        'INVAL_ENTRY',
        'STORE',
        'RETRIEVE',
        'DELETE',
        'NOTIFY_REPLY',
      ]) {
        expect(shown).toContain(name);
      }
      const replayed = await bench.replay();
      // The server changes files by itself here: what WRITEs put there is not what READs get.
      const serious = complaints(replayed).filter((line) => !line.startsWith('content'));
      expect(serious, replayed.output).toEqual([]);
      expect(replayed.leftovers).toEqual([]);
      expect(replayed.second).toBe(replayed.log);
    });
  });

  it.each([
    ['the device', []],
    ['a ring', ['--transport', 'ring', '--ring-required']],
  ])('NOTIFY_POLL wakes who sleeps in poll, over %s', async (_, options) => {
    const why = cannotRecord() ?? (options.length > 0 ? whyNotOffered() : undefined);
    expect(why).toBeUndefined();
    await onBench(async (bench) => {
      const command = [SERVER, '--notify', 'poll', ...options, '{mountpoint}'];
      const recorded = await bench.record(command, [
        ...['open c .control WRONLY', 'open f .poll RDONLY', 'poll f 1'],
        ...['spawn sleeper', 'waitpoll f 1', 'end', 'blocked sleeper poll'],
        ...['put c poll%20.poll', 'join sleeper', 'poll f 1', 'close f', 'close c'],
      ]);
      expect(recorded, recorded.output).toMatchObject({ code: 0, leftovers: [] });
      expect(recorded.lines).toEqual(
        expect.arrayContaining(['poll f 1 = 0', 'sleeper: waitpoll f 1 = 1', 'poll f 1 = 1']),
      );
      const shown = (await bench.rig(['show', bench.capture])).stdout;
      const [, kh] = / POLL .* kh=(\d+) flags=SCHEDULE_NOTIFY /.exec(shown) ?? [];
      expect(shown).toContain(`NOTIFY_POLL kh=${kh}`);
      const replayed = await bench.replay();
      expect(complaints(replayed), replayed.output).toEqual([]);
      expect(replayed).toMatchObject(CLEAN);
      expect(replayed.second).toBe(replayed.log);
    });
  });

  it("passthrough: the backing descriptor is the kernel's", async () => {
    await onBench(async (bench) => {
      mkdirSync(join(bench.fixture, 'src'));
      writeFileSync(join(bench.fixture, 'src/file'), 'of the backing file\n');
      const command = [
        SERVER,
        '--fs',
        'passthrough={fixture}/src',
        '--passthrough-io',
        '{mountpoint}',
      ];
      const recorded = await bench.record(
        command,
        [
          'open f file RDWR',
          'drain f 4K',
          'fill f 9 10000 4K',
          'fsync f',
          'close f',
          'open f file RDONLY',
          'drain f 4K',
          'close f',
        ],
        'unmount',
        ['--fixture', bench.fixture],
      );
      expect(recorded).toMatchObject({ code: 0, leftovers: [] });
      expect(recorded.lines.filter((line) => / = E/.test(line))).toEqual([]);
      const shown = (await bench.rig(['show', bench.capture])).stdout;
      expect(shown).toMatch(/backing/i);
      expect(shown).not.toMatch(/^.* READ /m);
      const replayed = await bench.replay();
      expect(complaints(replayed), replayed.output).toEqual([]);
      expect(replayed).toMatchObject(CLEAN);
    });
  });
});

describe('Go servers', () => {
  const work = [
    'mkdir d',
    'open f d/file RDWR|CREAT',
    'fill f 7 20000 4K',
    'close f',
    'list d',
    'unlink d/file',
    'rmdir d',
  ];

  it('rclone, by fusermount', async (context) => {
    const why = cannotRecord() ?? missingPrograms(['rclone', 'fusermount3']);
    context.skip(why !== undefined, why);
    await onBench(async (bench) => {
      mkdirSync(join(bench.fixture, 'src'));
      writeFileSync(join(bench.fixture, 'src/file'), 'text\n');
      const command = [
        'rclone',
        'mount',
        '--config',
        '{fixture}/none',
        '{fixture}/src',
        '{mountpoint}',
      ];
      const recorded = await bench.record(
        command,
        ['stat file', 'open f file RDONLY', 'drain f 4K', 'close f', 'list .'],
        'unmount',
        ['--fixture', bench.fixture],
      );
      expect(recorded.leftovers).toEqual([]);
      const replayed = await bench.replay();
      expect(complaints(replayed), replayed.output).toEqual([]);
      expect(replayed).toMatchObject(CLEAN);
    });
  });

  it('gocryptfs, by fusermount', async (context) => {
    const why = cannotRecord() ?? missingPrograms(['gocryptfs', 'fusermount3']);
    context.skip(why !== undefined, why);
    await onBench(async (bench) => {
      const { gocryptfs } = await import('../../corpus/servers/gocryptfs.ts');
      await gocryptfs.prepare(bench.fixture);
      const recorded = await bench.record(gocryptfs.variants[0].command, work, 'unmount', [
        '--fixture',
        bench.fixture,
      ]);
      expect(recorded.leftovers).toEqual([]);
      expect(recorded.lines.filter((line) => / = E/.test(line))).toEqual([]);
      const replayed = await bench.replay();
      expect(complaints(replayed), replayed.output).toEqual([]);
      expect(replayed).toMatchObject(CLEAN);
    });
  });
});
