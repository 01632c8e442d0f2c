/** Which addresses of a server belong to which buffer of which ring entry. */

/** The addresses `start` to `end - 1`. */
export interface Region<E> {
  readonly start: number;
  readonly end: number;
  readonly entry: E;
  readonly buffer: 'headers' | 'payload';
}

/**
 * Regions that do not overlap, in the order of their addresses. One that overlaps another is told
 * and left out, so that one mistake is not told once more with every entry that follows.
 */
export class Regions<E> {
  readonly #sorted: Region<E>[] = [];

  /** Adds a region, or returns the first one that it overlaps. */
  add(region: Region<E>): Region<E> | undefined {
    const { start, end } = region;
    if (start >= end) return undefined;
    const at = this.#firstEndingAfter(start);
    const next = this.#sorted[at];
    if (next !== undefined && next.start < end) return next;
    this.#sorted.splice(at, 0, region);
    return undefined;
  }

  remove(region: Region<E>): void {
    const at = this.#firstEndingAfter(region.start);
    if (this.#sorted[at] === region) this.#sorted.splice(at, 1);
  }

  /** Regions that do not overlap are in the order of their ends, too. */
  #firstEndingAfter(address: number): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#sorted[middle]?.end ?? 0) > address) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
