/** `fuse-rig replay`: feeds a capture to a server program and says what came of it. */
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { ruleText } from '../../../faults/rule.ts';
import type { ReplayOptions, ReplayResult } from '../../../replayer/replay.ts';
import { replayInWorker } from '../../engine/engine.ts';
import { EXIT } from '../../engine/exit_codes.ts';
import { findingsCode } from '../../engine/outcome.ts';
import { VERSIONS, type VersionName } from '../../kernel/versions.ts';
import { firstDifferentLine } from '../../report/log_difference.ts';
import { progressLine } from '../../report/progress.ts';
import { type ReplayReport, replayJson, replayText } from '../../report/replay.ts';
import { reproduce } from '../../report/reproduce.ts';
import { CPUS_MAX } from '../../seam/cpus.ts';
import type { PoisonExtent } from '../../seam/poison.ts';
import { guarded } from '../errors.ts';
import { addPlanFlags, meantForDevice, type PlanFlags, planOf, RULE_HELP } from '../plan_flags.ts';
import { addRootFlags, ROOT_HELP, type RootFlags, rootOf } from '../root_flags.ts';
import { refuse } from './print.ts';

const HELP = `
No kernel FUSE, no mount and no privilege is needed. Without a command the
recorded one is used, its paths exchanged. In a command, {mountpoint} and
{fixture} stand for this run's, {server} for the server that comes with fuse-rig.

Examples:
  fuse-rig replay bug.fusecap
  fuse-rig replay bug.fusecap --twice -- ./exportd {fixture} {mountpoint}
  fuse-rig replay bug.fusecap --fault READ:read=EINTR:when=3
  fuse-rig replay bug.fusecap --fault abort:at=cqe-before-commit:when=2
`;

/** Releases with a set of switches of their own, the early one of 6.18 left out. */
const KERNELS = Object.keys(VERSIONS).filter((name) => name !== '6.18.15');

