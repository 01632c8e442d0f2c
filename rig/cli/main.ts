/**
 * The shell of every command: the list of them, one help, and what becomes of an error. A command
 * sets `process.exitCode` itself (exit_codes.ts); what it throws is a failure of the rig.
 */
import { isatty } from 'node:tty';
import { Command, CommanderError } from 'commander';
import { EXIT, EXIT_MEANING } from '../engine/exit_codes.ts';
import { rigVersion } from '../version.ts';
import { corpusCommand } from './commands/corpus.ts';
import { doctorCommand } from './commands/doctor.ts';
import { exploreCommand } from './commands/explore.ts';
import { liveCommand } from './commands/live.ts';
import { recordCommand } from './commands/record.ts';
import { recoverCommand } from './commands/recover.ts';
import { redactCommand } from './commands/redact.ts';
import { replayCommand } from './commands/replay.ts';
import { showCommand } from './commands/show.ts';

/** Every command, under the heading the help shows it with. A command nobody lists does not exist. */
const COMMANDS: readonly { heading: string; commands: readonly ((program: Command) => void)[] }[] =
  [
    {
      heading: 'Record and replay:',
      commands: [recordCommand, replayCommand, exploreCommand, liveCommand],
    },
    { heading: 'Captures:', commands: [showCommand, recoverCommand, redactCommand] },
    { heading: 'Cases:', commands: [corpusCommand] },
    { heading: 'This machine:', commands: [doctorCommand] },
  ];

const EXAMPLES = `
Examples:
  fuse-rig record -o bug.fusecap --fixture /srv/data -- bindfs -f /srv/data /mnt/data
  fuse-rig replay bug.fusecap -- bindfs -f '{fixture}' '{mountpoint}'
  fuse-rig live --fault READ:abort:at=delivered -- ./exportd /srv/data /mnt/data
  fuse-rig explore bug.fusecap --runs 2000 -- bindfs -f '{fixture}' '{mountpoint}'
  fuse-rig show bug.fusecap -e READ,WRITE
  fuse-rig recover bug.fusecap.partial
  fuse-rig redact bug.fusecap -o public.fusecap
  fuse-rig corpus run
  fuse-rig doctor
`;

function exitCodeHelp(): string {
  const names = Object.keys(EXIT) as (keyof typeof EXIT)[];
  const lines = names.map((name) => `  ${String(EXIT[name]).padStart(2)}  ${EXIT_MEANING[name]}`);
  return `Exit codes:\n${lines.join('\n')}\n`;
}

/** Commander's complaint, as one line that says what to do. */
function usageLine(text: string): string {
  const what = text
    .trim()
    .replace(/^error: /, '')
    .replaceAll('\n', ' ');
  return `fuse-rig: ${what}; run: fuse-rig --help\n`;
}

/** All of `fuse-rig`, ready to parse. Throws CommanderError where commander would end the process. */
export function buildProgram(): Command {
  const program = new Command('fuse-rig')
    .description('Records what the kernel and a FUSE server say to each other, and replays it.')
    .version(rigVersion(), '-V, --version')
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => write(usageLine(text)),
    })
    .addHelpText('after', EXAMPLES)
    .addHelpText('after', exitCodeHelp());
  for (const { heading, commands } of COMMANDS) {
    program.commandsGroup(heading);
    for (const register of commands) register(program);
  }
  return program.helpCommand('help [command]', 'say more about a command');
}

/** An error nobody expected: one line; where it came from only for whoever looks for that. */
function fail(error: unknown): void {
  let text = error instanceof Error ? error.message : String(error);
  if (text.includes('uv_cwd'))
    text = 'the current directory was removed; change to one that exists';
  process.stderr.write(`fuse-rig: ${text.split('\n')[0]}\n`);
  if (process.env.FUSE_RIG_DEBUG === '1' && error instanceof Error) {
    process.stderr.write(`${error.stack}\n`);
  }
  process.exitCode = EXIT.rigFailed;
}

/** A reader that goes away (`| head`) is no error; the commands stop writing by themselves. */
function letReadersGo(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') process.exitCode = EXIT.rigFailed;
    });
  }
}

/**
 * Node restores the settings of a terminal as it ends, and aborts where that fails: where the terminal
 * has been closed. Everything is done by now; dying of the hangup is what a shell expects then.
 */
function endWithTerminal(): void {
  const terminals = [process.stdin, process.stdout, process.stderr].flatMap((stream) =>
    stream.isTTY === true ? [stream.fd] : [],
  );
  process.on('exit', () => {
    if (terminals.some((fd) => !isatty(fd))) process.kill(process.pid, 'SIGHUP');
  });
}

/** Runs the command line `args` (without node and script); the result is `process.exitCode`. */
export async function run(args: readonly string[]): Promise<void> {
  letReadersGo();
  endWithTerminal();
  process.on('uncaughtException', (error) => {
    fail(error);
    process.exit();
  });
  try {
    await buildProgram().parseAsync(args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      // Help and version come this way too, with 0.
      process.exitCode = error.exitCode === 0 ? EXIT.pass : EXIT.usage;
    } else fail(error);
  }
}
