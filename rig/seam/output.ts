/** What the server prints: taken from its pipes as fast as somebody takes it from here. */
import { native } from '../../native/load.ts';
import type { Watches } from './watches.ts';

const PIECE = 65536;
/** Pieces taken at once. */
const ROUNDS = 16;

export class Output {
  /** Whether nobody takes what the server prints just now. */
  full: () => boolean = () => false;
  /** By the tags of their watches. */
  readonly #drains = new Map<number, () => void>();
  #undrained = false;

  constructor(
    watches: Watches,
    pipes: { stdout: number; stderr: number },
    take: (which: 1 | 2, bytes: Uint8Array) => void,
  ) {
    for (const [which, fd] of [[1, pipes.stdout] as const, [2, pipes.stderr] as const]) {
      const chunk = new Uint8Array(PIECE);
      const drain = () => {
        for (let round = 0; round < ROUNDS && !this.full(); round++) {
          const n = native.readFd(fd, chunk, chunk.length);
          if (n <= 0) return;
          take(which, chunk.subarray(0, n));
        }
        // The rest stays in the pipe until the next look: a server that prints on and on waits there,
        // as it would for a terminal, and keeps nobody from being served.
        this.#undrained = true;
      };
      this.#drains.set(watches.add(fd, drain), drain);
    }
  }

  /** Takes what is there, if that is what the tag tells of. */
  take(tag: number): boolean {
    const drain = this.#drains.get(tag);
    drain?.();
    return drain !== undefined;
  }

  /** Takes on where it was left, if there is somebody to give it to. */
  look(): void {
    if (!this.#undrained || this.full()) return;
    this.#undrained = false;
    for (const drain of this.#drains.values()) drain();
  }

  /** The last of it, whoever takes it. */
  finish(): void {
    this.full = () => false;
    for (const drain of this.#drains.values()) drain();
  }
}
