/**
 * The threads that submit FUSE commands, each with the ring it submits to: the kernel cancels a
 * command when its ring is closed and when the thread that submitted it ends. The Kernel behind the
 * port knows them as its ring ids.
 */
import type { NativeSeam } from '../../native/load.ts';
import { EntryMemory, MessageBuffers } from './entry_memory.ts';

export interface Submitter {
  id: number;
  /** The addon's number of the ring. */
  ring: number;
  memory: EntryMemory;
}

/** To begin with: 256 pages, the kernel's default limit, and headers. */
const MESSAGE_SIZE = (1 << 20) + 8192;

export class Submitters {
  readonly #seam: NativeSeam;
  readonly #data: Uint8Array;
  readonly #buffers = new MessageBuffers(MESSAGE_SIZE);
  readonly #byId = new Map<number, Submitter>();
  readonly #byThread = new Map<string, Submitter>();
  #lastId = 0;

  constructor(seam: NativeSeam, data: Uint8Array) {
    this.#seam = seam;
    this.#data = data;
  }

  of(ring: number, tid: number): Submitter {
    const name = `${ring} ${tid}`;
    let found = this.#byThread.get(name);
    if (found === undefined) {
      const memory = new EntryMemory(this.#seam, this.#data, this.#buffers, tid);
      found = { id: ++this.#lastId, ring, memory };
      this.#byThread.set(name, found);
      this.#byId.set(found.id, found);
    }
    return found;
  }

  byId(id: number): Submitter | undefined {
    return this.#byId.get(id);
  }

  /** Looks for closed rings and ended threads; `gone` is told of each submitter that is no more. */
  look(gone: (submitter: Submitter, taskGone: boolean) => void): number[] {
    if (this.#byId.size === 0) return [];
    const closed = this.#seam.ringsGone();
    for (const s of [...this.#byId.values()]) {
      const ended = !this.#seam.threadLives(s.memory.submitter);
      if (!ended && !closed.includes(s.ring)) continue;
      gone(s, ended);
      this.#byId.delete(s.id);
      this.#byThread.delete(`${s.ring} ${s.memory.submitter}`);
    }
    return closed;
  }
}
