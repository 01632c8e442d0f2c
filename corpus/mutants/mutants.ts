/**
 * `npm run mutants`: replays every case into the clean reference server, which must pass, and into the
 * mutants it is for, which must be caught. Names of mutants or cases as arguments: only those.
 * Says at the end what it did not try, and why. Exit: 0 if everything is as it should be, 1 if not,
 * also if the server has a bug that neither a case nor WITHOUT_CASE knows.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../run.ts';
import { CASES, type MutantCase } from './cases.ts';
import { WITHOUT_CASE, WITHOUT_MUTANT } from './later.ts';
import { Captures, good, runTrial, type Trial } from './matrix.ts';
import { SERVER } from './scene.ts';
import { SCENES } from './scenes.ts';

const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** Names of all bugs the server has, from itself. */
async function bugs(): Promise<string[]> {
  const { stdout } = await run(SERVER(), ['--bug', 'list']);
  return stdout.split('\n').flatMap((line) => line.split('\t')[0] || []);
}

function line(trial: Trial): string {
  const mark = good(trial) ? 'ok ' : 'BAD';
  const who = trial.mutant === '' ? '(clean)' : trial.mutant;
  const found = trial.found.map(({ check, verdict, text }) =>
    `${verdict === 'unknown' ? 'unknown ' : ''}${check}: ${text}`.slice(0, 110),
  );
  const cells = [mark, trial.case.padEnd(22), who.padEnd(34), `${trial.requests}`.padStart(5)];
  return `${cells.join(' ')} ${trial.seconds.toFixed(1).padStart(5)} s  ${found.join(' | ')}`;
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

async function main(only: readonly string[]): Promise<number> {
  const cases = chosen(only);
  const dir = mkdtempSync(join(tmpdir(), 'fuse-rig-mutants-'));
  const captures = new Captures(dir, SCENES);
  const trials: Trial[] = [];
  try {
    for (const one of cases) {
      for (const mutant of ['', ...Object.keys(one.mutants)]) {
        const trial = await runTrial(one, mutant, captures);
        trials.push(trial);
        say(line(trial));
      }
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  const forgotten = only.length > 0 ? [] : await untried(trials);
  const bad = trials.filter((trial) => !good(trial)).length;
  const clean = trials.filter(({ mutant }) => mutant === '').length;
  say(
    `${trials.length - clean} mutants, ${clean} clean runs: ${bad} not as they should be; ${forgotten.length} bugs without case or reason`,
  );
  return bad === 0 && forgotten.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`mutants: ${(error as Error).message}\n`);
  process.exitCode = 2;
}
