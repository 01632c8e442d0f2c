/** The connections of a replay, by their number in the capture, and what is unanswered on them. */
import type { Flight } from './flight.ts';
import { Side } from './side.ts';

export class Sides {
  readonly #sides = new Map<number, Side>();

  at(conn: number): Side {
    let side = this.#sides.get(conn);
    if (side === undefined) {
      side = new Side();
      this.#sides.set(conn, side);
    }
    return side;
  }

  /** Nothing of the capture waits for its answer: what is asked now is concurrent with nothing before it. */
  get idle(): boolean {
    for (const side of this.#sides.values()) if (side.flights.size > 0) return false;
    return true;
  }

  /** Nothing more is asked on any of them. */
  close(): void {
    for (const side of this.#sides.values()) side.gone = true;
  }

  /** What is unanswered now is not waited for, because of `detail`. */
  cut(detail: string): void {
    for (const side of this.#sides.values()) {
      for (const flight of side.flights.values()) if (flight.open > 0) flight.cut ??= detail;
    }
  }

  /** Takes out what was not passed, by its place in the capture. */
  takeFlights(): Flight[] {
    const taken: Flight[] = [];
    for (const { flights } of this.#sides.values()) {
      taken.push(...flights.values());
      flights.clear();
    }
    return taken.sort((a, b) => a.index - b.index);
  }
}
