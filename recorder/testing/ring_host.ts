/** What this machine has for a real ring, and what stands for a session's waiting. */
import { type NativeSeam, native } from '../../native/load.ts';
import { possibleCpus } from '../../rig/seam/cpus.ts';
import { Trap, WAIT } from '../../rig/seam/traps.ts';
import { Watches } from '../../rig/seam/watches.ts';
import { whyNotOffered } from '../../rig/testing/offer_ring.ts';

export const CPUS = possibleCpus();

/** Why no ring can be had here; undefined if it can. */
export const whyNoRing = (): string | undefined =>
  process.getuid?.() === 0 ? whyNotOffered() : 'mounting needs root';

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
    this.#seam = new native.Seam(listener, keeper, 0, 0, new ArrayBuffer(4096), new ArrayBuffer(0));
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
