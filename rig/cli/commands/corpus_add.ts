/** `fuse-rig corpus add`: makes a case of a capture, with what its replay comes to today as expectation. */
import { copyFileSync, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { CAPTURE_FILE, CASE_FILE, type Case, type CaseOptions, caseOf } from '../../cases/case.ts';
import { CaseError } from '../../cases/error.ts';
import { exitWords, observed } from '../../cases/expectation.ts';
import { type CaseResult, runCase, shown } from '../../cases/run_case.ts';
import { newCaseFile, readmeOf } from '../../cases/write.ts';
import { EXIT } from '../../engine/exit_codes.ts';
import { makeDirectories } from '../../make_directories.ts';
import { harmless, idleLines } from '../../report/corpus.ts';
import { firstDifferentLine } from '../../report/log_difference.ts';
import { wrongCapture } from './capture_path.ts';
import { CASES_DIR } from './corpus_words.ts';
import { refuse } from './print.ts';

const HELP = `
The case is run twice before it is kept; two runs that differ are exit code 5.
In the command {server} stands for the server that comes with fuse-rig, or for
the program that corpus run --server names.

Examples:
  fuse-rig corpus add bug.fusecap rename-race -- ./exportd {fixture} {mountpoint}
  fuse-rig corpus add bug.fusecap memory --about 'renames, at depth' -- {server} --fs memory {mountpoint}
`;

interface Flags {
  dir: string;
  about?: string;
  plan?: string;
  needs?: string[];
  log?: boolean;
  end?: CaseOptions['end'];
  serial?: boolean;
  transport?: CaseOptions['transport'];
  cpus?: string;
  poison?: CaseOptions['poison'];
}

const NAME = /^[A-Za-z0-9][\w.-]*$/;

function optionsOf({ end, serial, transport, cpus, poison }: Flags): Partial<CaseOptions> {
  return {
    ...(end === undefined ? {} : { end }),
    ...(serial ? { serial } : {}),
    ...(transport === undefined ? {} : { transport }),
    ...(cpus === undefined ? {} : { cpus: Number(cpus) }),
    ...(poison === undefined ? {} : { poison }),
  };
}

/** Runs the case twice. Undefined, and said why, where it can be no case. */
async function tried(one: Case): Promise<CaseResult | undefined> {
  const logs: string[][] = [[], []];
  let result: CaseResult | undefined;
  for (const log of logs) {
    result = await runCase(one, { log: (line) => log.push(line) });
    if (result.replay !== undefined) continue;
    refuse(harmless(result.reasons.join('; ')));
    process.exitCode = result.exit ?? EXIT.missingFeature;
    return undefined;
  }
  const [first = [], second = []] = logs;
  const differs = firstDifferentLine(first, second);
  if (differs === undefined) return result;
  const { line, first: a, second: b } = differs;
  refuse(`two runs differ first in line ${line}: "${a}" and "${b}"; --serial may help`);
  process.exitCode = EXIT.notDeterministic;
  return undefined;
}

async function add(capture: string, name: string, server: string[], flags: Flags): Promise<void> {
  if (!NAME.test(name))
    return refuse(`${name}: not a name for a case; use letters, digits, - and .`);
  if (server.length === 0) return refuse('no server; name its command after --');
  const wrong = wrongCapture(capture);
  if (wrong !== undefined) return refuse(wrong);
  if (flags.plan !== undefined && !existsSync(flags.plan)) {
    return refuse(`--plan ${flags.plan}: no such file`);
  }
  const dir = resolve(flags.dir, name);
  if (existsSync(dir)) return refuse(`${shown(dir)} exists; choose another name, or remove it`);
  const partial = join(resolve(flags.dir), `.${name}.partial`);
  rmSync(partial, { recursive: true, force: true });
  makeDirectories(partial);
  try {
    await addIn(partial, dir, { capture, name, server, flags });
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

interface Asked {
  capture: string;
  name: string;
  server: string[];
  flags: Flags;
}

/** Makes the case in `partial` and gives it its name, `dir`, when it is whole. */
async function addIn(partial: string, dir: string, asked: Asked): Promise<void> {
  const { capture, name, server, flags } = asked;
  const about = flags.about ?? `Added from ${basename(capture)}.`;
  copyFileSync(capture, join(partial, CAPTURE_FILE));
  if (flags.plan !== undefined) copyFileSync(flags.plan, join(partial, 'plan.yaml'));
  const written = {
    about,
    ...(flags.plan === undefined ? {} : { plan: 'plan.yaml' }),
    server,
    needs: flags.needs ?? [],
    options: optionsOf(flags),
  };
  const draft = newCaseFile({ ...written, expect: { exit: EXIT.pass, checks: {} } });
  let one: Case;
  try {
    one = caseOf(name, partial, draft);
  } catch (error) {
    if (error instanceof CaseError) return refuse(error.message);
    throw error;
  }
  const replay = (await tried(one))?.replay;
  if (replay === undefined) return;
  const expect = observed(replay, flags.log === true);
  writeFileSync(join(partial, CASE_FILE), newCaseFile({ ...written, expect }));
  writeFileSync(join(partial, 'README.md'), readmeOf(name, about));
  renameSync(partial, dir);
  process.stdout.write(
    `${shown(dir)}  ${replay.requests} requests  expects exit ${exitWords(expect.exit)}\n`,
  );
  for (const line of idleLines(replay)) process.stdout.write(`     ${line}\n`);
  for (const finding of replay.findings) {
    if (finding.verdict !== 'pass') {
      process.stdout.write(harmless(`     ${finding.check}: ${finding.text}\n`));
    }
  }
}

export const corpusAdd = (corpus: Command): void => {
  corpus
    .command('add')
    .summary('make a case of a capture')
    .description('Makes a case of a capture: runs it, and expects from now on what came of it.')
    .argument('<capture>', 'capture; it is copied')
    .argument('<name>', 'name of the case, and of its folder')
    .argument('[server...]', 'the server and its arguments, after --')
    .option('--dir <dir>', 'folder of cases', CASES_DIR)
    .option('--about <text>', 'what it stands for, for people')
    .option('--plan <file>', 'plan of faults; it is copied')
    .option('--needs <program...>', 'programs without which the case is skipped')
    .option('--log', 'expect the very log, too (it may be another with another version)')
    .addOption(
      new Option('--end <how>', 'as replay takes it').choices([
        'unmount',
        'force',
        'abort',
        'device',
        'sigterm',
        'sigint',
        'sigkill',
      ]),
    )
    .addOption(new Option('--transport <which>', 'as replay takes it').choices(['any', 'device']))
    .addOption(new Option('--poison <what>', 'as replay takes it').choices(['off', 'used', 'full']))
    .option('--cpus <n>', 'as replay takes it')
    .option('--serial', 'as replay takes it')
    .addHelpText('after', HELP)
    .action(add);
};
