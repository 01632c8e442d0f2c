/**
 * Contents of files. A byte's stand-in depends on its place in the file and on nothing of the byte but
 * whether it is zero, which holes are: so what is read is what was written, or lay in the fixture, and
 * a server that puts bytes in the wrong place still shows.
 */
const LINE = 16;
const NEWLINE = 0x0a;
const FLAT = 0x78;

export class Contents {
  readonly #flat: boolean;

  /** `flat`: every place alike, for captures in which a server moves bytes to another place itself. */
  constructor(flat: boolean) {
    this.#flat = flat;
  }

  /** Replaces `bytes`, which begin at offset `at` of their file. */
  replace(bytes: Uint8Array, at: number): void {
    let line = '';
    for (let i = 0; i < bytes.length; i++) {
      const place = at + i;
      // Lines that say where they are, in hexadecimal digits.
      if (line === '' || place % LINE === 0) {
        line = Math.floor(place / LINE)
          .toString(16)
          .padStart(LINE - 1, '0');
      }
      if (bytes[i] === 0) continue;
      if (this.#flat) bytes[i] = FLAT;
      else bytes[i] = place % LINE === LINE - 1 ? NEWLINE : line.charCodeAt(place % LINE);
    }
  }
}
