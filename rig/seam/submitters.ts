/**
 * The threads that submit FUSE commands, each with the ring it submits to: the kernel cancels a
 * command when its ring is closed, and delivers nothing any more when the thread that submitted it has
 * ended. The Kernel behind the port knows them as its ring ids.
 */
import type { NativeSeam } from '../../native/load.ts';
import { EntryMemory } from './entry_memory.ts';
import { MessageBuffers } from './message_buffers.ts';

export interface Submitter {
  id: number;
  /** The addon's number of the ring. */
  ring: number;
  memory: EntryMemory;
  /** The thread is no more, the ring is. */
  ended: boolean;
}

export class Submitters {
  readonly #seam: NativeSeam;
  readonly #data: Uint8Array;
  /** Megabytes: only for sessions with a ring. */
  #buffers: MessageBuffers | undefined;
  readonly #byId = new Map<number, Submitter>();
  /** By ring and thread. */
  readonly #byThread: Map<number, Submitter>[] = [];
  /** Rings that were found closed between looks. */
  readonly #gone: number[] = [];
  #lastId = 0;

  constructor(seam: NativeSeam, data: Uint8Array) {
    this.#seam = seam;
    this.#data = data;
  }

  of(ring: number, tid: number): Submitter {
    this.#byThread[ring] ??= new Map();
    const threads = this.#byThread[ring];
    let found = threads.get(tid);
    if (found === undefined) {
      this.#buffers ??= new MessageBuffers();
      const memory = new EntryMemory(this.#seam, this.#data, this.#buffers, tid);
      found = { id: ++this.#lastId, ring, memory, ended: false };
      threads.set(tid, found);
      this.#byId.set(found.id, found);
    }
    return found;
  }

  byId(id: number): Submitter | undefined {
    return this.#byId.get(id);
  }

  /** Whether the ring was closed. Its submitters are told at the next look. */
  isClosed({ ring }: Submitter): boolean {
    this.#gone.push(...this.#seam.ringsGone());
    return this.#gone.includes(ring);
  }

  /** Looks for closed rings, whose submitters are no more, and for ended threads. Rings that were closed. */
  look(
    closed: (submitter: Submitter, taskGone: boolean) => void,
    ended: (submitter: Submitter) => void,
  ): number[] {
    if (this.#byId.size === 0) return [];
    const rings = [...this.#gone.splice(0), ...this.#seam.ringsGone()];
    for (const s of [...this.#byId.values()]) {
      const gone = s.ended || !this.#seam.threadLives(s.memory.submitter);
      if (rings.includes(s.ring)) {
        closed(s, gone);
        this.#byId.delete(s.id);
        this.#byThread[s.ring]?.delete(s.memory.submitter);
      } else if (gone && !s.ended) {
        s.ended = true;
        this.#byThread[s.ring]?.delete(s.memory.submitter);
        ended(s);
      }
    }
    return rings;
  }
}
