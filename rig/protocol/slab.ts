/**
 * Private copies of messages that share large buffers. A typed array with a buffer of its own costs
 * an allocation outside the heap and the collector a visit: at tens of thousands of messages a second
 * that is a tenth of a replay.
 */
const SLAB_BYTES = 64 * 1024;
/** Longer ones get a buffer of their own, so that a slab is not kept alive for little. */
const SHARED_MAX = 4 * 1024;

export class Slab {
  #bytes = new Uint8Array(SLAB_BYTES);
  #used = 0;

  /** A copy that nobody else writes to. Its `buffer` is shared: mind `byteOffset`. */
  copy(message: Uint8Array): Uint8Array {
    const { length } = message;
    if (length > SHARED_MAX) return message.slice();
    if (this.#used + length > SLAB_BYTES) {
      this.#bytes = new Uint8Array(SLAB_BYTES);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += length;
    const own = this.#bytes.subarray(start, this.#used);
    own.set(message);
    return own;
  }
}
