/** What a person sees of a live session with faults, and the same as JSON. */
import type { LiveResult } from '../live/live.ts';
import { onlySynthetic, ruleLine } from './injected-words.ts';
import { findingLines } from './replay.ts';

export interface LiveReport {
  command: readonly string[];
  result: LiveResult;
  /** By whom: as in the capture, or by the workload's end, or a stall. */
  ended: LiveResult['reason'] | 'workload' | 'stall';
  /** Of the workload; undefined where the user worked by hand. */
  workload: string | undefined;
  /** The command that plays the kept capture with the same plan. */
  replay: string | undefined;
}

const INDENT = '     ';

/** What else is to be known of such a run. */
function notes({ result, workload }: LiveReport): string[] {
  const { findings, plan } = result;
  const failed = findings.some((f) => f.verdict === 'fail');
  const synthetic =
    'note synthetic    no kernel does what this plan did: what fails above is no bug by itself';
  const lines = result.notes.map((note) => `note teardown     ${note}`);
  if (failed && onlySynthetic(plan)) lines.push(synthetic);
  if (workload !== undefined) lines.push(`note workload     ${workload}`);
  lines.push(
    'note live         a real kernel, in real time: another run may come out differently; answers are',
    `${INDENT}not compared, for there is no capture of others`,
  );
  return lines;
}

export function liveText(report: LiveReport): string {
  const { command, result, ended, replay } = report;
  const { queues, depth } = result.ring;
  const ring = queues === 0 ? '' : `  ring ${queues}x${depth}`;
  const failed = result.findings.filter((f) => f.verdict === 'fail');
  const count = failed.length === 1 ? '1 finding' : `${failed.length} findings`;
  return `${[
    `${result.mounted ?? 'not mounted'}  ${result.requests} requests  ${result.replies} replies${ring}  ${command.join(' ')}`,
    ...result.plan.map((rule) => ruleLine(rule, queues)),
    '',
    ...result.findings.flatMap(findingLines),
    ...notes(report),
    '',
    `${count}   ${result.seconds.toFixed(2)} s   ended by ${ended}`,
    ...(replay === undefined ? [] : [`replay      ${replay}`]),
  ].join('\n')}\n`;
}

export const liveJson = ({ command, result, ended, workload, replay }: LiveReport): string =>
  JSON.stringify({ command, ...result, ended, workload, replay });
