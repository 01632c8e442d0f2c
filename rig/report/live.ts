/** What a person sees of a live session with faults, and the same as JSON. */
import type { LiveResult } from '../live/live.ts';
import { ruleLine } from './injected-words.ts';
import { findingLines } from './replay.ts';

export interface LiveReport {
  command: readonly string[];
  result: LiveResult;
  /** Of the workload; undefined where the user worked by hand. */
  workload: string | undefined;
  /** The command that plays the kept capture with the same plan. */
  replay: string | undefined;
}

export function liveText({ command, result, workload, replay }: LiveReport): string {
  const { queues, depth } = result.ring;
  const ring = queues === 0 ? '' : `  ring ${queues}x${depth}`;
  const failed = result.findings.filter((f) => f.verdict === 'fail');
  const count = failed.length === 1 ? '1 finding' : `${failed.length} findings`;
  return `${[
    `${result.mounted ?? 'not mounted'}  ${result.requests} requests  ${result.replies} replies${ring}  ${command.join(' ')}`,
    ...result.plan.map(ruleLine),
    '',
    ...result.findings.flatMap(findingLines),
    ...result.notes.map((note) => `note refused      ${note}`),
    ...(workload === undefined ? [] : [`note workload     ${workload}`]),
    'note live         a real kernel, in real time: another run may come out differently',
    '',
    `${count}   ${result.seconds.toFixed(2)} s   ended by ${result.reason}`,
    ...(replay === undefined ? [] : [`replay      ${replay}`]),
  ].join('\n')}\n`;
}

export const liveJson = ({ command, result, workload, replay }: LiveReport): string =>
  JSON.stringify({ command, ...result, workload, replay });
