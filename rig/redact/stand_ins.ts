/**
 * Stand-ins for names: as long as the name, the same for the same name, different for different ones.
 * They are counted, not computed from the name, so that nobody can find a name by trying many.
 */
const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';
const SLASH = 0x2f;
const DOT = 0x2e;

/** Every byte that a name may hold, the harmless ones first. */
const BYTES: readonly number[] = [
  ...Buffer.from(LETTERS, 'latin1'),
  ...Array.from({ length: 255 }, (_, i) => i + 1).filter(
    (byte) => byte !== SLASH && byte !== DOT && !LETTERS.includes(String.fromCharCode(byte)),
  ),
];

/** Counts through the names of one length: those of letters first, then, where these are few, the others. */
function* namesOf(length: number): Generator<string, undefined> {
  for (const [base, skip] of [
    [LETTERS.length, 0],
    [BYTES.length, LETTERS.length],
  ] as const) {
    const digits = new Array<number>(length).fill(0);
    for (let at = 0; at >= 0; ) {
      // Those of letters alone have been there already.
      if (skip === 0 || digits.some((digit) => digit >= skip)) {
        yield Buffer.from(digits.map((digit) => BYTES[digit] as number)).toString('latin1');
      }
      for (at = length - 1; at >= 0; at--) {
        const next = (digits[at] as number) + 1;
        digits[at] = next === base ? 0 : next;
        if (next < base) break;
      }
    }
  }
}

/** Names are latin1 here: a character a byte. */
export class StandIns {
  readonly #known = new Map<string, string>();
  readonly #free = new Map<number, Generator<string, undefined>>();

  /** Different names that were given a stand-in. */
  get size(): number {
    return this.#known.size;
  }

  of(name: string): string {
    if (name === '') return name;
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const free = this.#free.get(name.length) ?? namesOf(name.length);
    this.#free.set(name.length, free);
    let standIn = free.next().value;
    // Nobody is to be called by the own name.
    if (standIn === name) standIn = free.next().value;
    // Where all names of one byte are taken: another of them has it too, which is no secret either.
    const given = standIn ?? name;
    this.#known.set(name, given);
    return given;
  }
}
