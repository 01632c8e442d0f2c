/**
 * What the faults of a plan explain: the checks accuse nobody of it. Effects come after their cause, so
 * one look at each event is enough.
 */
import type { Fate, InjectedEvent, ReplayEvent } from '../events.ts';
import { OP } from '../protocol/opcodes.ts';

/** Operations after which everything is as it was. */
const READS: ReadonlySet<number> = new Set(
  [
    ...[OP.LOOKUP, OP.GETATTR, OP.STATX, OP.READ, OP.READLINK, OP.READDIR, OP.READDIRPLUS],
    ...[OP.GETXATTR, OP.LISTXATTR, OP.ACCESS, OP.STATFS, OP.LSEEK, OP.GETLK, OP.BMAP, OP.POLL],
    ...[OP.OPENDIR, OP.RELEASEDIR, OP.FSYNC, OP.FSYNCDIR],
  ].map(({ opcode }) => opcode),
);

/** What a server that lacks something does not take, it says; what it takes is whole. */
const MAY_FAIL: ReadonlySet<Fate> = new Set(['may-fail', 'lacking', 'may-die']);
const UNHARMED: ReadonlySet<Fate> = new Set(['kept', 'whole', 'none']);

export class FaultEffects {
  /** A request was lost, or may have been: ids that it would have brought never came. */
  #lost = false;
  /** A request may have failed, and said so. */
  #failed = false;
  /** The server may have ended, or no longer take requests. */
  #mayEnd = false;
  /** The server may answer otherwise. */
  #altered = false;
  #touched = 0;
  #orphaned = 0;
  #ended = 0;
  #others = 0;

  take(event: InjectedEvent): void {
    if (event.refused) return;
    if (!event.goesOn) this.#mayEnd = true;
    if (MAY_FAIL.has(event.fate)) this.#failed = true;
    else if (!UNHARMED.has(event.fate)) this.#lost = true;
    if (event.fate === 'altered' || event.fate === 'reordered') this.#altered = true;
    // Part of the session is gone, and with it what it would have answered.
    if (event.fate === 'none' && event.result === 0) {
      this.#mayEnd = true;
      this.#lost = true;
    }
  }

  /** Whether a fault explains the event, which is then counted here. */
  explain(event: ReplayEvent): boolean {
    if (event.kind === 'unanswered') {
      if (event.why === 'faulted') this.#touched++;
      else if (event.why === 'orphaned' && this.#neverCame) this.#orphaned++;
      else if (event.why === 'ended' && this.#mayEnd) this.#ended++;
      else return false;
      // What it would have changed is not so, or not known to be so, for whoever asks behind it.
      if (!READS.has(event.opcode)) this.#altered = true;
      return true;
    }
    if (event.kind === 'answered' && this.#altered && event.expected !== event.actual) {
      this.#others++;
      return true;
    }
    // Names that were made or removed by a request that was lost.
    return event.kind === 'directory' && (this.#lost || this.#mayEnd || this.#altered);
  }

  get #neverCame(): boolean {
    return this.#lost || this.#failed || this.#mayEnd;
  }

  words(): string {
    const parts = [
      [this.#touched, 'hit by a fault'],
      [this.#orphaned, 'orphaned by it'],
      [this.#ended, 'not asked after it'],
      [this.#others, 'answered otherwise after it'],
    ] as const;
    return parts.map(([n, what]) => (n > 0 ? `, ${n} ${what}` : '')).join('');
  }
}
