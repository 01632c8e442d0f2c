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

  constructor() {
    beforeAll(async () => {
      if (cannotRecord() !== undefined) return;
      const bench = new Bench();
      await bench.record(odd('plain'), async () => {
        const one = () => bench.client([...WORK, ...WORK]);
        return (await Promise.all(Array.from({ length: CLIENTS }, one))).flat();
      });
      this.#bench = bench;
      this.log = (await this.replay('plain')).log;
      return () => bench.remove();
    });
  }

  /** Replays the capture into a mode, as on a machine with so many CPUs. */
  replay(mode: string, cpus = CLIENTS): Promise<Replayed> {
    if (this.#bench === undefined) throw new Error(cannotRecord() ?? 'no capture');
    return this.#bench.replay(odd(mode), { once: true, args: ['--cpus', String(cpus)] });
  }
}
