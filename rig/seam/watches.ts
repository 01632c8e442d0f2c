/** Descriptors of the rig's own that the seam's wait also watches, each with what to do. */
import type { NativeSeam } from '../../native/load.ts';

export class Watches {
  readonly #seam: NativeSeam;
  readonly #actions = new Map<number, { fd: number; action: () => void }>();
  #nextTag = 1;

  constructor(seam: NativeSeam) {
    this.#seam = seam;
  }

  /** Calls `action` whenever `fd` becomes readable (edge-triggered). Returns the tag. */
  add(fd: number, action: () => void): number {
    const tag = this.#nextTag++;
    const result = this.#seam.watch(fd, tag);
    if (result < 0) throw new Error(`seam: cannot watch descriptor ${fd}: errno ${-result}`);
    this.#actions.set(tag, { fd, action });
    return tag;
  }

  /** Calls the action once more, when the descriptor becomes readable next; now, if it is. */
  next(tag: number): void {
    const watched = this.#actions.get(tag);
    if (watched !== undefined) this.#seam.watchNext(watched.fd, tag);
  }

  remove(tag: number): void {
    const watched = this.#actions.get(tag);
    if (watched === undefined) return;
    this.#seam.unwatch(watched.fd);
    this.#actions.delete(tag);
  }

  run(tag: number): void {
    this.#actions.get(tag)?.action();
  }
}