interface Flags extends PlanFlags, RootFlags {
  /** Absent: the plan's, or 1. */
  seed?: string;
  twice?: boolean;
  serial?: boolean;
  sessions: string;
  end: ReplayOptions['end'];
  json?: boolean;
  log?: string;
  keep?: string;
  keepFixture?: string;
  cwd?: string;
  allowDevices?: boolean;
  transport: 'any' | 'device';
  cpus?: string;
  kernel?: VersionName;
  uniqueBase?: string;
  poison: PoisonExtent;
  stacks: boolean;
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

async function once(
  options: ReplayOptions,
  log: ((line: string) => void) | undefined,
): Promise<ReplayResult | undefined> {
  const line = progressLine(process.stderr, true);
  const result = await guarded(() =>
    replayInWorker(options, {
      progress: (requests) => line.show(`replaying  ${requests} requests`),
      stopping: () => line.say('stopping: the server is killed'),
      ...(log === undefined ? {} : { log }),
    }),
  );
  line.clear();
  return result;
}

/** What to run, or undefined where the flags cannot be used, which is said. */
function optionsOf(capture: string, command: string[], flags: Flags): ReplayOptions | undefined {
  const plan = planOf(flags);
  if (plan === undefined) return undefined;
  if (flags.transport === 'device' && !meantForDevice(plan)) return undefined;
  flags.seed ??= String(plan.seed ?? 1);
  const root = rootOf(flags);
  if (root === false) return undefined;
  const wrong = wrongFlag(flags);
  if (wrong !== undefined) {
    refuse(wrong);
    return undefined;
  }
  return {
    capture: resolve(capture),
    command,
    end: flags.end,
    transport: flags.transport,
    poison: flags.poison,
    faults: plan.rules.map(ruleText),
    stacks: flags.stacks,
    ...root,
    ...(flags.cpus === undefined ? {} : { cpus: Number(flags.cpus) }),
    ...(flags.kernel === undefined ? {} : { kernel: flags.kernel }),
    ...(flags.uniqueBase === undefined ? {} : { uniqueBase: BigInt(flags.uniqueBase) }),
    ...(flags.keep === undefined ? {} : { keep: resolve(flags.keep) }),
    ...(flags.keepFixture === undefined ? {} : { keepFixture: resolve(flags.keepFixture) }),
    ...(flags.cwd === undefined ? {} : { cwd: resolve(flags.cwd) }),
    ...(flags.serial ? { serial: true } : {}),
    ...(flags.sessions === '1' ? {} : { sessions: Number(flags.sessions) }),
    ...(flags.allowDevices ? { allowDevices: true } : {}),
  };
}

function wrongFlag(flags: Flags): string | undefined {
  if (!/^\d+$/.test(flags.seed ?? '') || !Number.isSafeInteger(Number(flags.seed))) {
    return `--seed ${flags.seed}: not a number; give a whole number below 2^53, such as --seed 7`;
  }
  const cpus = flags.cpus === undefined ? undefined : Number(flags.cpus);
  if (cpus !== undefined && !(Number.isInteger(cpus) && cpus >= 1 && cpus <= CPUS_MAX)) {
    return `--cpus ${flags.cpus}: not a number of queues; give one from 1 to ${CPUS_MAX}`;
  }
  if (!/^[1-9]\d{0,5}$/.test(flags.sessions)) {
    return `--sessions ${flags.sessions}: not a number of sessions; give one from 1 to 999999`;
  }
  if (!/^\d{1,18}$/.test(flags.uniqueBase ?? '0')) {
    return `--unique-base ${flags.uniqueBase}: not a number; give one such as --unique-base 4294967296`;
  }
  if (flags.cwd !== undefined && !isDirectory(flags.cwd)) {
    return `--cwd ${flags.cwd}: no such directory; name one that exists`;
  }
  if (flags.log !== undefined && (isDirectory(flags.log) || !isDirectory(dirname(flags.log)))) {
    return `--log ${flags.log}: cannot be written; name a file in a directory that exists`;
  }
  const { keepFixture } = flags;
  if (keepFixture !== undefined && (flags.twice || existsSync(keepFixture))) {
    const why = flags.twice ? 'there are two with --twice' : 'it is there already';
    return `--keep-fixture ${keepFixture}: ${why}; name a new directory for one run`;
  }
  return undefined;
}

async function run(capture: string, command: string[], flags: Flags): Promise<void> {
  const options = optionsOf(capture, command, flags);
  if (options === undefined) return;
  const lines: string[] = [];
  const keep = flags.twice || flags.log !== undefined;
  const result = await once(options, keep ? (line) => lines.push(line) : undefined);
  if (result === undefined) return;
  const report: ReplayReport = {
    capture,
    seed: Number(flags.seed),
    serial: flags.serial === true,
    result,
    reproduce: reproduce(capture, command, {
      ...options,
      seed: flags.seed ?? '1',
      twice: flags.twice,
    }),
  };
  if (flags.twice) {
    const again: string[] = [];
    const second = await once({ ...options, stacks: false }, (line) => again.push(line));
    if (second === undefined) return;
    report.second = { log: second.log, difference: firstDifferentLine(lines, again) };
  }
  if (flags.log !== undefined) {
    try {
      writeFileSync(flags.log, lines.map((line) => `${line}\n`).join(''));
    } catch (error) {
      refuse(`--log ${flags.log}: cannot be written: ${(error as NodeJS.ErrnoException).code}`);
      return;
    }
  }
  process.stdout.write(flags.json ? `${replayJson(report)}\n` : replayText(report));
  const { findings, plan } = result;
  process.exitCode =
    report.second?.difference === undefined ? findingsCode(findings, plan) : EXIT.notDeterministic;
}

export const replayCommand = (program: Command): void => {
  const replay = program
    .command('replay')
    .summary('feed a capture to a server and check what it does')
    .description('Replays a capture into a FUSE server program, in front of the model kernel.')
    .argument('<capture>', 'capture to replay')
    .argument('[command...]', 'the server and its arguments, after --; the recorded one by default')
    .option('--seed <n>', "seed of everything random (the plan's, or 1); a run itself only counts")
    .option('--twice', 'replay twice; a difference in the log is exit code 5')
    .option('--serial', 'ask one request at a time, whatever was concurrent in the capture')
    .option(
      '--sessions <n>',
      'give the capture again to a server that mounts again, n times in one process',
      '1',
    )
    .addOption(
      new Option('--end <how>', 'how the session ends')
        .choices(['unmount', 'force', 'abort', 'device', 'sigterm', 'sigint', 'sigkill'])
        .default('unmount'),
    )
    .addOption(
      new Option(
        '--transport <which>',
        'offer FUSE over io_uring to the server, or the device only',
      )
        .choices(['any', 'device'])
        .default('any'),
    )
    .option(
      '--cpus <n>',
      'possible CPUs the server is shown: a ring has a queue for each (1 to 64)',
    )
    .addOption(
      new Option(
        '--kernel <version>',
        "the kernel's ways (default: those of the recording one)",
      ).choices(KERNELS),
    )
    .option('--unique-base <n>', 'requests have uniques above n, as on a connection that is old')
    .addOption(
      new Option('--poison <what>', "of a ring's buffers, while the kernel owns them")
        .choices(['off', 'used', 'full'])
        .default('used'),
    )
    .option('--log <file>', 'write the canonical log there')
    .option(
      '--keep <file>',
      'keep this run as a capture, with times, queues and addresses, for show',
    )
    .option('--keep-fixture <dir>', 'keep the fixture there, as the server leaves it')
    .option('--cwd <dir>', 'working directory of the server')
    .option('--allow-devices', 'restore device nodes of the fixture (only for captures you trust)')
    .option('--no-stacks', 'do not look for the user stacks of a server that hangs or crashes')
    .option('--json', 'the result as one JSON object');
  addRootFlags(addPlanFlags(replay));
  replay
    .addHelpText('after', HELP + ROOT_HELP)
    .addHelpText('after', RULE_HELP)
    .action(run);
};
