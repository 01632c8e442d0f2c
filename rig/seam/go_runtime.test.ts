// A program in Go is proven to wait although its runtime never waits for ever; no other is taken for one.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { scheduler } from 'node:timers/promises';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { onPath } from '../../corpus/run.ts';
import { gocryptfs } from '../../corpus/servers/gocryptfs.ts';
import { native } from '../../native/load.ts';
import { built } from '../testing/bench.ts';
import { isGoProgram, isSysmonSleep } from './go_runtime.ts';
import { classify, type WaitingThread } from './quiescence.ts';

const why = gocryptfs.missing();

it('knows a program that Go has linked', (context) => {
  context.skip(why !== undefined, why);
  expect(isGoProgram(onPath('gocryptfs') as string)).toBe(true);
  expect(isGoProgram(built('fuse-rig-server'))).toBe(false);
  expect(isGoProgram(built('fuse-rig-server-static'))).toBe(false);
  expect(isGoProgram(process.execPath)).toBe(false);
  expect(isGoProgram('/etc/passwd')).toBe(false);
  expect(isGoProgram('/nonexistent')).toBe(false);
});

it('takes no other wait for the one of sysmon', () => {
  // A futex of ours with no timeout to read, and a call that is no futex.
  expect(isSysmonSleep(process.pid, ['202', '0x1', '0x80', '0x0', '0x8'])).toBe(false);
  expect(isSysmonSleep(process.pid, ['0', '0x1', '0x80', '0x0', '0x0'])).toBe(false);
  expect(isSysmonSleep(process.pid, [])).toBe(false);
});

/** The threads of a gocryptfs that waits for a password nobody types, once its sysmon sleeps. */
async function idleThreads(): Promise<WaitingThread[]> {
  const dir = mkdtempSync(join(tmpdir(), 'fuse-rig-go-'));
  // The shell above it stands for a keeper.
  const script = 'sleep 30 | gocryptfs -init -q "$0" & wait';
  const shell = execa('sh', ['-c', script, dir], { reject: false, detached: true });
  try {
    let threads: WaitingThread[] = [];
    for (let looks = 0; looks < 500 && !threads.some((t) => t.wait === 'runtime'); looks++) {
      await scheduler.wait(20);
      const seen = native.lookQuiet(shell.pid ?? 0)?.filter((t) => t.comm === 'gocryptfs');
      threads = seen?.map(classify) ?? threads;
    }
    return threads;
  } finally {
    process.kill(-(shell.pid ?? 0), 'SIGKILL');
    await shell;
    rmSync(dir, { recursive: true });
  }
}

it('proves that an idle program in Go waits for ever', async (context) => {
  context.skip(why !== undefined, why);
  let others: WaitingThread[] = [];
  for (let starts = 0; starts < 12; starts++) {
    const threads = await idleThreads();
    expect(threads.filter((t) => t.wait === 'runtime')).toMatchObject([{ nr: 202 }]);
    others = threads.filter((t) => t.wait !== 'runtime' && t.wait !== 'forever');
    if (others.length === 0) return;
    // One start in some has a thread in epoll_pwait(2) for a minute: a timer, and so no proof.
    expect(others).toMatchObject([{ nr: 281, wait: 'timed' }]);
  }
  expect(others).toEqual([]);
});
