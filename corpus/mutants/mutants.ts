/**
 * `npm run mutants [-- OPTION...] [-- NAME...]`: replays every case of corpus/mutants/cases into the clean
 * reference server, which must pass, and into the mutants it is for, which must be caught. Names of
 * mutants or cases: only those.
 *
 *   --shrink   says, too, how many of the first requests it takes to catch each
 *   --canary   says which mutants are missed without each check, and fails if one is never the only one
 *              that finds something, unless NEVER_ALONE says why
 *
 * Says at the end what it did not try, and why. Exit: 0 if everything is as it should be, 1 if not,
 * also if the server has a bug that neither a case nor WITHOUT_CASE knows.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../run.ts';
import { canaryLines, onlyFoundBy } from './canary.ts';
import { CASES, type MutantCase } from './cases.ts';
import { NEVER_ALONE, WITHOUT_CASE, WITHOUT_MUTANT } from './later.ts';
import { good, recordedCases, runTrial, type Trial } from './matrix.ts';
import { SERVER } from './scene.ts';
import { fewestRequests } from './shrink.ts';

const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** Names of all bugs the server has, from itself. */
async function bugs(): Promise<string[]> {
  const { stdout } = await run(SERVER(), ['--bug', 'list']);
  return stdout.split('\n').flatMap((line) => line.split('\t')[0] || []);
}

/** `requests`: those it takes, where that was looked for. */
function line(trial: Trial, requests?: number): string {
  const mark = good(trial) ? 'ok ' : 'BAD';
  const who = trial.mutant === '' ? '(clean)' : trial.mutant;
  const found = trial.found.map(({ check, verdict, text }) =>
    `${verdict === 'unknown' ? 'unknown ' : ''}${check}: ${text}`.slice(0, 110),
  );
  const others = good(trial) ? [] : [...trial.reasons, trial.reproduce];
  const count = requests === undefined ? '' : `${requests} of `;
  const cells = [
    mark,
    trial.case.padEnd(22),
    who.padEnd(34),
    `${count}${trial.requests}`.padStart(12),
  ];
  return `${cells.join(' ')} ${trial.seconds.toFixed(1).padStart(5)} s  ${[...found, ...others].join(' | ')}`;
}

/** The case with those of its mutants that were asked for; every name must be known. */
function chosen(only: readonly string[]): MutantCase[] {
  const names = new Set(CASES.flatMap(({ name, mutants }) => [name, ...Object.keys(mutants)]));
  const unknown = only.filter((name) => !names.has(name));
  if (unknown.length > 0) {
    throw new Error(`no case and no mutant with a case is called ${unknown.join(', ')}`);
  }
  return CASES.map((one) => {
    const wanted = Object.entries(one.mutants).filter(
      ([name]) => only.length === 0 || only.includes(name) || only.includes(one.name),
    );
    return { ...one, mutants: Object.fromEntries(wanted) };
  }).filter(({ mutants }) => Object.keys(mutants).length > 0);
}

/** Says what no trial was for; the bugs of the server that nobody thought of. */
async function untried(trials: readonly Trial[]): Promise<string[]> {
  const tried = new Set(trials.map(({ mutant }) => mutant));
  const missed = (await bugs()).filter((name) => !tried.has(name));
  for (const name of missed) say(`no case yet    ${name.padEnd(32)} ${WITHOUT_CASE[name] ?? '?'}`);
  for (const [name, why] of Object.entries(WITHOUT_MUTANT)) {
    say(`no mutant yet  ${name.padEnd(32)} ${why}`);
  }
  return missed.filter((name) => !(name in WITHOUT_CASE));
}

/** Checks that are made, from what the clean server's runs were held against. */
function checksMade(trials: readonly Trial[]): string[] {
  const clean = trials.filter(({ mutant }) => mutant === '');
  return [...new Set(clean.flatMap(({ checks }) => Object.keys(checks)))].sort();
}

/** Prints which check is the only one for what; how many never are, and have no reason. */
function canary(trials: readonly Trial[]): number {
  const only = onlyFoundBy(trials, checksMade(trials));
  for (const text of canaryLines(only)) say(text);
  const idle = [...only].filter(([, mutants]) => mutants.length === 0).map(([check]) => check);
  for (const check of idle) say(`never alone: ${check}  ${NEVER_ALONE[check] ?? '?'}`);
  return idle.filter((check) => !(check in NEVER_ALONE)).length;
}

async function tryAll(cases: readonly MutantCase[], shrink: boolean): Promise<Trial[]> {
  const dir = mkdtempSync(join(tmpdir(), 'fuse-rig-mutants-'));
  const trials: Trial[] = [];
  try {
    for (const [row, one] of recordedCases(cases)) {
      for (const mutant of ['', ...Object.keys(row.mutants)]) {
        const expected = row.mutants[mutant] ?? '';
        const trial = await runTrial(one, mutant, expected);
        trials.push(trial);
        const file = join(dir, 'shorter.fusecap');
        const least =
          shrink && mutant !== '' && good(trial)
            ? await fewestRequests(one, mutant, expected, trial.requests, file)
            : undefined;
        say(line(trial, least));
      }
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  return trials;
}

async function main(words: readonly string[]): Promise<number> {
  const only = words.filter((word) => !word.startsWith('--'));
  const odd = words.find((word) => word.startsWith('--') && !/^--(shrink|canary)$/.test(word));
  if (odd !== undefined) throw new Error(`no option ${odd}; there are --shrink and --canary`);
  const trials = await tryAll(chosen(only), words.includes('--shrink'));
  const idle = words.includes('--canary') ? canary(trials) : 0;
  const forgotten = only.length > 0 ? [] : await untried(trials);
  const bad = trials.filter((trial) => !good(trial)).length;
  const clean = trials.filter(({ mutant }) => mutant === '').length;
  say(
    `${trials.length - clean} mutants, ${clean} clean runs: ${bad} not as they should be; ${forgotten.length} bugs without case or reason`,
  );
  return bad === 0 && forgotten.length === 0 && idle === 0 ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`mutants: ${(error as Error).message}\n`);
  process.exitCode = 2;
}
