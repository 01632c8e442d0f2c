/**
 * Signals to a server whose reads the rig holds, and to clients whose calls the server holds: in the
 * recording as on the bare kernel, and again in the replay.
 */
import { describe, expect, it } from 'vitest';
import { built, CLEAN, cannotRecord, complaints, onBench } from '../testing/bench.ts';

const ODD = built('fuse-rig-odd-server');
const SERVER = built('fuse-rig-server');

describe('a signal to the server', () => {
  it.each([
    ['SIGTERM', 7, 'stopped'],
    ['SIGINT', 7, 'stopped'],
    ['SIGHUP', 7, 'stopped'],
    ['SIGUSR1', 7, 'stopped'],
    ['SIGKILL', null, ''],
  ] as const)('%s reaches a thread in a held read', async (signal, code, said) => {
    const why = cannotRecord();
    expect(why).toBeUndefined();
    await onBench(async (bench) => {
      const live = await bench.start([ODD, 'flagged', '{mountpoint}']);
      await bench.client(['stat file', 'stat none']);
      process.kill(await bench.pidOf(ODD), signal);
      const ended = await live.wait();
      expect(ended.leftovers).toEqual([]);
      expect(ended.output).toContain(said);
      expect(ended.output).toMatch(code === null ? /server signal 9/ : /server exit 7/);
    });
  });

  it.each([
    ['one thread', []],
    ['four threads', ['--threads', '4']],
    ['clones', ['--clone', '--threads', '3']],
    ['epoll', ['--nonblock=epoll']],
  ])('SIGTERM ends the reference server with %s, which unmounts', async (_, options) => {
    await onBench(async (bench) => {
      const command = [SERVER, ...options, '{mountpoint}'];
      const recorded = await bench.record(command, ['mkdir a', 'list .'], 'sigterm');
      expect(recorded).toMatchObject({ code: 0, leftovers: [] });
      expect(recorded.output).toMatch(/server exit 0/);
      const replayed = await bench.replay([], { end: 'sigterm' });
      expect(complaints(replayed), replayed.output).toEqual([]);
      expect(replayed).toMatchObject(CLEAN);
    });
  });

  it('that ignores it is a hang when the replay ends so', async () => {
    await onBench(async (bench) => {
      await bench.record([SERVER, '{mountpoint}'], ['mkdir a']);
      const command = [SERVER, '--ignore-sigterm', '{mountpoint}'];
      const replayed = await bench.replay(command, { end: 'sigterm', once: true });
      expect(complaints(replayed).join()).toMatch(/the server hangs.*\(proven\)/);
      expect(replayed).toMatchObject({ code: 1, leftovers: [] });
      expect(replayed.seconds).toBeLessThan(1);
    });
  });
});

describe('a client that is interrupted', () => {
  const locked = [
    'open f file RDWR|CREAT',
    'setlk f WR 0 100',
    'spawn waiter',
    'open w file RDWR',
    'setlkw w WR 0 100',
    'end',
    'blocked waiter fcntl',
  ];

  it('sends INTERRUPT, captured and replayed', async () => {
    await onBench(async (bench) => {
      const work = [...locked, 'signal waiter USR1', 'join waiter', 'close f'];
      const recorded = await bench.record([SERVER, '{mountpoint}'], work);
      expect(recorded.lines).toContain('waiter: setlkw w WR 0 100 = EINTR');
      const shown = await bench.rig(['show', bench.capture]);
      expect(shown.stdout).toMatch(/INTERRUPT/);
      const replayed = await bench.replay();
      expect(complaints(replayed), replayed.output).toEqual([]);
      expect(replayed).toMatchObject(CLEAN);
      expect(replayed.second).toBe(replayed.log);
    });
  });

  it('waits for a lock that is never granted: unanswered, as captured', async () => {
    await onBench(async (bench) => {
      const command = [SERVER, '--unanswered', 'SETLKW', '{mountpoint}'];
      let waiting: Promise<string[]> | undefined;
      const recorded = await bench.record(
        command,
        async () => {
          // It ends only with the connection: its child is in the call.
          waiting = bench.client([...locked, 'mkdir after']);
          for (let looks = 0; looks < 200; looks++) {
            const lines = await bench.client(['stat after']);
            if (!/ENOENT/.test(lines.join())) return lines;
          }
          return [];
        },
        'sigterm',
      );
      expect(await waiting).toContain('mkdir after = 0');
      expect(recorded).toMatchObject({ code: 0, leftovers: [] });
      const replayed = await bench.replay();
      expect(complaints(replayed), replayed.output).toEqual([]);
      expect(replayed).toMatchObject(CLEAN);
      expect(replayed.second).toBe(replayed.log);
    });
  });

  it('under a rain of signals loses nothing', async () => {
    await onBench(async (bench) => {
      const busy = Array.from({ length: 20 }, () => [
        'open f g RDWR|CREAT|TRUNC',
        'fill f 3 65536 4K',
        'drain f 4K',
        'close f',
      ]).flat();
      const work = ['spawn busy', ...busy, 'end', 'pester busy 60', 'join busy'];
      const recorded = await bench.record([SERVER, '--threads', '3', '{mountpoint}'], work);
      expect(recorded.lines.filter((line) => / = E/.test(line))).toEqual([]);
      const replayed = await bench.replay();
      expect(complaints(replayed), replayed.output).toEqual([]);
      expect(replayed).toMatchObject(CLEAN);
    });
  });
});
