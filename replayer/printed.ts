/** The beginning of what the server prints, for the report. */
const OUTPUT_MAX = 64 << 10;

export class Printed {
  text = '';
  readonly #most: number;

  /** `most`: bytes that are kept. */
  constructor(most = OUTPUT_MAX) {
    this.#most = most;
  }

  add(bytes: Uint8Array): void {
    const room = this.#most - this.text.length;
    if (room > 0) this.text += Buffer.from(bytes).toString().slice(0, room);
  }
}
