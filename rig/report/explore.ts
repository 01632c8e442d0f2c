/** What a person sees of a campaign: findings as they come, and at its end what was covered. */
import { basename } from 'node:path';
import type { Coverage } from '../../faults/explore/coverage.ts';
import type { Group } from '../../faults/explore/groups.ts';
import type { Run } from '../../faults/explore/outcome.ts';
import { shown } from '../cases/run_case.ts';
import type { Begun, Explored, ExploreOptions } from '../explore/campaign.ts';
import type { FoundCase } from '../explore/found_case.ts';
import { harmless } from './corpus.ts';
import { quoted, rootWords } from './reproduce.ts';

const INDENT = '     ';
const times = (n: number, what: string): string => (n === 1 ? `1 ${what}` : `${n} ${what}s`);

export function begunLines(options: ExploreOptions, begun: Begun): string[] {
  const { capture, seed, jobs, command, shard } = options;
  const { runs, singles, resumed } = begun;
  const part = shard === undefined ? '' : `  shard ${shard.index}/${shard.count}`;
  const lines = [
    `${basename(capture)}  ${times(runs, 'run')}${part}  ${times(singles, 'single fault')}  seed ${seed}  ${times(jobs, 'job')}  ${command.join(' ')}`,
  ];
  if (resumed > 0) lines.push(`${resumed} of them were made before: ${shown(options.out)}`);
  return lines.map(harmless);
}

/** Synthetic findings are never called anything that sounds like a bug. */
const labelOf = ({ synthetic, cause }: Group): string => {
  if (cause.check === 'rig') return 'RIG ';
  return synthetic ? 'synthetic' : 'FAIL';
};

export function groupLines(run: Run, group: Group): string[] {
  const { cause } = group;
  const plan = run.plan.length === 0 ? 'no fault' : run.plan.join('  ');
  const failure = run.outcome.failures.find(({ check }) => check === cause.check);
  const details = (failure?.details ?? []).slice(0, 4);
  return [
    `${labelOf(group)} ${cause.check.padEnd(12)} ${cause.text}`,
    `${INDENT}run ${run.index}  ${plan}`,
    ...details.map((line) => `${INDENT}${line}`),
  ].map(harmless);
}

export function foundLines(found: FoundCase): string[] {
  const { group, dir, why, rules, requests, of, tries, reproduce } = found;
  const head = `${labelOf(group)} ${group.cause.check.padEnd(12)} ${group.cause.text}`;
  const lines = [
    '',
    head,
    `${INDENT}${times(group.runs, 'run')}, the first ${group.smallest.index}`,
  ];
  const plan = rules.length === 0 ? 'fails without any fault' : rules.join('  ');
  lines.push(`${INDENT}smallest     ${plan}, ${requests} of ${of} requests (${tries} tries)`);
  if (dir === undefined) lines.push(`${INDENT}no case      ${why ?? ''}`);
  else lines.push(`${INDENT}case         ${shown(dir)}`, `${INDENT}reproduce    ${reproduce}`);
  return lines.map(harmless);
}

/** Widths of a table's columns. */
const widths = (rows: readonly string[][]): number[] =>
  (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));

/** `3`: came true in three runs; `3!2`: two of those failed; `0`: never came true; `.`: not planned. */
function cellOf(coverage: Coverage, fault: string, point: string): string {
  const cell = coverage.cell(fault, point);
  if (cell === undefined) return '.';
  return cell.found > 0 ? `${cell.fired}!${cell.found}` : `${cell.fired}`;
}

export function coverageLines(coverage: Coverage): string[] {
  const { faults, points } = coverage;
  if (faults.length === 0) return [];
  const rows = faults.map((fault) => [fault, ...points.map((p) => cellOf(coverage, fault, p))]);
  const table = [['', ...points], ...rows];
  const wide = widths(table);
  const lines = table.map((row) =>
    row.map((cell, at) => (at === 0 ? cell.padEnd(wide[0] ?? 0) : cell.padStart(wide[at] ?? 0))),
  );
  return [
    'coverage: runs in which the fault came true at the point, !: that failed, .: not planned',
    ...lines.map((row) => `${INDENT}${row.join('  ')}`.trimEnd()),
  ];
}

/** Names shown of faults that never came true. */
const NEVER_MAX = 12;

/** Faults that were planned at a point and came true there in no run: nothing was said of them. */
export function neverLines(coverage: Coverage): string[] {
  const { faults, points } = coverage;
  const never = faults.flatMap((fault) =>
    points
      .filter((point) => coverage.cell(fault, point)?.fired === 0)
      .map((point) => `${fault} at ${point}`),
  );
  if (never.length === 0) return [];
  const more = never.length > NEVER_MAX ? [`and ${never.length - NEVER_MAX} more`] : [];
  return [`NEVER FIRED  ${[...never.slice(0, NEVER_MAX), ...more].join(', ')}`];
}

export interface Sum {
  seconds: number;
  /** Runs made by this command. */
  made: number;
}

export function exploredLines(options: ExploreOptions, result: Explored, sum: Sum): string[] {
  const { runs, audited, differing, groups, coverage, exit, whole } = result;
  const { planned, fired } = coverage;
  const rate = sum.made > 0 && sum.seconds > 0 ? `  ${(sum.made / sum.seconds).toFixed(1)}/s` : '';
  const real = groups.filter(({ synthetic }) => !synthetic).length;
  const other = groups.length - real;
  const synthetic = other > 0 ? `, ${other} of synthetic faults alone` : '';
  return [
    '',
    ...coverageLines(coverage),
    `${fired} of ${planned} single faults came true`,
    ...neverLines(coverage),
    `${audited} runs were made twice, ${differing} of them differed`,
    '',
    `${times(runs, 'run')}${whole ? '' : ' (not all)'}${rate}   ${times(real, 'cause')} of failure${synthetic}   ${shown(options.out)}   exit ${exit}`,
    `reproduce   ${again(options)}`,
  ].map(harmless);
}

/** The command line of the campaign. */
export function again(options: ExploreOptions): string {
  const { capture, runs, seed, shard, keepGoing, synthetic, out, command, ways } = options;
  const words = ['fuse-rig', 'explore', shown(capture), '--runs', `${runs}`, '--seed', `${seed}`];
  if (shard !== undefined) words.push('--shard', `${shard.index}/${shard.count}`);
  if (keepGoing) words.push('--keep-going');
  if (synthetic) words.push('--synthetic');
  if (ways.end !== 'unmount') words.push('--end', ways.end);
  if (ways.transport === 'device') words.push('--transport', 'device');
  if (ways.cpus !== undefined) words.push('--cpus', String(ways.cpus));
  if (ways.poison !== undefined && ways.poison !== 'full') words.push('--poison', ways.poison);
  if (ways.serial) words.push('--serial');
  words.push(...rootWords(ways.root), '--out', shown(out), '--', ...command);
  return words.map(quoted).join(' ');
}
