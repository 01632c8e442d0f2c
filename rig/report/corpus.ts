/** What a person sees of a run of cases: a line each, and what there is to know of those that failed. */

import { hasFired } from '../../replayer/injected.ts';
import type { ReplayResult } from '../../replayer/replay.ts';
import { exitWords } from '../cases/expectation.ts';
import type { EndRun, RunEvent } from '../cases/run.ts';
import type { CaseResult, Status } from '../cases/run_case.ts';
import { ruleLine } from './injected-words.ts';
import { quoted } from './reproduce.ts';

const WORD: Record<Status, string> = {
  pass: 'pass',
  fail: 'FAIL',
  skipped: 'skip',
  unusable: 'UNUSABLE',
  stopped: 'stopped',
};
const INDENT = '     ';
/** Lines of the server's own output that are shown. */
const OUTPUT_LINES = 10;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\x00-\x08\x0b-\x1f\x7f]/g;
/** What servers print and captures hold may be anything; no terminal and no parser must obey it. */
export const harmless = (text: string): string =>
  text.replace(CONTROL, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);

/** Name of a case with its plan. */
export const titleOf = ({ name, plan }: Pick<CaseResult, 'name' | 'plan'>): string =>
  plan === undefined ? name : `${name} (${plan})`;

/** Of a plan, the rules that did nothing: such a run says nothing of what they ask. */
export const idleLines = (replay: ReplayResult | undefined): string[] =>
  (replay?.plan ?? [])
    .filter((rule) => !hasFired(rule))
    .map((rule) => harmless(ruleLine(rule, replay?.ring.queues ?? 0)));

/** Everything about a case that is no pass, without indentation: reasons, findings, output, command. */
export function detailLines(result: CaseResult): string[] {
  const { reasons, replay, reproduce } = result;
  const lines = [...reasons, ...idleLines(replay)];
  for (const { check, verdict, text, details } of replay?.findings ?? []) {
    if (verdict !== 'pass') lines.push(`${check}: ${text}`, ...details.map((line) => `  ${line}`));
  }
  const printed = (replay?.output ?? '').trimEnd();
  if (printed !== '' && result.status === 'fail') {
    const last = printed.split('\n').slice(-OUTPUT_LINES);
    lines.push('the server printed', ...last.map((line) => `  ${line}`));
  }
  if (reproduce !== '') lines.push(`reproduce   ${reproduce}`);
  return lines.map(harmless);
}

function caseLines(result: CaseResult): string[] {
  const { status, replay, reasons } = result;
  const word = WORD[status].padEnd(4);
  const title = titleOf(result).padEnd(36);
  if (status === 'pass' && replay !== undefined) {
    const count = `${replay.requests} requests`.padStart(15);
    const line = `${word} ${title} ${count}  ${replay.seconds.toFixed(2)} s`;
    return [line, ...idleLines(replay).map((idle) => `${INDENT}${idle}`)];
  }
  if (status === 'skipped') return [`${word} ${title} ${harmless(reasons.join('; '))}`];
  return [`${word} ${titleOf(result)}`, ...detailLines(result).map((line) => `${INDENT}${line}`)];
}

export function summaryLine({ counts, seconds, exit }: EndRun): string {
  const { pass, fail, skipped, unusable, stopped } = counts;
  const parts = [`${pass} passed`, `${fail} failed`, `${skipped} skipped`];
  if (unusable > 0) parts.push(`${unusable} unusable`);
  if (stopped > 0) parts.push(`${stopped} not run to their end`);
  return `${parts.join(', ')}   ${seconds.toFixed(1)} s   exit ${exitWords(exit)}`;
}

/** The lines that an event adds to what a person reads. */
export function corpusLines(event: RunEvent): string[] {
  if (event.kind === 'case') return caseLines(event);
  if (event.kind === 'end') return ['', summaryLine(event)];
  const { dir, cases, jobs, shard, server } = event;
  const parts = [
    dir,
    cases === 1 ? '1 case' : `${cases} cases`,
    jobs === 1 ? '1 job' : `${jobs} jobs`,
  ];
  if (shard !== undefined) parts.push(`shard ${shard.index}/${shard.count}`);
  if (server !== undefined) parts.push(`server ${server.map(quoted).join(' ')}`);
  return [harmless(parts.join('  ')), ''];
}
