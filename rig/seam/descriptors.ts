/**
 * The range of descriptor numbers the filter watches in the server, and what lies where. One number
 * means one thing in every process of the server, for the whole session: a number is only used again
 * when nothing holds it any more.
 */

/** Numbers the range holds. Enough for a clone a thread on big machines; the filter's cost is fixed. */
export const RANGE_COUNT = 64;

/**
 * First number of the range: at the top of the server's soft RLIMIT_NOFILE, away from its dup2
 * targets and from what it opens itself (which takes the lowest free number).
 */
export function rangeBase(softNofile: number): number {
  const limit = Math.min(softNofile, 1 << 20);
  if (limit < 2 * RANGE_COUNT) {
    throw new Error(
      `the limit of open files (${softNofile}) leaves no room for the rig's ${RANGE_COUNT} descriptors; raise it: ulimit -n 1024`,
    );
  }
  return limit - RANGE_COUNT;
}

export class DescriptorTable<T> {
  readonly #entries = new Map<number, T>();

  /** A free index, or -1. */
  take(entry: T): number {
    for (let index = 0; index < RANGE_COUNT; index++) {
      if (!this.#entries.has(index)) {
        this.#entries.set(index, entry);
        return index;
      }
    }
    return -1;
  }

  get(index: number): T | undefined {
    return this.#entries.get(index);
  }

  free(index: number): void {
    this.#entries.delete(index);
  }

  entries(): IterableIterator<[number, T]> {
    return this.#entries.entries();
  }
}
