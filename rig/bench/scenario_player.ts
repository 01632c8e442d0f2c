/**
 * Plays one scenario again and again in a process of its own: CAPTURE COUNT PROGRAM ARG...; prints a
 * JSON line with the seconds it took, and of hangs what passed between their proof and the verdict.
 */
import { PlanDecider } from '../../faults/decider.ts';
import { parseRule } from '../../faults/parse.ts';
import { replay } from '../../replayer/replay.ts';
import { makeScratch } from '../seam/scratch.ts';
import { stopwatch } from '../stopwatch.ts';

/** The connection is aborted with the last request in the server's hands. */
const FAULTS = ['abort:at=delivered:when=20'];
const HOOKS = { progress: () => {}, stops: () => 0, started: () => {} };

const [capture = '', count = '1', ...command] = process.argv.slice(2);
const place = makeScratch('scenarios');
const toVerdictMs: number[] = [];
const toProofMs: number[] = [];
const elapsed = stopwatch();
for (let n = 0; n < Number(count); n++) {
  const options = { capture, command, end: 'unmount', faults: FAULTS, place } as const;
  const { hang } = await replay(options, HOOKS, new PlanDecider(FAULTS.map(parseRule)));
  if (hang === undefined) continue;
  toProofMs.push(hang.idleMs);
  toVerdictMs.push((Number(process.hrtime.bigint()) - hang.at) / 1e6);
}
const seconds = elapsed();
await place.close();
process.stdout.write(`${JSON.stringify({ seconds, toVerdictMs, toProofMs })}\n`);
