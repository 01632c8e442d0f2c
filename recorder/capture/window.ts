/**
 * A window onto a file of frames: the bytes at an offset, read in large pieces into one buffer, so that
 * a capture of any size is read with the same memory. What is asked for must lie within the file's
 * size, which the caller checks first: nothing is allocated on the word of a length field alone.
 */
import { readSync } from 'node:fs';
import { CaptureError, onDisk } from './error.ts';

/** Where in `bytes` the whole and sound frames end that begin at `from`; at most at `to`. */
export type SoundFrames = (bytes: Uint8Array, from: number, to: number) => number;

export class ReadWindow {
  readonly buffer: Uint8Array;
  readonly #fd: number;
  readonly #path: string;
  readonly #soundFrames: SoundFrames | undefined;
  /** File offset and length of what the buffer holds, and the offset up to which it is sound. */
  #offset = 0;
  #length = 0;
  #soundTo = 0;

  /** What `own` gave, where it is only lent. */
  #lent: Uint8Array | undefined;
  readonly #lends: boolean;

  /**
   * With `soundFrames` each piece read is verified at once, which costs one call a piece. `lends`: what
   * `own` gives is used again by the next call.
   */
  constructor(fd: number, path: string, size: number, soundFrames?: SoundFrames, lends = false) {
    this.#fd = fd;
    this.#path = path;
    this.#soundFrames = soundFrames;
    this.#lends = lends;
    this.buffer = new Uint8Array(size);
  }

  /** True if the buffer is too small for so many bytes: `own` gives memory of their own. */
  owns(length: number): boolean {
    return length > this.buffer.length;
  }

  own(offset: number, length: number): Uint8Array {
    const reuse = this.#lends && this.#lent !== undefined && this.#lent.length >= length;
    const own = reuse ? (this.#lent as Uint8Array).subarray(0, length) : new Uint8Array(length);
    if (this.#lends && !reuse) this.#lent = own;
    this.#fill(own, offset, length);
    return own;
  }

  /** Where in `buffer` the bytes at `offset` lie, a frame's first ones; until the next call. */
  place(offset: number, length: number): number {
    const at = offset - this.#offset;
    if (at >= 0 && at + length <= this.#length) return at;
    // A failed read must not leave the old offset over new bytes.
    this.#length = 0;
    this.#soundTo = 0;
    this.#offset = offset;
    this.#length = this.#fill(this.buffer, offset, length);
    if (this.#soundFrames !== undefined) {
      this.#soundTo = offset + this.#soundFrames(this.buffer, 0, this.#length);
    }
    return 0;
  }

  /** Whether the frame that lies in the buffer and ends at `end` was verified when it was read. */
  sound(end: number): boolean {
    return end <= this.#soundTo;
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
