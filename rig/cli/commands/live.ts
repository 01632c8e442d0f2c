/** `fuse-rig live`: a server at work on a real mount, with faults. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { ruleText } from '../../../faults/rule.ts';
import { quoted as quotedRule } from '../../../faults/rule_error.ts';
import { isMounted } from '../../../recorder/mountinfo.ts';
import { hasFired } from '../../../replayer/injected.ts';
import { liveInWorker } from '../../engine/engine.ts';
import { findingsCode } from '../../engine/outcome.ts';
import { startWorkload, type Workload } from '../../engine/workload.ts';
import type { LiveOptions, LiveResult } from '../../live/live.ts';
import { liveRefusal } from '../../live/refused.ts';
import { type LiveReport, liveJson, liveText } from '../../report/live.ts';
import { progressLine } from '../../report/progress.ts';
import { reproduce } from '../../report/reproduce.ts';
import { guarded } from '../errors.ts';
import { addPlanFlags, type PlanFlags, planOf, RULE_HELP } from '../plan_flags.ts';
import { addRootFlags, ROOT_HELP, type RootFlags, rootOf } from '../root_flags.ts';
import { notMounted, refusedFixture, serverOptions } from '../server_words.ts';
import { refuse } from './print.ts';

const HELP = `
The server mounts where it wants to, and works in front of the real kernel, with
the faults of the plan. The session ends when the server does, when the workload
does, or at Ctrl-C (twice: kills the server). Then it is said what came of the
plan, and what is wrong. Live runs are not deterministic: clients and kernel have
their own time. With --out the run is kept; a replay of that, with the same plan,
is deterministic.

The workload is told to end (SIGTERM, then SIGKILL, with all it started) when the
server has ended, 10 s later, and at Ctrl-C at once. How it ended is shown; the
exit code is about the server alone, for a fault may well make a workload fail.
What clients wait for while the server can answer nothing any more is found, and
ended by an abort. Answers are not compared, for there is no capture of others.

Examples:
  fuse-rig live --fault WRITE:abort:at=delivered:when=100 --workload 'cp -r /usr/include {mountpoint}' \\
      -- ./exportd /srv/data /mnt/data
  fuse-rig live --fault READ:read=EINTR:when=3..+7 --out run.fusecap --fixture /srv/data \\
      --workload './check -overlay' -- ./exportd /srv/data /mnt/data
`;

interface Flags extends PlanFlags, RootFlags {
  workload?: string;
  out?: string;
  fixture?: string;
  force?: boolean;
  quiet?: boolean;
  stacks: boolean;
  othersWrite?: boolean;
  json?: boolean;
}

function optionsOf(command: string[], flags: Flags): LiveOptions | undefined {
  const plan = planOf(flags);
  if (plan === undefined || refusedFixture(flags.fixture)) return undefined;
  if (flags.fixture !== undefined && flags.out === undefined) {
    refuse('--fixture: it is kept in the capture; name one with --out FILE');
    return undefined;
  }
  const root = rootOf(flags);
  if (root === false) return undefined;
  for (const rule of plan.rules) {
    const why = liveRefusal(rule);
    if (why === undefined) continue;
    refuse(`${quotedRule(ruleText(rule))} cannot be had live: ${why}`);
    return undefined;
  }
  return {
    ...serverOptions(command, flags.fixture),
    output: flags.out === undefined ? undefined : resolve(flags.out),
    force: flags.force === true,
    faults: plan.rules.map(ruleText),
    stacks: flags.stacks,
    othersWrite: flags.othersWrite === true,
    ...root,
  };
}

/** How long a workload whose server has ended may take to see that. */
const WORKLOAD_MS = 10_000;

function endOf(workload: Workload | undefined): string {
  if (workload === undefined) return 'never began, for there was no mount by then';
  return workload.ended ?? 'it cannot be ended';
}

