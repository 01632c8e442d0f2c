/**
 * What a look at sleeping threads says: each kind of sleep by itself, and never `quiet` of a program
 * that works, however often it sleeps.
 */
import { readFileSync } from 'node:fs';
import { scheduler } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { run } from '../../corpus/run.ts';
import { native } from '../../native/load.ts';
import { built } from '../testing/bench.ts';
import { classify, type WaitingThread } from './quiescence.ts';

const ODD = built('fuse-rig-odd-server');

/** The children of this process that run this mode: each stands for a keeper. */
function keeperOf(mode: string): number | undefined {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8');
  return children
    .split(' ')
    .filter((pid) => pid !== '')
    .map(Number)
    .find((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8') === `${ODD}\0${mode}\0`;
      } catch {
        return false;
      }
    });
}

/** Looks until something is asleep for good, at most five seconds. */
async function asleep(keeper: number): Promise<WaitingThread[]> {
  for (let looks = 0; looks < 500; looks++) {
    const threads = native.lookQuiet(keeper)?.map(classify);
    if (threads !== undefined && threads.length > 0) {
      await scheduler.wait(20);
      const again = native.lookQuiet(keeper)?.map(classify);
      if (JSON.stringify(again) === JSON.stringify(threads)) return threads;
    }
    await scheduler.wait(10);
  }
  return [];
}

async function below<T>(mode: string, use: (keeper: number) => Promise<T> | T): Promise<T> {
  const ended = run(ODD, [mode], { timeoutS: 20 });
  let keeper: number | undefined;
  for (let looks = 0; looks < 200 && keeper === undefined; looks++) {
    keeper = keeperOf(mode);
    await scheduler.wait(5);
  }
  if (keeper === undefined) throw new Error(`${mode} does not run`);
  try {
    return await use(keeper);
  } finally {
    process.kill(-keeper, 'SIGKILL');
    await ended;
  }
}

describe('a sleeping thread', () => {
  it.each([
    ['sleep-futex', 'forever'],
    ['sleep-futex-timed', 'timed'],
    ['sleep-epoll', 'forever'],
    ['sleep-epoll-timed', 'timed'],
    ['sleep-poll', 'forever'],
    ['sleep-poll-timed', 'timed'],
    ['sleep-ppoll', 'forever'],
    ['sleep-ppoll-timed', 'timed'],
    ['sleep-select', 'forever'],
    ['sleep-nanosleep', 'timed'],
    ['sleep-pause', 'forever'],
    ['sleep-pipe', 'forever'],
    ['sleep-eventfd', 'forever'],
    ['sleep-socket', 'forever'],
    ['sleep-epoll-timerfd', 'timed'],
    ['sleep-timerfd', 'timed'],
    ['sleep-inet', 'outside'],
    ['sleep-epoll-inet', 'outside'],
    ['sleep-stopped', 'stopped'],
  ])('%s waits: %s', async (mode, wait) => {
    const threads = await below(mode, asleep);
    expect(threads.map((thread) => [thread.wait, thread.wchan])).toEqual([
      [wait, expect.any(String)],
    ]);
  });

  it.each([
    // futex(2) without a timeout, and wait4(2): in their waits, and for a page of what they were given.
    ['202', 'futex_do_wait', 'forever'],
    ['202', 'submit_bio_wait', 'outside'],
    ['202', 'folio_wait_bit_common', 'outside'],
    ['61', 'do_wait', 'forever'],
    ['61', 'bit_wait_io', 'outside'],
  ])('in system call %s, in %s, waits: %s', (nr, wchan, wait) => {
    const call = [nr, '0x7f0000001000', '0x80', '0x0', '0x0', '0x0', '0x0', '0x7ffe', '0x7f01'];
    const { pid } = process;
    expect(classify({ pid, tid: pid, comm: 'server', wchan, call }).wait).toBe(wait);
  });

  it('is seen beside its brothers', async () => {
    const threads = await below('sleep-two', asleep);
    expect(threads.map((thread) => thread.wait)).toEqual(['forever', 'forever']);
  });
});

describe('a program that works', () => {
  it.each(['busy-token', 'busy-births', 'busy-forks'])('%s is never quiet', async (mode) => {
    const seen = await below(mode, async (keeper) => {
      while (native.lookQuiet(keeper)?.length === 0) await scheduler.wait(1);
      const quiet: unknown[] = [];
      for (let looks = 0; looks < 4000; looks++) {
        const threads = native.lookQuiet(keeper)?.map(classify);
        if (threads?.every((thread) => thread.wait === 'forever')) quiet.push(threads);
      }
      return quiet;
    });
    expect(seen).toEqual([]);
  });
});
