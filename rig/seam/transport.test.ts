/**
 * Rare ways with the device's descriptors. What the odd server prints must be the same on the bare
 * kernel, recorded, and replayed: the bare run says what is right.
 */
import { describe, expect, it } from 'vitest';
import { startServer } from '../../corpus/servers/live.ts';
import {
  type Bench,
  built,
  CLEAN,
  cannotRecord,
  complaints,
  onBench,
  SOME_WORK,
} from '../testing/bench.ts';

const ODD = built('fuse-rig-odd-server');
const SERVER = built('fuse-rig-server');
const WORK = ['open f file RDONLY', 'drain f 4K', 'close f', 'stat none', 'stat .'];

/** The same server and work with nothing of ours between. */
async function bare(bench: Bench, command: readonly string[]) {
  const live = await startServer({ command, places: bench.places });
  const lines = await bench.client(WORK);
  return { ...(await live.end()), lines };
}

/** What is found of those that do wrong on purpose. */
const WRONG: Record<string, RegExp[]> = {
  errors: [/^conformance \| 5 /],
  dup: [/^descriptors \| the server uses the device by a descriptor that it has closed/],
};

describe.each([
  'plain',
  'sync-init',
  'clone-waits',
  'poll',
  'epoll-blocking',
  'dup',
  'epoll-hack',
  'flags',
  'clone-close',
  'clone-asks',
  'errors',
  'interrupted',
  'rain',
  'interrupted-receive',
  'interrupted-handover',
])('a server of the kind %s', (mode) => {
  it('sees the same bare, recorded and replayed', async (context) => {
    const why = cannotRecord();
    context.skip(why !== undefined, why);
    await onBench(async (bench) => {
      const command = [ODD, mode, '{mountpoint}'];
      const alone = await bare(bench, command);
      context.skip(
        /SYNC_INIT ENOTTY/.test(alone.output),
        'this kernel has no FUSE_DEV_IOC_SYNC_INIT',
      );
      expect(alone.code).toBe(0);
      const recorded = await bench.record(command, WORK);
      expect(recorded).toMatchObject({ code: 0, leftovers: [], lines: alone.lines });
      expect(
        recorded.output.replace(/^.*ended by unmount|^.*ended by server-exit\n?$/gm, '').trim(),
      ).toBe(alone.output.trim());
      const replayed = await bench.replay();
      const wrong = (WRONG[mode] ?? []).map((what) => expect.stringMatching(what));
      expect(complaints(replayed), replayed.stderr + replayed.output).toEqual(wrong);
      expect(replayed).toMatchObject({ code: wrong.length, leftovers: [] });
      expect(replayed.output.trim()).toBe(alone.output.trim());
    });
  });
});

describe('a device opened and mounted by another program', () => {
  it.each([
    ['by /dev/fd/N', [SERVER, '/dev/fd/@']],
    ['by /dev/fd/N, static', [`${SERVER}-static`, '/dev/fd/@']],
    ['by --fd N', [SERVER, '--mount', 'fd', '/dev/fd/@']],
  ])('%s', async (_, words) => {
    await onBench(async (bench) => {
      const recorded = await bench.record([ODD, 'inherit', '{mountpoint}', ...words]);
      expect(recorded).toMatchObject({ code: 0, leftovers: [] });
      expect(recorded.lines).toHaveLength(SOME_WORK.length);
      const replayed = await bench.replay();
      expect(complaints(replayed), replayed.stderr + replayed.output).toEqual([]);
      expect(replayed).toMatchObject(CLEAN);
    });
  });
});

describe('a descriptor that the server gives another number by dup2', () => {
  it('is refused out of the range, and it is said so; onto itself it is fine', async () => {
    await onBench(async (bench) => {
      const recorded = await bench.record([ODD, 'dup2', '{mountpoint}'], WORK);
      expect(recorded).toMatchObject({ code: 0, leftovers: [] });
      expect(recorded.output).toContain('itself ok\ndup2 EBADF\n');
      const replayed = await bench.replay();
      expect(complaints(replayed), replayed.stderr + replayed.output).toEqual([]);
      expect(replayed).toMatchObject(CLEAN);
      expect(replayed.unsupported).toEqual([
        expect.stringMatching(
          /^dup2 of \/dev\/fuse onto descriptor 100: EBADF, since the rig sees calls on \d+ to \d+ only; use dup$/,
        ),
      ]);
    });
  });
});
