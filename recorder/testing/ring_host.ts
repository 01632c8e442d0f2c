/** What this machine has for a real ring, and what stands for a session's waiting. */
import { readFileSync } from 'node:fs';
import { type NativeSeam, native } from '../../native/load.ts';
import { Trap, WAIT } from '../../rig/seam/traps.ts';
import { Watches } from '../../rig/seam/watches.ts';

export const CPUS =
  Number(readFileSync('/sys/devices/system/cpu/possible', 'utf8').split('-')[1] ?? 0) + 1;

/** Why no ring can be had here; undefined if it can. */
export function whyNoRing(): string | undefined {
  if (process.getuid?.() !== 0) return 'mounting needs root';
  try {
    const on = readFileSync('/sys/module/fuse/parameters/enable_uring', 'utf8').startsWith('Y');
    return on ? undefined : '/sys/module/fuse/parameters/enable_uring is N: echo Y there';
  } catch {
    return 'this kernel has no FUSE over io_uring';
  }
}

/** Whether a promise has come to its end. */
export function settled(promise: Promise<unknown>): () => boolean {
  let over = false;
  const end = () => {
    over = true;
  };
  promise.then(end, end);
  return () => over;
}

/** A session's waiting without a server: edge-triggered, as the relay finds it in a recording. */
export class Waiting {
  readonly watches: Watches;
  readonly #seam: NativeSeam;
  readonly #trap: Trap;
  readonly #fds: readonly [number, number];

  constructor() {
    // Nobody traps anything, and no keeper says a word.
    const [listener, first] = native.socketPair();
    const [keeper, second] = native.socketPair();
    this.#fds = [first, second];
    this.#seam = new native.Seam(listener, keeper, 0, 0, 4096);
    this.#trap = new Trap(this.#seam);
    this.watches = new Watches(this.#seam);
  }

  /** Does what there is to do now. */
  look(): void {
    while (this.#seam.wait(0) === WAIT.watched) this.watches.run(this.#trap.size);
  }

  close(): void {
    this.#seam.close();
    for (const fd of this.#fds) native.closeFd(fd);
  }
}
