/**
 * Servers on a ring that end badly, or never, as endings.test.ts has them of the device: the run ends by
 * itself, says what happened, and leaves nothing. And one that nobody can kill: it is named.
 */
import { describe, expect, it } from 'vitest';
import { abortConnection, startServer } from '../../corpus/servers/live.ts';
import { Bench, built, cannotRecord, complaints } from '../testing/bench.ts';
import { parseStacks, stackTool } from './stacks.ts';
import { OddRing, odd } from './testing/odd_ring.ts';

const ring = new OddRing();

describe('on a ring, a server that', () => {
  it.each([
    ['ring-hang', 'unmount', /the server hangs.*\(proven\)/],
    ['ring-ignores-signals', 'sigterm', /the server hangs.*\(proven\)/],
    ['ring-fork-bomb', 'unmount', /the server hangs.*\(proven\)/],
    ['ring-close-all', 'unmount', /the server hangs.*\(proven\)/],
    ['ring-pause', 'abort', /the server hangs.*\(proven\)/],
    ['ring-stop-itself', 'unmount', /the server hangs.*\(proven\)/],
    ['ring-noise', 'unmount', /did not end|hangs|spins/],
  ])(
    '%s, ended by %s, is named and leaves nothing',
    { timeout: 120_000 },
    async (mode, end, verdict) => {
      const replayed = await ring.ended(mode, end);
      expect(complaints(replayed).join('\n'), replayed.stderr).toMatch(verdict);
      expect(replayed).toMatchObject({ code: 1, leftovers: [] });
    },
  );
});

describe('a server that hangs', () => {
  it('is shown with what each thread waits in, and where in its code', {
    timeout: 60_000,
  }, async () => {
    const replayed = await ring.ended('ring-ignores-signals', 'sigterm', true);
    const [found] = replayed.findings.filter(({ check }) => check === 'termination');
    const lines = found?.details.join('\n') ?? '';
    expect(lines).toMatch(
      /fuse-rig-odd-se \(thread \d+\): io_uring_enter\(\d+ io_uring\) in \S+, until/,
    );
    expect(lines).toMatch(/read\(\d+ \/dev\/fuse\) in \S+, held by the rig/);
    const where =
      stackTool() === undefined ? /where: user stacks are shown where/ : /\n {2}\S*(syscall|read)/;
    expect(lines).toMatch(where);
    expect(lines).toMatch(/why: it was sent SIGTERM/);
    expect(replayed.leftovers).toEqual([]);
  });

  it.each([
    [
      'gdb',
      'Thread 2 (Thread 0x7f1 (LWP 12) "srv"):\n#0  0x00007f9 in __GI___read (fd=3, buf=0x1) at ../read.c:26\n#1  0x55 in main ()\n\nThread 1 (Thread 0x7f2 (LWP 11) "srv"):\n#0  0x01 in pause () from /lib/libc.so.6\n',
    ],
    [
      'eu-stack',
      'PID 11 - process\nTID 12:\n#0  0x00007f9 __GI___read at ../read.c:26\n#1  0x55 main\nTID 11:\n#0  0x01 pause at /lib/libc.so.6\n',
    ],
  ])('has its stacks read from what %s prints', (_, text) => {
    expect(parseStacks(text)).toEqual([
      { tid: 12, frames: ['__GI___read at ../read.c:26', 'main'] },
      { tid: 11, frames: ['pause at /lib/libc.so.6'] },
    ]);
  });
});

describe('a process that nobody can kill', () => {
  it('is named, and the run ends without it', { timeout: 60_000 }, async (context) => {
    const why = cannotRecord();
    context.skip(why !== undefined, why);
    const [bench, other] = [new Bench(), new Bench()];
    const silent = await startServer({
      command: [built('fuse-rig-odd-server'), 'silent', '{mountpoint}'],
      places: other.places,
    });
    try {
      await bench.record(odd('plain'), ['stat file', 'stat none']);
      const replayed = await bench.replay([...odd('unkillable-child'), other.mountpoint], {
        once: true,
        args: ['--fault', 'GETATTR,LOOKUP:sigkill:at=delivered'],
      });
      expect(complaints(replayed).join('\n')).toMatch(
        /termination \| a process of the server survives SIGKILL \| process \d+ fuse-rig-odd-se: state D/,
      );
      expect(replayed.code).toBe(1);
      // It, and the keeper that waits for it.
      const left = replayed.leftovers.map((line) => /\/([\w-]+) /.exec(line)?.[1]);
      expect(left.sort()).toEqual(['fuse-rig-launch', 'fuse-rig-odd-server']);
    } finally {
      abortConnection(silent.dev);
      await silent.end();
      for (const one of [bench, other]) one.remove();
    }
  });
});