/** Serves until server or workload have ended. */
async function session(options: LiveOptions, flags: Flags) {
  const line = progressLine(process.stderr, flags.quiet !== true);
  let workload: Workload | undefined;
  const over = new AbortController();
  let stopped = false;
  let ended = false;
  const result = await guarded(() =>
    liveInWorker(options, {
      progress: ({ requests, replies, mounted }) => {
        line.show(`${mounted ?? 'starting'}  ${requests} requests  ${replies} replies`);
        if (mounted === undefined || flags.workload === undefined) return;
        // Where the mount has gone again the workload would work on what lies below.
        if (workload === undefined && !isMounted(mounted)) return;
        // A workload that ends because somebody pressed Ctrl-C is no second press.
        workload ??= startWorkload(flags.workload, mounted, () => {
          if (stopped) return;
          ended = true;
          over.abort();
        });
      },
      output: (fd, bytes, taken) => {
        line.clear();
        (fd === 1 && flags.json !== true ? process.stdout : process.stderr).write(bytes, taken);
      },
      stopping: (count) => {
        stopped = true;
        if (workload?.ended !== undefined && count === 1) return;
        line.say(
          count === 1 ? 'stopping: unmounting (again to kill the server)' : 'killing the server',
        );
        void workload?.end(0);
      },
      signal: over.signal,
    }),
  );
  line.clear();
  await workload?.end(WORKLOAD_MS);
  const byWorkload = ended && result?.reason === 'interrupt';
  const how: LiveReport['ended'] | undefined = result?.stalled
    ? 'stall'
    : byWorkload
      ? 'workload'
      : result?.reason;
  return { result, how, workload: flags.workload === undefined ? undefined : endOf(workload) };
}

function replayOf(
  command: readonly string[],
  flags: Flags,
  faults: readonly string[],
  result: LiveResult,
) {
  const { fixture, out } = flags;
  if (out === undefined || !result.kept) return undefined;
  const words = command.map((word) => {
    if (word === result.mounted) return '{mountpoint}';
    // As an option's value, too: passthrough=/srv/data.
    return fixture === undefined ? word : word.replace(resolve(fixture), '{fixture}');
  });
  return reproduce(out, words, { end: 'unmount', seed: '1', faults: [...faults] });
}

async function run(command: string[], flags: Flags): Promise<void> {
  const options = optionsOf(command, flags);
  if (options === undefined) return;
  const { result, how, workload } = await session(options, flags);
  if (result === undefined || how === undefined) return;
  if (!result.kept && !result.plan.some(hasFired)) {
    const { text, code } = notMounted(result);
    process.stderr.write(`fuse-rig: ${text}\n`);
    process.exitCode = code;
    return;
  }
  const replay = replayOf(command, flags, options.faults, result);
  const report: LiveReport = { command, result, ended: how, workload, replay };
  process.stdout.write(flags.json ? `${liveJson(report)}\n` : liveText(report));
  process.exitCode = findingsCode(result.findings, result.plan);
}

export const liveCommand = (program: Command): void => {
  const live = program
    .command('live')
    .summary('a server at work on a real mount, with faults')
    .description('Runs a FUSE server in front of the real kernel, injects faults, and judges it.')
    .argument('<command...>', 'the server and its arguments, after --')
    .option(
      '--workload <command>',
      'a shell command that works on {mountpoint}; its end ends the session',
    )
    .option('--out <file>', 'keep the session as a capture, its faults as events')
    .option('--fixture <path>', 'keep this backing directory or image in the capture, as it is now')
    .option('--force', 'replace an existing capture')
    .option('-q, --quiet', 'no progress line')
    .option('--no-stacks', 'do not ask a server that hangs for its user stacks')
    .option(
      '--others-write',
      'somebody else writes to what the server serves: contents are not checked',
    )
    .option('--json', 'the result as one JSON object');
  addRootFlags(addPlanFlags(live));
  live
    .addHelpText('after', HELP + ROOT_HELP)
    .addHelpText('after', RULE_HELP)
    .action(run);
};
