/**
 * Why a run failed, in words that another run with the same reason has too: which check, what it found,
 * and what the server was last seen in, without numbers.
 */
import type { Difference, Failure, Outcome } from './outcome.ts';

export interface Cause {
  /** The same for every run of a group. */
  readonly key: string;
  readonly check: string;
  /** As the check said it. */
  readonly text: string;
}

/** What explains the others comes first: a crash before the answers it prevented. */
const ORDER = ['rig', 'termination', 'ownership', 'conformance', 'content', 'mounts'];
const rank = ({ check }: Failure): number => {
  const at = ORDER.indexOf(check);
  if (at >= 0) return at;
  return check === 'divergence' ? ORDER.length + 1 : ORDER.length;
};

const HOLDER = '#';
const SIGNAL = /\bsignal (\d+)/g;

/** Without numbers, but for a signal's: that is a name. */
export const withoutNumbers = (text: string): string =>
  text
    .replace(SIGNAL, (_, n: string) => `signal ${letters(Number(n))}`)
    .replace(/\b0x[0-9a-f]+\b|\d+(\.\d+)?/g, HOLDER)
    .replace(/signal ([a-z]+)/g, (_, word: string) => `signal ${numberOf(word)}`);

const letters = (n: number): string => [...String(n)].map((d) => 'abcdefghij'[Number(d)]).join('');
const numberOf = (word: string): string =>
  /^[a-j]+$/.test(word) ? [...word].map((c) => 'abcdefghij'.indexOf(c)).join('') : word;

/** `comm (thread 7): wait, system call 202, in wchan`, which says where it ended up. */
const THREAD = /^.* \(thread \d+\): (.*)$/;

/** What of the details belongs to the cause. */
function wheres({ check, details }: Failure): string[] {
  if (check === 'termination') {
    const threads = details.flatMap((line) => THREAD.exec(line)?.[1] ?? []);
    const crash = details.filter((line) => line.includes('died of signal'));
    return [...new Set([...threads, ...crash].map(withoutNumbers))].sort();
  }
  // Of what was asked, the operation.
  const [first] = details;
  return first === undefined ? [] : (first.match(/\b[A-Z][A-Z_]{2,}\b/)?.slice(0, 1) ?? []);
}

export const differs = ({ line, first, second }: Difference): Failure => ({
  check: 'determinism',
  text: 'two runs of one plan differ',
  details: [`line ${line} of the log`, `first   ${first}`, `second  ${second}`],
});

/** Undefined: the run did not fail. */
export function causeOf(outcome: Outcome): Cause | undefined {
  const failures = [...outcome.failures];
  if (outcome.difference !== undefined) failures.push(differs(outcome.difference));
  const [first] = failures.sort((a, b) => rank(a) - rank(b));
  if (first === undefined) return undefined;
  const { check, text } = first;
  const key = [check, withoutNumbers(text), ...wheres(first)].join(' | ');
  return { key, check, text };
}
