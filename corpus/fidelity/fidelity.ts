/**
 * npm run fidelity [-- WORD...]: asks the kernel and the model every probe (those with all words in
 * section or name), prints the score by section, and exits 0 only if both say the same and what the
 * probe says.
 */
import { readFileSync } from 'node:fs';
import { difference, line, unexpected } from './compare.ts';
import type { Transcript } from './driver.ts';
import { askKernel } from './kernel_side.ts';
import { askModel } from './model_side.ts';
import { PROBES } from './probes/index.ts';
import type { Probe } from './step.ts';

const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** Whether the kernel offers FUSE over io_uring now. */
export function ringOffered(): boolean {
  try {
    return readFileSync('/sys/module/fuse/parameters/enable_uring', 'utf8').trim() === 'Y';
  } catch {
    return false;
  }
}

/** What is wrong with a probe; empty if nothing is. */
export function complaints(probe: Probe, kernel: Transcript, model: Transcript): string[] {
  const differs = difference(kernel, model);
  const claim = unexpected(probe, kernel);
  return [...(differs === undefined ? [] : [differs]), ...(claim === undefined ? [] : [claim])];
}

async function main(args: readonly string[]): Promise<number> {
  const verbose = args.includes('-v');
  const words = args.filter((arg) => arg !== '-v');
  const probes = PROBES.filter(({ section, name }) =>
    words.every((word) => section === word || name.includes(word)),
  );
  const kernel = await askKernel(probes);
  const model = await askModel(probes, ringOffered());
  const score = new Map<string, { identical: number; different: number }>();
  for (const [i, probe] of probes.entries()) {
    const [one, other] = [kernel[i] as Transcript, model[i] as Transcript];
    const found = complaints(probe, one, other);
    const row = score.get(probe.section) ?? { identical: 0, different: 0 };
    score.set(probe.section, row);
    if (found.length === 0) row.identical++;
    else row.different++;
    for (const text of found) say(`${probe.section} ${probe.name}: ${text}`);
    if (verbose) for (const outcome of one.outcomes) say(`    ${outcome.step}  ->  ${line(outcome)}`);
  }
  for (const [section, { identical, different }] of score) {
    say(`section ${section.padEnd(5)} ${String(identical).padStart(4)} identical ${String(different).padStart(4)} different`);
  }
  const rows = [...score.values()];
  const different = rows.reduce((sum, row) => sum + row.different, 0);
  say(`${rows.reduce((sum, row) => sum + row.identical, 0)} identical, ${different} different`);
  return different === 0 && rows.length > 0 ? 0 : 1;
}

if (import.meta.url === `file://${process.argv[1]}`) process.exitCode = await main(process.argv.slice(2));
