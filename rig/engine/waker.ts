/**
 * The descriptor that a session sleeps on, shared by its thread and the one that wakes it: nobody writes
 * to it once it is closed, when its number may be another file's.
 */
import { writeSync } from 'node:fs';

/** Nobody is to be woken; else the descriptor and one. */
const NONE = 0;
/** The other side is at it, which takes no time. */
const BUSY = -1;

export class Waker {
  readonly #fd: Int32Array;

  constructor(shared = new SharedArrayBuffer(4)) {
    this.#fd = new Int32Array(shared);
  }

  /** What the other thread makes its Waker of. */
  get shared(): SharedArrayBuffer {
    return this.#fd.buffer as SharedArrayBuffer;
  }

  /** An eventfd: any count above zero wakes. */
  wake(): void {
    const taken = this.#take();
    if (taken !== NONE) writeSync(taken - 1, new BigUint64Array([1n]));
    Atomics.store(this.#fd, 0, taken);
  }

  /** From now on this one is written to. */
  open(fd: number): void {
    this.#take();
    Atomics.store(this.#fd, 0, fd + 1);
  }

  /** It is about to be closed. */
  close(): void {
    this.#take();
    Atomics.store(this.#fd, 0, NONE);
  }

  #take(): number {
    for (;;) {
      const value = Atomics.exchange(this.#fd, 0, BUSY);
      if (value !== BUSY) return value;
    }
  }
}
