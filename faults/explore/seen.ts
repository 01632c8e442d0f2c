/** What a session without faults shows of where it could go wrong: its moments, each kind counted. */
import type { Decider, Moment, MomentName, Verdict } from '../../rig/decider.ts';
import type { Transport } from '../fault.ts';
import { FAULTS } from '../list.ts';

/** Moments that no rule without a number can tell apart. */
export interface SeenMoment {
  readonly name: MomentName;
  readonly transport: Transport;
  /** 0 where there is no message. */
  readonly opcode: number;
  readonly splice: boolean;
  readonly nonblock: boolean;
  /** Of a call of the server's own; else -1. */
  readonly nr: number;
  readonly count: number;
}

export interface Seen {
  /** In an order that does not depend on who came first. */
  readonly moments: readonly SeenMoment[];
  /** Highest value of a matcher that counts or numbers something. */
  readonly most: Readonly<Record<string, number>>;
}

const NONE: readonly Verdict[] = [];
/** Every call that some fault is about. */
const CALLS = [...new Set(FAULTS.flatMap((fault) => ('calls' in fault && fault.calls) || []))];
const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Lets everything happen, and remembers that it did. */
export class Watcher implements Decider {
  readonly calls = CALLS;
  readonly #counts = new Map<string, SeenMoment>();
  readonly #most: Record<string, number> = {};

  decide(moment: Moment): readonly Verdict[] {
    const { name, transport, opcode, splice, nonblock, nr = -1 } = moment;
    const key = [name, transport, String(opcode).padStart(5, '0'), splice, nonblock, nr].join(' ');
    const count = (this.#counts.get(key)?.count ?? 0) + 1;
    this.#counts.set(key, { name, transport, opcode, splice, nonblock, nr, count });
    const { queue, entry, size, inFlight: inflight } = moment;
    const nodeid = Number(moment.nodeid);
    for (const [of, value] of Object.entries({ queue, entry, size, inflight, nodeid })) {
      // Some servers number their nodes by address: no range of those is worth a draw.
      if (value < 2 ** 31) this.#most[of] = Math.max(this.#most[of] ?? 0, value);
    }
    return NONE;
  }

  get seen(): Seen {
    const sorted = [...this.#counts].sort(([a], [b]) => byText(a, b));
    const moments = sorted.map(([, one]) => one);
    const when = Math.max(1, ...moments.map(({ count }) => count));
    return { moments, most: { ...this.#most, when } };
  }
}
