/**
 * Rings in front of the real kernel, recorded and replayed: of servers that come to theirs in a rare way.
 * Needs a kernel that offers FUSE over io_uring.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { libfusePassthroughHp } from '../../corpus/servers/libfuse_passthrough_hp.ts';
import { built, CLEAN, cannotRecord, complaints, onBench } from '../testing/bench.ts';
import { whyNotOffered } from '../testing/offer_ring.ts';
import { odd } from './testing/odd_ring.ts';

const WORK = ['open f file RDONLY', 'drain f 4K', 'close f', 'stat none'];
const why = cannotRecord() ?? whyNotOffered();

interface Way {
  command: string[];
  /** What it prints. */
  says: RegExp;
  /** How replays end. */
  ends: string[];
  missing?: string | undefined;
}

/** libfuse goes into the background by itself. */
const libfuse = libfusePassthroughHp.variants[0].command
  .filter((word) => word !== '--foreground')
  .map((word) => word.replace('{fixture}/src', '{fixture}'));
const ENDS = ['unmount', 'force', 'abort', 'device', 'sigterm'];

const WAYS: Record<string, Way> = {
  'without a CQE for what succeeds': {
    command: odd('ring-quiet'),
    says: /^\d+ requests, 0 of them with a CQE, \d+ ends$/m,
    ends: ['unmount'],
  },
  'mounted when INIT is answered (SYNC_INIT)': {
    command: odd('ring-sync-init'),
    says: /^(?!.*SYNC_INIT)/,
    ends: ['unmount', 'abort'],
  },
  'the reference server in the background': {
    command: [
      ...[built('fuse-rig-server'), '--daemon', '--transport', 'ring', '--ring-required'],
      ...['--fs', 'passthrough={fixture}', '{mountpoint}'],
    ],
    says: /^/,
    ends: ENDS,
  },
  'passthrough_hp in the background': {
    command: libfuse,
    says: /^/,
    ends: ENDS,
    missing: libfusePassthroughHp.missing(),
  },
};

describe('recorded over a ring of the real kernel, and replayed', () => {
  for (const [name, way] of Object.entries(WAYS)) {
    it(name, async (context) => {
      const missing = why ?? way.missing;
      context.skip(missing !== undefined, missing);
      await onBench(async (bench) => {
        writeFileSync(join(bench.fixture, 'file'), 'hello\n');
        const fixture = ['--fixture', bench.fixture];
        const recorded = await bench.record(way.command, WORK, 'unmount', fixture);
        expect(recorded, recorded.output).toMatchObject({ code: 0, leftovers: [] });
        expect(recorded.output).toMatch(way.says);
        expect(recorded.lines.map((line) => line.replace(/ [0-9a-f]{16}$/, ''))).toEqual([
          ...['open f file RDONLY = 0', 'drain f 4K = 6', 'close f = 0', 'stat none = ENOENT'],
        ]);
        expect((await bench.rig(['show', bench.capture])).stdout).toMatch(/ q\d+\/\d+ +#\d+ READ /);
        for (const end of way.ends) {
          const replayed = await bench.replay([], { once: true, end });
          expect(complaints(replayed), `${end}: ${replayed.stderr}${replayed.output}`).toEqual([]);
          expect(replayed).toMatchObject({ ...CLEAN, unsupported: [] });
          expect(replayed.ring.requests).toBeGreaterThan(4);
          expect(replayed.output).toMatch(way.says);
        }
      });
    });
  }
});
