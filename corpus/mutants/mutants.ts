/**
 * `npm run mutants`: replays every case into the clean reference server, which must pass, and into the
 * mutants it is for, which must be caught.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../run.ts';
import { CASES } from './cases.ts';
import { Captures, good, runTrial, type Trial } from './matrix.ts';
import { SERVER } from './scene.ts';
import { SCENES } from './scenes.ts';

const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** Names of all bugs the server has, from itself. */
export async function bugs(): Promise<string[]> {
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

async function main(): Promise<number> {
  const only = process.argv.slice(2);
  const dir = mkdtempSync(join(tmpdir(), 'fuse-rig-mutants-'));
  const captures = new Captures(dir, SCENES);
  const trials: Trial[] = [];
  try {
    for (const one of CASES) {
      const mutants = Object.keys(one.mutants).filter(
        (name) => only.length === 0 || only.includes(name) || only.includes(one.name),
      );
      if (mutants.length === 0) continue;
      for (const mutant of ['', ...mutants]) {
        const trial = await runTrial(one, mutant, captures);
        trials.push(trial);
        say(line(trial));
      }
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  const bad = trials.filter((trial) => !good(trial));
  const tried = new Set(trials.map(({ mutant }) => mutant));
  const untried = (await bugs()).filter((name) => !tried.has(name));
  say(
    `${trials.length} trials, ${bad.length} not as they should be; without a case: ${untried.join(' ') || 'none'}`,
  );
  return bad.length === 0 && (untried.length === 0 || only.length > 0) ? 0 : 1;
}

process.exitCode = await main();
