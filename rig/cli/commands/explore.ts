/** `fuse-rig explore`: looks for the fault that a server does not survive. */
import { availableParallelism } from 'node:os';
import { basename, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { nativePath } from '../../../native/load.ts';
import { EXIT } from '../../engine/exit_codes.ts';
import { Exploration, type ExploreHooks, type ExploreOptions } from '../../explore/campaign.ts';
import { StoreError } from '../../explore/store.ts';
import { begunLines, exploredLines, foundLines, groupLines } from '../../report/explore.ts';
import { type ProgressLine, progressLine } from '../../report/progress.ts';
import { CPUS_MAX } from '../../seam/cpus.ts';
import type { PoisonExtent } from '../../seam/poison.ts';
import { stopwatch } from '../../stopwatch.ts';
import { guarded } from '../errors.ts';
import { addRootFlags, ROOT_HELP, type RootFlags, rootOf } from '../root_flags.ts';
import { wrongCapture } from './capture_path.ts';
import { keptCommand } from './kept_command.ts';
import { refuse } from './print.ts';
import { shardOf } from './shard_flag.ts';

const HELP = `
One run without faults shows which moments come. Then every single fault is
injected at each of them, once a run, and what --runs leaves is for two and three
together. Failures are grouped by cause; of each, the smallest plan and capture
that fail so are kept as a case below --out. The same command goes on where it
was stopped. See docs/explore.md.

Examples:
  fuse-rig explore bug.fusecap --runs 2000 --seed 7 -- ./exportd {fixture} {mountpoint}
  fuse-rig explore bug.fusecap --runs 10000 --keep-going --shard 1/4 --out nightly
`;

interface Flags extends RootFlags {
  runs: string;
  seed: string;
  jobs: string;
  shard?: string;
  keepGoing?: boolean;
  synthetic?: boolean;
  out?: string;
  json?: boolean;
  end: ExploreOptions['ways']['end'];
  transport: 'any' | 'device';
  cpus?: string;
  poison: PoisonExtent;
  serial?: boolean;
}

const RUNS_MAX = 10_000_000;

function wholeFrom(text: string, least: number, most: number): number | undefined {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : undefined;
}

function wrongFlag(flags: Flags): string | undefined {
  if (wholeFrom(flags.runs, 1, RUNS_MAX) === undefined) {
    return `--runs ${flags.runs}: not a number of runs; give one from 1 to ${RUNS_MAX}`;
  }
  if (wholeFrom(flags.seed, 0, Number.MAX_SAFE_INTEGER) === undefined) {
    return `--seed ${flags.seed}: not a seed; give a whole number such as --seed 7`;
  }
  if (wholeFrom(flags.jobs, 1, 64) === undefined) {
    return `--jobs ${flags.jobs}: not a number of jobs; give one from 1 to 64`;
  }
  if (flags.cpus !== undefined && wholeFrom(flags.cpus, 1, CPUS_MAX) === undefined) {
    return `--cpus ${flags.cpus}: not a number of queues; give one from 1 to ${CPUS_MAX}`;
  }
  if (flags.shard !== undefined && shardOf(flags.shard) === undefined) {
    return `--shard ${flags.shard}: not a shard; give one such as --shard 1/4`;
  }
  return undefined;
}

function optionsOf(capture: string, words: string[], flags: Flags): ExploreOptions | undefined {
  const wrong = wrongFlag(flags) ?? wrongCapture(capture);
  if (wrong !== undefined) refuse(wrong);
  if (wrong !== undefined) return undefined;
  const command = keptCommand(capture, words);
  const root = rootOf(flags);
  if (command === undefined || root === false) return undefined;
  const shard = flags.shard === undefined ? undefined : shardOf(flags.shard);
  const { end, transport, poison, serial, cpus } = flags;
  return {
    capture: resolve(capture),
    command,
    bundled: nativePath('fuse-rig-server'),
    ways: {
      ...{ end, transport, poison, ...root },
      ...(serial ? { serial: true } : {}),
      ...(cpus === undefined ? {} : { cpus: Number(cpus) }),
    },
    runs: Number(flags.runs),
    seed: Number(flags.seed),
    jobs: Number(flags.jobs),
    ...(shard === undefined ? {} : { shard }),
    keepGoing: flags.keepGoing === true,
    synthetic: flags.synthetic === true,
    out: resolve(flags.out ?? `${basename(capture).replace(/\.fusecap$/, '')}.explore`),
  };
}

/** What is printed as it comes, and how far the campaign is. */
class Telling {
  made = 0;
  readonly #seconds = stopwatch();
  readonly #line: ProgressLine = progressLine(process.stderr, true);
  readonly #options: ExploreOptions;
  readonly #json: boolean;
  #all = 0;
  #done = 0;
  #singles = 0;
  #groups = 0;

  constructor(options: ExploreOptions, json: boolean) {
    this.#options = options;
    this.#json = json;
  }

  get seconds(): number {
    return this.#seconds();
  }

  print(lines: readonly string[], kind: string, event: object): void {
    this.#line.clear();
    const text = this.#json ? [JSON.stringify({ kind, ...event })] : lines;
    process.stdout.write(text.map((line) => `${line}\n`).join(''));
  }

  clear(): void {
    this.#line.clear();
  }

  hooks(): ExploreHooks {
    return {
      begun: (begun) => {
        this.#all = begun.runs;
        this.#done = begun.resumed;
        this.#singles = begun.singles;
        this.#groups = begun.groups.length;
        const { capture, command, seed } = this.#options;
        const event = { capture, command, seed, ...begun };
        this.print(begunLines(this.#options, begun), 'begin', event);
      },
      ran: (run, group) => {
        this.made++;
        this.#done++;
        if (group !== undefined) this.#groups++;
        if (this.#json) this.print([], 'run', run);
        else if (group !== undefined) this.print(groupLines(run, group), 'group', group);
        this.#progress();
      },
      shrinking: ({ cause }) => this.#line.show(`making small: ${cause.check}: ${cause.text}`),
      found: (found) => this.print(foundLines(found), 'found', found),
      stopping: (count) =>
        this.#line.say(
          count > 1
            ? 'stopping at once; the same command goes on'
            : 'stopping after the runs on their way; the same command goes on',
        ),
    };
  }

  #progress(): void {
    const points = Math.min(this.#done, this.#singles);
    const rate = (this.made / Math.max(this.seconds, 0.001)).toFixed(1);
    this.#line.show(
      `exploring  ${this.#done} of ${this.#all}  ${rate}/s  single faults ${points} of ${this.#singles}  causes ${this.#groups}`,
    );
  }
}

async function run(capture: string, command: string[], flags: Flags): Promise<void> {
  const options = optionsOf(capture, command, flags);
  if (options === undefined) return;
  const telling = new Telling(options, flags.json === true);
  try {
    const result = await guarded(() => new Exploration(options, telling.hooks()).run());
    telling.clear();
    if (result === undefined) return;
    const { seconds, made } = telling;
    const { runs, audited, differing, whole, exit } = result;
    const event = { runs, audited, differing, whole, exit, made, seconds };
    telling.print(exploredLines(options, result, telling), 'end', event);
    process.exitCode = exit;
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    telling.clear();
    refuse(error.message);
    process.exitCode = EXIT.usage;
  }
}

export const exploreCommand = (program: Command): void => {
  const explore = program
    .command('explore')
    .summary('look for faults that a server does not survive')
    .description('Replays a capture under one plan of faults after the other.')
    .argument('<capture>', 'capture to replay; short ones are explored best')
    .argument('[command...]', 'the server and its arguments, after --; the recorded one by default')
    .option('--runs <n>', 'runs of the whole campaign', '1000')
    .option('--seed <n>', 'seed of the plans that combine faults', '1')
    .option('--jobs <n>', 'worker processes', String(availableParallelism()))
    .option('--shard <i/n>', 'of n parts of the runs, the i-th')
    .option('--keep-going', 'do not stop at the first failure')
    .option('--synthetic', 'also what no kernel does; what that finds is no bug by itself')
    .option('--out <dir>', 'results, and cases of what was found (CAPTURE.explore)')
    .option('--json', 'print JSON Lines: begin, every run, what was found, end')
    .addOption(
      new Option('--end <how>', 'as replay takes it')
        .choices(['unmount', 'force', 'abort', 'device', 'sigterm'])
        .default('unmount'),
    )
    .addOption(
      new Option('--transport <which>', 'as replay takes it')
        .choices(['any', 'device'])
        .default('any'),
    )
    .option('--cpus <n>', 'as replay takes it')
    .addOption(
      new Option('--poison <what>', 'as replay takes it')
        .choices(['off', 'used', 'full'])
        .default('full'),
    )
    .option('--serial', 'as replay takes it')
    .addHelpText('after', HELP + ROOT_HELP)
    .action(run);
  addRootFlags(explore);
};
