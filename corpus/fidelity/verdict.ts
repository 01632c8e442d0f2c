/** What is said of a probe, and of all of them by section. */
import { difference, unexpected } from './compare.ts';
import type { Transcript } from './driver.ts';
import { EXPLAINED } from './explained.ts';
import type { Probe } from './step.ts';

export interface Verdict {
  readonly probe: Probe;
  /** Where the two differ, and what the probe claims in vain. */
  readonly found: readonly string[];
  /** Why they may differ. */
  readonly reason: string | undefined;
}

export const titleOf = ({ section, name }: Probe): string => `${section} ${name}`;

/** `claims`: the kernel is the one that the probes speak of. */
export function judge(
  probe: Probe,
  kernel: Transcript,
  model: Transcript,
  claims = true,
  explained: Readonly<Record<string, string>> = EXPLAINED,
): Verdict {
  const found: string[] = [];
  const reason = explained[titleOf(probe)];
  const differs = difference(kernel, model);
  const claim = claims ? unexpected(probe, kernel) : undefined;
  if (differs !== undefined) found.push(differs);
  if (claim !== undefined) found.push(`in the kernel: ${claim}`);
  if (reason !== undefined && differs === undefined) {
    found.push('explained in corpus/fidelity/explained.ts, but there is no difference');
  }
  const accepted = reason !== undefined && differs !== undefined && claim === undefined;
  return { probe, found, reason: accepted ? reason : undefined };
}

export interface Score {
  identical: number;
  explained: number;
  different: number;
}

/** The score of each section, in the order of the probes. */
export function scores(verdicts: readonly Verdict[]): Map<string, Score> {
  const rows = new Map<string, Score>();
  for (const { probe, found, reason } of verdicts) {
    const row = rows.get(probe.section) ?? { identical: 0, explained: 0, different: 0 };
    rows.set(probe.section, row);
    if (found.length === 0) row.identical++;
    else if (reason === undefined) row.different++;
    else row.explained++;
  }
  return rows;
}
