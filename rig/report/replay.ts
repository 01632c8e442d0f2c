/** What a person sees of a replay, and the same as JSON. */
import { basename } from 'node:path';
import type { ReplayResult } from '../../replayer/replay.ts';
import type { Finding } from '../checks/finding.ts';
import { onlySynthetic, ruleLine } from './injected-words.ts';
import type { LogDifference } from './log_difference.ts';

export interface ReplayReport {
  capture: string;
  seed: number;
  /** Asked one request at a time. */
  serial: boolean;
  result: ReplayResult;
  reproduce: string;
  /** The second run of --twice. */
  second?: { log: string; difference: LogDifference | undefined };
}

const WORD = { pass: 'pass', fail: 'FAIL', unknown: 'unknown' } as const;
const INDENT = '     ';
/** What two runs of one plan can differ by (docs/faults.md). */
const DIFFERS_WHY =
  "the rig does the same in both: a clock of the server's, chance, threads that wake each other, or somebody outside";

export function findingLines(finding: Finding): string[] {
  const head = `${WORD[finding.verdict].padEnd(4)} ${finding.check.padEnd(12)} ${finding.text}`;
  return [head, ...finding.details.map((line) => `${INDENT}${line}`)];
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\x00-\x08\x0b-\x1f\x7f]/g;
const escaped = (c: string): string => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`;

export function outputLines({ output, findings }: ReplayResult): string[] {
  if (output === '' || findings.every((f) => f.verdict === 'pass')) return [];
  // A server may print anything; a terminal must not obey it.
  const lines = output.trimEnd().replace(CONTROL, escaped).split('\n');
  return ['', 'the server printed', ...lines.slice(-20).map((line) => `${INDENT}${line}`)];
}

/** What an answer may depend on beside the server: the order of requests that were concurrent. */
function orderNote({ result, serial, second }: ReplayReport): string[] {
  const differs =
    second?.difference !== undefined ||
    result.findings.some((f) => f.check === 'divergence' && f.verdict === 'fail');
  if (serial || !differs || result.overlaps === 0) return [];
  return [
    `note order        ${result.overlaps} requests were asked while others were unanswered, as in the capture: which the server`,
    `${INDENT}serves first is its own affair. --serial asks one at a time; what differs then too is no race.`,
  ];
}

export function replayText(report: ReplayReport): string {
  const { result, second } = report;
  const failed = result.findings.filter((f) => f.verdict === 'fail');
  const { queues, depth } = result.ring;
  const ring = queues === 0 ? '' : `  ring ${queues}x${depth}`;
  const lines = [
    `${basename(report.capture)}  ${result.requests} requests${ring}  seed ${report.seed}  ${result.command.join(' ')}`,
    ...result.plan.map(ruleLine),
    '',
    ...[...result.findings].sort(failedFirst).flatMap(findingLines),
  ];
  if (result.news > 0) {
    lines.push(`note answered here, never in the capture: ${result.news} requests`);
  }
  const { recordedRoot } = result;
  if (recordedRoot !== undefined) {
    lines.push(
      `note root         recorded in the root ${recordedRoot}, played in this machine's: --root DIR plays in one`,
    );
  }
  for (const what of result.unsupported) lines.push(`note fuse-rig cannot do this: ${what}`);
  if (second?.difference !== undefined) {
    const { line, first, second: other } = second.difference;
    lines.push(`FAIL determinism  two runs differ first in line ${line} of the log`);
    lines.push(`${INDENT}first   ${first}`, `${INDENT}second  ${other}`);
    lines.push(`${INDENT}why: ${DIFFERS_WHY}`);
  } else if (second !== undefined) lines.push('pass determinism  two runs, one log');
  if (failed.length > 0 && onlySynthetic(result.plan)) {
    lines.push(
      'note synthetic    no kernel does what this plan did: what fails above shows what the server relies',
      `${INDENT}on, and is no bug of it by itself`,
    );
  }
  lines.push(...orderNote(report), ...outputLines(result), '');
  const found = failed.length + Number(second?.difference !== undefined);
  const count = found === 1 ? '1 finding' : `${found} findings`;
  lines.push(`${count}   log ${result.log}   ${result.seconds.toFixed(2)} s`);
  lines.push(`reproduce   ${report.reproduce}`);
  return `${lines.join('\n')}\n`;
}

/** What explains the others comes first: a crash before the answers it prevented. */
const ORDER = ['termination', 'ownership', 'conformance', 'content', 'divergence'];

const failedFirst = (a: Finding, b: Finding): number =>
  Number(a.verdict === 'pass') - Number(b.verdict === 'pass') ||
  ORDER.indexOf(a.check) - ORDER.indexOf(b.check);

export function replayJson(report: ReplayReport): string {
  const { result, second, capture, seed, serial, reproduce } = report;
  return JSON.stringify({ capture, seed, serial, ...result, second, reproduce });
}
