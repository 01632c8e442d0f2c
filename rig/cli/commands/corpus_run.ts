/** `fuse-rig corpus run`: the cases of a folder, several at once, in every form a CI system reads. */
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { type RunEvent, type RunOptions, runFolder } from '../../cases/run.ts';
import { splitWords } from '../../cases/server.ts';
import { EXIT } from '../../engine/exit_codes.ts';
import { annotation } from '../../report/annotations.ts';
import { corpusLines } from '../../report/corpus.ts';
import { junitXml } from '../../report/junit.ts';
import { progressLine } from '../../report/progress.ts';
import { tapLines } from '../../report/tap.ts';
import { addRootFlags, ROOT_HELP, type RootFlags, rootOf } from '../root_flags.ts';
import { another, CASES_DIR, checkOnly, folderOf, isWritable } from './corpus_words.ts';
import { refuse } from './print.ts';
import { shardOf } from './shard_flag.ts';

const HELP = `
--server takes a command with {mountpoint}, which then stands in place of every
case's own; or the program, with options, that {server} stands for in cases.

Examples:
  fuse-rig corpus run corpus/cases --junit results.xml
  fuse-rig corpus run --server './exportd {fixture} {mountpoint}' --shard 1/4
  fuse-rig corpus run --only rename-race --json
`;

interface Flags extends RootFlags {
  server?: string;
  jobs: string;
  seed?: string;
  shard?: string;
  junit?: string;
  tap?: boolean;
  json?: boolean;
  only?: string[];
  forbidSkips?: boolean;
}

/** The options of the run; undefined, and said why, where they cannot be used. */
function optionsOf(flags: Flags): RunOptions | undefined {
  const jobs = Number(flags.jobs);
  if (!(Number.isInteger(jobs) && jobs >= 1 && jobs <= 64)) {
    refuse(`--jobs ${flags.jobs}: not a number of jobs; give one from 1 to 64`);
    return undefined;
  }
  const seed = flags.seed === undefined ? undefined : Number(flags.seed);
  if (seed !== undefined && !(Number.isSafeInteger(seed) && seed >= 0)) {
    refuse(`--seed ${flags.seed}: not a seed; give a whole number`);
    return undefined;
  }
  const shard = flags.shard === undefined ? undefined : shardOf(flags.shard);
  if (flags.shard !== undefined && shard === undefined) {
    refuse(`--shard ${flags.shard}: not a shard; give one such as --shard 1/4`);
    return undefined;
  }
  const server = flags.server === undefined ? undefined : splitWords(flags.server);
  if (server?.length === 0) {
    refuse('--server: no command; give a program, or a command with {mountpoint}');
    return undefined;
  }
  if (flags.junit !== undefined && !isWritable(flags.junit)) {
    refuse(`--junit ${flags.junit}: cannot be written; name a file in a directory that exists`);
    return undefined;
  }
  const root = rootOf(flags);
  if (root === false) return undefined;
  return {
    jobs,
    ...root,
    only: flags.only ?? [],
    ...(shard === undefined ? {} : { shard }),
    ...(server === undefined ? {} : { server }),
    ...(seed === undefined ? {} : { seed }),
  };
}

/** How an event is printed: JSON Lines, TAP, or for a person. */
function viewOf(flags: Flags): (event: RunEvent) => string[] {
  if (flags.json) return (event) => [JSON.stringify(event)];
  return flags.tap ? tapLines() : corpusLines;
}

async function run(dir: string, flags: Flags): Promise<void> {
  if (flags.json && flags.tap) return refuse('--json and --tap: one of them');
  const options = optionsOf(flags);
  const folder = options === undefined ? undefined : folderOf(dir);
  if (options === undefined || folder === undefined || !checkOnly(folder, options.only)) return;
  const line = progressLine(process.stderr, true);
  const view = viewOf(flags);
  const events: RunEvent[] = [];
  const end = await runFolder(folder, options, {
    tell: (event) => {
      events.push(event);
      line.clear();
      process.stdout.write(
        view(event)
          .map((text) => `${text}\n`)
          .join(''),
      );
      const note =
        process.env.GITHUB_ACTIONS === 'true' && event.kind === 'case' && annotation(event);
      if (note) process.stderr.write(`${note}\n`);
    },
    progress: (done, running) => line.show(`${done} done  running ${running.join(', ')}`),
  });
  line.clear();
  if (flags.junit !== undefined) writeFileSync(flags.junit, junitXml(events));
  process.exitCode = end.exit;
  if (flags.forbidSkips && end.counts.skipped > 0 && end.exit === EXIT.pass) {
    process.stderr.write(
      `fuse-rig: ${end.counts.skipped} cases were skipped, and --forbid-skips\n`,
    );
    process.exitCode = EXIT.missingFeature;
  }
}

export const corpusRun = (corpus: Command): void => {
  const command = corpus
    .command('run')
    .summary('replay every case and hold it against what it expects')
    .description('Runs the cases of a folder.')
    .argument('[dir]', 'folder of cases', CASES_DIR)
    .option('--server <cmd>', "another server than the cases' own")
    .option('--seed <n>', "another seed than the cases' own")
    .option('--jobs <n>', 'cases at once', String(availableParallelism()))
    .option('--shard <i/n>', 'of n parts of the cases, the i-th')
    .option('--only <name>', 'this case (may be given again)', another)
    .option('--junit <file>', 'write JUnit XML there')
    .option('--tap', 'print TAP')
    .option('--json', 'print JSON Lines: begin, every case, end')
    .option('--forbid-skips', 'a case that cannot run here is exit code 77')
    .addHelpText('after', HELP + ROOT_HELP)
    .action(run);
  addRootFlags(command);
};
