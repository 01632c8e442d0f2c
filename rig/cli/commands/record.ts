/** `fuse-rig record`: captures what the kernel and a server say to each other. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { RecordOptions, RecordResult } from '../../../recorder/options.ts';
import { recordInWorker } from '../../engine/engine.ts';
import { progressLine } from '../../report/progress.ts';
import { guarded } from '../errors.ts';
import { addRootFlags, ROOT_HELP, type RootFlags, rootOf } from '../root_flags.ts';
import { exitWords, notMounted, refusedFixture, serverOptions } from '../server_words.ts';
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
    ...serverOptions(command, flags.fixture),
    output: resolve(flags.output),
    force: flags.force === true,
    ...(fds.length === 0 ? {} : { extraFds: fds }),
    ...root,
  } satisfies RecordOptions;
}

function conclude(flags: Flags, result: RecordResult): void {
  for (const { pid, comm, state, wchan } of result.survivors) {
    process.stderr.write(
      `fuse-rig: process ${pid} ${comm} survives SIGKILL (state ${state} in ${wchan}); its keeper waits for it\n`,
    );
  }
  if (!result.kept) {
    const { text, code } = notMounted(result);
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
      `${result.seconds.toFixed(2)} s  server ${exitWords(result)}  ended by ${result.reason}\n`,
  );
}

async function run(command: string[], flags: Flags): Promise<void> {
  if (refusedFixture(flags.fixture)) return;
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
