/** What a check says about a run. */
import type { ReplayEvent } from '../events.ts';

export interface Finding {
  check: string;
  /** `unknown`: the check could not be made; the run is inconclusive. */
  verdict: 'pass' | 'fail' | 'unknown';
  /** One line: what happened, or what was verified. */
  text: string;
  /** Further lines: the steps, why it is wrong, where to look. */
  details: string[];
}

/** An oracle: takes every event of a run in order, then says what it found. */
export interface Check {
  readonly name: string;
  /** Kinds of events it looks at; all where there are none. */
  readonly kinds?: readonly ReplayEvent['kind'][] | undefined;
  take(event: ReplayEvent): void;
  findings(): Finding[];
}

/** Details listed per finding; the rest is counted. */
const DETAILS_MAX = 10;

/** At most DETAILS_MAX lines, then how many more there are. */
export function cut(lines: string[]): string[] {
  if (lines.length <= DETAILS_MAX) return lines;
  return [...lines.slice(0, DETAILS_MAX), `... and ${lines.length - DETAILS_MAX} more`];
}

/** Keeps the first few of possibly millions of lines, and counts all. */
export class Lines {
  readonly kept: string[] = [];
  count = 0;

  add(line: string): void {
    this.count++;
    if (this.kept.length < DETAILS_MAX) this.kept.push(line);
  }

  list(): string[] {
    const more = this.count - this.kept.length;
    return more > 0 ? [...this.kept, `... and ${more} more`] : this.kept;
  }
}
