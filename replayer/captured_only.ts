/** A decider that is asked about what the capture holds, not about what this run asks beside. */
import { type Decider, type Moment, momentAt, type Verdict } from '../rig/decider.ts';
import type { Cursor } from './cursor.ts';

const NONE: readonly Verdict[] = [];

export class CapturedOnly implements Decider {
  readonly #decider: Decider;
  readonly #cursor: () => Cursor;

  get calls(): readonly number[] {
    return this.#decider.calls ?? [];
  }

  constructor(decider: Decider, cursor: () => Cursor) {
    this.#decider = decider;
    this.#cursor = cursor;
  }

  decide(moment: Moment): readonly Verdict[] {
    const { conn, opcode, unique } = moment;
    const cursor = this.#cursor();
    if (cursor.isOwn(opcode, unique)) return NONE;
    const index = moment.name === 'ask' || unique !== 0n ? cursor.placeOf(conn, unique, opcode) : 0;
    return this.#decider.decide(index === 0 ? moment : momentAt(moment, index));
  }
}
