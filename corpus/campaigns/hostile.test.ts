/**
 * Replays of spoiled captures (`npm run campaign:hostile` does a thousand): no crash, no hang, an exit
 * code of the table. And that the mutations do what they say.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { CaptureReader } from '../../recorder/capture/reader.ts';
import type { SessionEvent } from '../../rig/events.ts';
import { Prng } from '../prng.ts';
import { TRANSPORTS } from './moment_servers.ts';
import { MUTATIONS } from './mutate.ts';
import { replaySpoiled, SMALL, writeSpoiled } from './spoiled.ts';

vi.setConfig({ testTimeout: 300_000 });

const SEED = Number(process.env.FUSE_RIG_SEED ?? 1);
const RUNS = Number(process.env.FUSE_RIG_HOSTILE_RUNS ?? 40);

const eventsOf = (path: string): SessionEvent[] => {
  const reader = CaptureReader.open(path);
  const events = [...reader.events()].map((event) => structuredClone(event));
  reader.close();
  return events;
};

describe('mutations', () => {
  const events = eventsOf(SMALL);

  it.each(Object.keys(MUTATIONS))('%s changes a capture, always the same by seed', (name) => {
    const spoiled = (seed: number) => {
      const copy = [...events];
      MUTATIONS[name]?.(copy, new Prng(seed));
      return digest(copy);
    };
    const seeds = [1, 2, 3, 4];
    expect(seeds.map(spoiled)).toEqual(seeds.map(spoiled));
    expect(seeds.filter((seed) => spoiled(seed) !== digest(events))).not.toEqual([]);
  });

  it('leave a capture that can be read to its end', () => {
    const dir = mkdtempSync(join(tmpdir(), 'fuse-rig-spoiled-'));
    for (let seed = 0; seed < 50; seed++) {
      const path = join(dir, `${seed}.fusecap`);
      expect(writeSpoiled(seed, path)).not.toEqual([]);
      expect(eventsOf(path).at(-1)?.kind).toBe('end');
    }
    rmSync(dir, { recursive: true });
  });
});

describe(`a spoiled capture (seeds ${SEED}..${SEED + RUNS - 1})`, () => {
  it('is replayed to an end, whatever it says, by turns into the device and a ring', async () => {
    const codes = new Set<number | null>();
    for (let seed = SEED; seed < SEED + RUNS; seed++) {
      const transport = TRANSPORTS[seed % 2];
      const { wrong, mutations, code } = await replaySpoiled(seed, transport);
      codes.add(code);
      const words = `--transport ${transport} --runs 1 --seed ${seed}`;
      const how = `${mutations.join(', ')}: npm run campaign:hostile -- ${words}`;
      expect(wrong, how).toEqual([]);
    }
    // Some captures stay good, others do not: else nothing was spoiled, or nothing replayed.
    expect([...codes]).toEqual(expect.arrayContaining([0, 3]));
  });
});

/** Large messages are compared by what they hash to. */
function digest(events: readonly SessionEvent[]): string {
  const hash = createHash('sha256');
  for (const event of events) {
    const bytes = 'bytes' in event ? event.bytes : new Uint8Array(0);
    hash.update(JSON.stringify({ ...event, bytes: bytes.length })).update(bytes);
  }
  return hash.digest('hex');
}
