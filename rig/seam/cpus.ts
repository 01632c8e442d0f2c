/**
 * How many CPUs the server is shown. A ring has a queue for each possible CPU, so a server must see as
 * many as the Kernel behind the seam has: where it looks for them (`/sys/devices/system/cpu`,
 * sched_getaffinity) it is answered by the rig, and it may bind its threads to CPUs that are not there.
 */
import { readFileSync } from 'node:fs';
import { ERRNO } from '../protocol/errno.ts';
import type { PortWiring } from './port_handle.ts';
import { NR } from './traps.ts';

const { EINVAL, EFAULT } = ERRNO;
const DIRECTORY = '/sys/devices/system/cpu';
/** Most CPUs the rig can show: a queue each. */
export const CPUS_MAX = 64;
/** Bytes of the mask that sched_getaffinity returns for so many (cpumask_size()). */
const MASK_BYTES = 8;

/** Possible CPUs of this machine (cpu_possible_mask), from a list such as `0-3,8`. */
export function possibleCpus(): number {
  const last = /(\d+)\s*$/.exec(readFileSync(`${DIRECTORY}/possible`, 'utf8'))?.[1];
  return Number(last ?? 0) + 1;
}

export class ShownCpus {
  readonly count: number;
  /** The machine has as many: nothing is hidden. */
  readonly real: boolean;
  readonly #files: Map<string, string>;
  /** Masks that threads have asked for. */
  readonly #masks = new Map<number, bigint>();

  constructor(count: number) {
    this.count = count;
    this.real = count === possibleCpus();
    const list = count === 1 ? '0\n' : `0-${count - 1}\n`;
    this.#files = new Map(
      ['possible', 'online', 'present'].map((name) => [`${DIRECTORY}/${name}`, list]),
    );
  }

  /** System calls that come to the rig for this. */
  get calls(): number[] {
    return this.real ? [] : [NR.sched_getaffinity, NR.sched_setaffinity];
  }

  /** Paths whose opens come to the rig. */
  get paths(): string[] {
    return this.real ? [] : [...this.#files.keys()];
  }

  /** What such a file holds. */
  contentOf(path: string): string | undefined {
    return this.real ? undefined : this.#files.get(path);
  }

  get #all(): bigint {
    return (1n << BigInt(this.count)) - 1n;
  }

  /** sched_getaffinity(pid, len, mask). */
  getAffinity({ seam, trap }: PortWiring): void {
    const length = Number(BigInt.asUintN(32, trap.arg(1)));
    if (length < MASK_BYTES || length % 8 !== 0) {
      seam.respond(trap.slot, -EINVAL);
      return;
    }
    const mask = new Uint8Array(MASK_BYTES);
    const tid = trap.int(0) || trap.tid;
    new DataView(mask.buffer).setBigUint64(0, this.#masks.get(tid) ?? this.#all, true);
    const n = seam.writeMemory(trap.tid, trap.arg(2), mask);
    seam.respond(trap.slot, n === MASK_BYTES ? MASK_BYTES : -EFAULT);
  }

  /** sched_setaffinity(pid, len, mask): kept, not carried out. */
  setAffinity({ seam, trap, data }: PortWiring): void {
    const length = Math.min(Number(BigInt.asUintN(32, trap.arg(1))), MASK_BYTES);
    if (seam.readMemory(trap.tid, trap.arg(2), length) !== length) {
      seam.respond(trap.slot, -EFAULT);
      return;
    }
    let mask = 0n;
    for (let i = length - 1; i >= 0; i--) mask = (mask << 8n) | BigInt(data[i] ?? 0);
    mask &= this.#all;
    if (mask !== 0n) this.#masks.set(trap.int(0) || trap.tid, mask);
    seam.respond(trap.slot, mask === 0n ? -EINVAL : 0);
  }
}
