/** `fuse-rig record`: captures what the kernel and a server say to each other. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { RecordOptions, RecordResult } from '../../../recorder/options.ts';
import { recordInWorker } from '../../engine/engine.ts';
import { EXIT } from '../../engine/exit_codes.ts';
import { progressLine } from '../../report/progress.ts';
import { guarded } from '../errors.ts';
import { addRootFlags, ROOT_HELP, type RootFlags, rootOf } from '../root_flags.ts';
import { refuse } from './print.ts';

const HELP = `
The server runs in the foreground or as a daemon, as it likes. Its mount is made
at the mountpoint it asks for. The recording ends when the server ends: unmount
it, or press Ctrl-C (twice: kills the server; the capture is kept). One that only
makes failing calls after the unmount is told to end (SIGTERM) after 3 s.

Examples:
  fuse-rig record -o bug.fusecap -- bindfs -f /srv/data /mnt/data
  fuse-rig record -o bug.fusecap --fixture /srv/data -- ./exportd /srv/data /mnt/data
`;

interface Flags extends RootFlags {
  output: string;
  fixture?: string;
  force?: boolean;
  fd?: string[];
  quiet?: boolean;
}

function optionsOf(command: string[], flags: Flags, root: Pick<RecordOptions, 'root'>) {
  const fds = [
    ...(flags.fd ?? []).map(Number),
    ...command.flatMap((word) => /^\/dev\/fd\/(\d+)$/.exec(word)?.[1] ?? []).map(Number),
  ];
  return {
    command,
    cwd: process.cwd(),
    env: process.env as Record<string, string>,
    umask: process.umask(),
    output: resolve(flags.output),
    force: flags.force === true,
    ...(flags.fixture === undefined ? {} : { fixture: resolve(flags.fixture) }),
    ...(fds.length === 0 ? {} : { extraFds: fds }),
    ...(process.stdin.isTTY ? {} : { stdin: 0 }),
    ...root,
  } satisfies RecordOptions;
}

/** Why there is no capture, and the exit code of that. */
function notMounted(result: RecordResult, how: string): { text: string; code: number } {
  const { mountFailed } = result;
  const code = EXIT.rigFailed;
  if (result.reason === 'interrupt') return { text: 'stopped before the server had mounted', code };
  if (mountFailed !== undefined) {
    const { target, errno } = mountFailed;
    const text = `the mount on ${target} failed with ${errno} and the server ended (${how})`;
    if ((errno !== 'EPERM' && errno !== 'EACCES') || process.geteuid?.() === 0) {
      return { text: `${text}; name a mountpoint that exists and is free`, code };
    }
    const remedy = 'mount as root, or with fusermount3 installed and /dev/fuse open to you';
    return { text: `${text}; ${remedy}: run: fuse-rig doctor`, code: EXIT.missingFeature };
  }
  const what = result.neverOpened ? 'opening /dev/fuse' : 'mounting';
  const remedy = 'is it a FUSE server, and are its arguments right?';
  return { text: `the server ended (${how}) without ${what}; ${remedy}`, code };
}

function conclude(flags: Flags, result: RecordResult): void {
  for (const { pid, comm, state, wchan } of result.survivors) {
    process.stderr.write(
      `fuse-rig: process ${pid} ${comm} survives SIGKILL (state ${state} in ${wchan}); its keeper waits for it\n`,
    );
  }
  const { exit } = result;
  const how =
    exit === null
      ? 'the server never ended'
      : exit.code === null
        ? `signal ${exit.signal}`
        : `exit ${exit.code}`;
  if (!result.kept) {
    const { text, code } = notMounted(result, how);
    process.stderr.write(`fuse-rig: ${text}; nothing was captured\n`);
    process.exitCode = code;
    return;
  }
  if (result.noise !== undefined) {
    const text = 'the server did not end with its connection and was told to (SIGTERM)';
    process.stderr.write(`fuse-rig: ${[text, ...result.noise].join('\n  ')}\n`);
  }
  process.stderr.write(
    `${flags.output}  ${result.requests} requests  ${result.replies} replies  ${result.bytes} bytes  ` +
      `${result.seconds.toFixed(2)} s  server ${how}  ended by ${result.reason}\n`,
  );
}

async function run(command: string[], flags: Flags): Promise<void> {
  if (flags.fixture !== undefined && !existsSync(flags.fixture)) {
    refuse(
      `${flags.fixture}: no such fixture; --fixture names the server's backing directory or image`,
    );
    return;
  }
  const bad = flags.fd?.find((fd) => !/^\d{1,6}$/.test(fd));
  if (bad !== undefined) {
    refuse(`--fd ${bad}: not a descriptor; give its number, such as --fd 3`);
    return;
  }
  const root = rootOf(flags);
  if (root === false) return;
  const line = progressLine(process.stderr, flags.quiet !== true);
  const result = await guarded(() =>
    recordInWorker(optionsOf(command, flags, root), {
      progress: ({ requests, replies, bytes, mounted }) =>
        line.show(
          `${mounted ?? 'starting'}  ${requests} requests  ${requests - replies} in flight  ${(bytes / 1e6).toFixed(1)} MB`,
        ),
      output: (fd, bytes, taken) => {
        line.clear();
        (fd === 1 ? process.stdout : process.stderr).write(bytes, taken);
      },
      stopping: (count) =>
        line.say(
          count === 1 ? 'stopping: unmounting (again to kill the server)' : 'killing the server',
        ),
    }),
  );
  line.clear();
  if (result !== undefined) conclude(flags, result);
}

export const recordCommand = (program: Command): void => {
  const record = program
    .command('record')
    .summary('capture what the kernel and a server say to each other')
    .description('Runs a FUSE server in front of the real kernel and captures both sides.')
    .argument('<command...>', 'the server and its arguments, after --')
    .requiredOption('-o, --output <file>', 'capture to write')
    .option(
      '--fixture <path>',
      'keep this backing directory or image file in the capture, as it is now',
    )
    .option('--fd <number...>', 'the server inherits the device as this descriptor')
    .option('--force', 'replace an existing capture')
    .option('-q, --quiet', 'no progress line')
    .addHelpText('after', HELP + ROOT_HELP)
    .action(run);
  addRootFlags(record);
};
