/**
 * What the tests of the seam for rings have in common: one capture of a tiny server on the device, made
 * once a file, which its ring modes answer as well.
 */
import { beforeAll } from 'vitest';
import { Bench, built, cannotRecord } from '../../testing/bench.ts';
import type { Replayed } from '../../testing/bench_words.ts';

export const odd = (mode: string) => [built('fuse-rig-odd-server'), mode, '{mountpoint}'];

const WORK = ['open f file RDONLY', 'drain f 4K', 'close f', 'stat none', 'stat .'];
/** Processes, and so queues of a ring, that are used. */
export const CLIENTS = 3;

export class OddRing {
  #bench: Bench | undefined;
  /** The log of the device's own server: that of every good one. */
  log = '';

  /** `clients` processes work at the same time, or two `after` each other, who both look up `last`. */
  constructor(order: 'at once' | 'after' = 'at once') {
    beforeAll(async () => {
      if (cannotRecord() !== undefined) return;
      const bench = new Bench();
      const work = async () => {
        const one = () => bench.client([...WORK, ...WORK, 'stat last']);
        if (order === 'after') return [...(await one()), ...(await one())];
        return (await Promise.all(Array.from({ length: CLIENTS }, one))).flat();
      };
      await bench.record(odd('plain'), work, 'unmount', ['--fixture', bench.fixture]);
      this.#bench = bench;
      this.log = (await this.replay('plain')).log;
      return () => bench.remove();
    });
  }

  /** Replays the capture into a mode, ended in another way than by an unmount. */
  ended(mode: string, end: string, stacks = false): Promise<Replayed> {
    if (this.#bench === undefined) throw new Error(cannotRecord() ?? 'no capture');
    const args = ['--cpus', String(CLIENTS)];
    return this.#bench.replay(odd(mode), { once: true, end, stacks, args });
  }

  /** Replays the capture into a mode, as on a machine with so many CPUs. */
  replay(mode: string, cpus = CLIENTS, ...words: string[]): Promise<Replayed> {
    if (this.#bench === undefined) throw new Error(cannotRecord() ?? 'no capture');
    const command = [...odd(mode), ...words];
    return this.#bench.replay(command, { once: true, args: ['--cpus', String(cpus)] });
  }
}
