/**
 * A window onto a file: the bytes at an offset, read in large pieces into one buffer, so that a
 * capture of any size is read with the same memory. What is asked for must lie within the file's
 * size, which the caller checks first: nothing is allocated on the word of a length field alone.
 */
import { readSync } from 'node:fs';
import { CaptureError, onDisk } from './error.ts';

export class ReadWindow {
  readonly #fd: number;
  readonly #path: string;
  readonly #buffer: Uint8Array;
  /** File offset and length of what the buffer holds. */
  #offset = 0;
  #length = 0;

  constructor(fd: number, path: string, size: number) {
    this.#fd = fd;
    this.#path = path;
    this.#buffer = new Uint8Array(size);
  }

  /** True if `bytes(offset, length)` gives memory of its own, not a view into the window. */
  owns(length: number): boolean {
    return length > this.#buffer.length;
  }

  /** The bytes at `offset`; valid until the next call unless `owns(length)`. */
  bytes(offset: number, length: number): Uint8Array {
    if (this.owns(length)) {
      const own = new Uint8Array(length);
      this.#fill(own, offset, length);
      return own;
    }
    const at = offset - this.#offset;
    if (at < 0 || at + length > this.#length) {
      // A failed read must not leave the old offset over new bytes.
      this.#length = 0;
      this.#offset = offset;
      this.#length = this.#fill(this.#buffer, offset, length);
      return this.#buffer.subarray(0, length);
    }
    return this.#buffer.subarray(at, at + length);
  }

  /** Reads at least `least` bytes, and what fits. */
  #fill(into: Uint8Array, offset: number, least: number): number {
    let length = 0;
    while (length < least) {
      const n = onDisk('read', this.#path, () =>
        readSync(this.#fd, into, length, into.length - length, offset + length),
      );
      if (n === 0) {
        const message = `${this.#path}: became shorter while it was read`;
        throw new CaptureError('truncated', message, { path: this.#path, offset });
      }
      length += n;
    }
    return length;
  }
}
