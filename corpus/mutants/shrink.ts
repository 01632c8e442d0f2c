/**
 * How many requests it takes to find a mutant: the shortest beginning of its case's capture with which
 * the clean server still passes and the same check still finds the mutant.
 */
import { CaptureReader } from '../../recorder/capture/reader.ts';
import { CaptureWriter } from '../../recorder/capture/writer.ts';
import type { Case } from '../../rig/cases/case.ts';
import { isEmitted } from '../../rig/events.ts';
import { good, runTrial } from './matrix.ts';

/** The capture as it was before the request behind the first `count`: as if the server was killed there. */
function writeBeginning(from: string, to: string, count: number): void {
  const reader = CaptureReader.open(from);
  const writer = CaptureWriter.create(to, reader.begin, { force: true });
  let requests = 0;
  for (const event of reader.events(true)) {
    if (event.kind === 'request' && ++requests > count) break;
    if (isEmitted(event) && event.kind !== 'exit') writer.write(event);
  }
  writer.close({ kind: 'end', t: 0, reason: 'server-exit', requests: count, replies: count });
  reader.close();
}

/** Requests of the shortest beginning, at most `requests`; `file` is written again and again. */
export async function fewestRequests(
  one: Case,
  mutant: string,
  check: string,
  requests: number,
  file: string,
): Promise<number> {
  const shows = async (count: number): Promise<boolean> => {
    writeBeginning(one.capture, file, count);
    const shorter = { ...one, capture: file };
    if (!good(await runTrial(shorter, mutant, check))) return false;
    const { found } = await runTrial(shorter, '', '');
    // A plan that asks for more than is there is no finding, but shows nothing either.
    return found.length === 0;
  };
  // Between `no`, which does not show it, and `yes`, which does.
  let [no, yes] = [0, requests];
  while (yes - no > 1) {
    const middle = no + Math.floor((yes - no) / 2);
    if (await shows(middle)) yes = middle;
    else no = middle;
  }
  return yes;
}
