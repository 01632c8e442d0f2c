/**
 * sessions: a server that serves one session after the other keeps nothing of those that are over.
 *
 * Verified, from LEAST sessions in one process on, which were asked the same: at their ends, when the server
 * is quiet, it does not hold more descriptors, threads, mappings or locked memory each time. The first
 * quarter is warm-up (caches, pools, a runtime's threads); after it a count that grows with nearly every
 * session, and by as much in the later half as in the earlier, is a leak. Of memory that no file backs it is
 * one only if it has become three times what it was and 32 MiB more: a collector lets garbage lie that long.
 * Not verified: what is lost in some sessions only, and less memory than that.
 */
import type { ReplayEvent, SessionEndEvent } from '../events.ts';
import type { Check, Finding } from './finding.ts';

const LEAST = 12;
const WARM_UP = 1 / 4;
/** Of the steps from one session to the next: so many must be upwards. */
const NEARLY_ALL = 3 / 4;
/** Of the growth: so much must have come in the later half. */
const GOES_ON = 1 / 3;
const MIB = 1 << 20;
const MEMORY_LEAST = 32 * MIB;
const MEMORY_TIMES = 3;

type What = 'descriptors' | 'threads' | 'mappings' | 'locked' | 'memory';
const COUNTS = ['descriptors', 'threads', 'mappings'] as const;
const SIZES = ['locked', 'memory'] as const;
const WORDS: Readonly<Record<What, string>> = {
  descriptors: 'descriptors',
  threads: 'threads',
  mappings: 'mappings',
  locked: 'of locked memory',
  memory: 'of memory that no file backs',
};

const isSize = (what: What): boolean => (SIZES as readonly What[]).includes(what);
const shown = (what: What, value: number): string =>
  isSize(what) ? `${(value / MIB).toFixed(1)} MiB` : String(value);

/** Growth that goes on with nearly every session: how much in all; 0: there is none. */
export function growth(values: readonly number[]): number {
  const [first, last] = [values[0] ?? 0, values.at(-1) ?? 0];
  const grown = last - first;
  const ups = values.filter((value, n) => n > 0 && value > (values[n - 1] as number)).length;
  const middle = values[Math.floor(values.length / 2)] ?? 0;
  const steady = ups >= (values.length - 1) * NEARLY_ALL && last - middle >= grown * GOES_ON;
  return grown > 0 && steady ? grown : 0;
}

export class Sessions implements Check {
  readonly name = 'sessions';
  readonly kinds = ['session-end'] as const;
  readonly #ends: SessionEndEvent[] = [];

  take(event: ReplayEvent): void {
    if (event.kind === 'session-end') this.#ends.push(event);
  }

  #leak(what: What): Finding | undefined {
    const warm = this.#ends.slice(Math.ceil(this.#ends.length * WARM_UP));
    const values = warm.map((end) => end[what]);
    const grown = growth(values);
    if (grown === 0) return undefined;
    const first = values[0] as number;
    const little = grown < MEMORY_LEAST || first + grown < MEMORY_TIMES * first;
    if (what === 'memory' && little) return undefined;
    const each = grown / (values.length - 1);
    const per = isSize(what) ? shown(what, each) : `${Number(each.toFixed(1))}`;
    const from = warm[0]?.session ?? 0;
    return {
      check: this.name,
      verdict: 'fail',
      text: `the server keeps ${per} ${per === '1' ? WORDS[what].replace(/s$/, '') : WORDS[what]} of every session`,
      details: [
        `at the ends of sessions ${from} to ${from + values.length - 1}: ${values.map((value) => shown(what, value)).join(', ')}`,
        'why: every session was asked the same and is over: what is left of it is never given back, and a',
        'server that is mounted again and again runs out of it',
      ],
    };
  }

  findings(): Finding[] {
    const [check, { length }] = [this.name, this.#ends];
    const [first, last] = [this.#ends[Math.ceil(length * WARM_UP)], this.#ends.at(-1)];
    if (first === undefined || last === undefined) {
      const text = 'one session: the server did not mount again';
      return length === 0 ? [] : [{ check, verdict: 'pass', text, details: [] }];
    }
    const pass = (text: string): Finding[] => [{ check, verdict: 'pass', text, details: [] }];
    if (length < LEAST) return pass(`${length} sessions, too few to judge: ${LEAST} are needed`);
    const leaks = [...COUNTS, ...SIZES]
      .map((what) => this.#leak(what))
      .filter((one) => one !== undefined);
    if (leaks.length > 0) return leaks;
    const words = (end: SessionEndEvent) =>
      [...COUNTS.map((what) => `${end[what]} ${WORDS[what]}`), shown('memory', end.memory)].join(
        ', ',
      );
    return pass(
      `${length} sessions: ${words(first)} at the end of session ${first.session}; ${words(last)} at the last`,
    );
  }
}
