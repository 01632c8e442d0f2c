/** One figure of the bench, and how it is shown. */

export interface Measure {
  /** Section and what was done, `record bindfs read-4k`. */
  name: string;
  /** Ours over theirs, both as rates: 1 is as fast. Absent where there is nothing to hold it against. */
  ratio?: number;
  /** Medians. */
  ours: number;
  theirs?: number;
  unit: string;
  /** What stands on either side. */
  sides: string;
  runs: number;
  /** Of `ratio` (of `ours` where there is none): (largest - smallest) / median over the runs. */
  spread: number;
}

/** What a section gives: figures, or why one cannot be had here. */
export type Result = Measure | { name: string; missing: string };

export interface Bench {
  /** Times everything is done; medians are taken. */
  runs: number;
  /** Whether a server is to be measured. */
  measures(server: { name: string }): boolean;
  say(progress: string): void;
  give(result: Result): void;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : (high + (sorted[middle - 1] ?? high)) / 2;
}

export const spreadOf = (values: readonly number[]): number =>
  (Math.max(...values) - Math.min(...values)) / median(values);

/**
 * Rates of the two sides, run by run. The ratio is the median of the runs' ratios: what disturbs the
 * machine for longer than a run disturbs both sides of it.
 */
export function compared(
  name: string,
  sides: string,
  ours: readonly number[],
  theirs: readonly number[],
  unit = '/s',
): Measure {
  const ratios = ours.map((rate, i) => rate / (theirs[i] ?? Number.NaN));
  const [ratio, spread, runs] = [median(ratios), spreadOf(ratios), ratios.length];
  return { name, ratio, ours: median(ours), theirs: median(theirs), unit, sides, runs, spread };
}

const number = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);

/** One line of the table. */
export function line(result: Result): string {
  if ('missing' in result) return `${result.name.padEnd(38)} not here: ${result.missing}`;
  const { name, ratio, ours, theirs, unit, sides, runs, spread } = result;
  const figure = (ratio === undefined ? '' : ratio.toFixed(2)).padStart(5);
  const values = theirs === undefined ? number(ours) : `${number(ours)} : ${number(theirs)}`;
  const about = `${sides}, ${runs} runs, spread ${(100 * spread).toFixed(0)} %`;
  return `${name.padEnd(38)} ${figure}  ${`${values} ${unit}`.padEnd(24)} ${about}`;
}
