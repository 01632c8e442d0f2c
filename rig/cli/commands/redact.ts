/** `fuse-rig redact`: a capture to give away. */
import type { Command } from 'commander';
import { CaptureError } from '../../../recorder/capture/error.ts';
import { FixtureError } from '../../../recorder/fixture/error.ts';
import { recordedCommand } from '../../../replayer/command.ts';
import { type Redacted, redact } from '../../redact/redact.ts';
import { harmless } from '../../report/corpus.ts';
import { quoted } from '../../report/reproduce.ts';
import { printLines, refuse } from './print.ts';

const HELP = `
Replaced: names of files, symbolic links' targets, contents, extended attributes,
paths, users and hosts in the command, what the server printed. Variables of the
environment are left out, but for PATH, LANG, LC_* and TZ.
Kept: sizes, times, counts, ids of users and processes, where contents are zero, the
command's options (look at them: they are printed), attributes of the system.

A server that reads a meaning in its fixture (an image, cipher text, a
configuration) cannot start on a redacted one; --host-only leaves traffic and
fixture as they are, for captures of made-up data.

Examples:
  fuse-rig redact bug.fusecap -o public.fusecap
  fuse-rig redact bug.fusecap -o public.fusecap --host-only
`;

interface Flags {
  output: string;
  hostOnly?: boolean;
  force?: boolean;
}

function* report(out: string, told: Redacted): Generator<string> {
  const { begin, mountpoint, names, requests, blanked, variables } = told;
  yield `${out}  ${requests} requests  ${names} names replaced`;
  const places = {
    mountpoint: '{mountpoint}',
    fixture: begin.fixture === undefined ? undefined : '{fixture}',
  };
  const command = recordedCommand(begin, mountpoint, places);
  yield harmless(`command      ${command.map(quoted).join(' ')}`);
  const kept = begin.server.env.map((pair) => pair.split('=')[0]).join(' ') || 'nothing';
  yield harmless(`environment  ${kept}; ${variables} left out`);
  if (blanked > 0) {
    yield `blanked      ${blanked} messages that do not decode: they replay as others than they were`;
  }
}

async function run(capture: string, flags: Flags): Promise<void> {
  try {
    const { output, hostOnly = false, force = false } = flags;
    await printLines(report(output, await redact(capture, output, { hostOnly, force })));
  } catch (error) {
    if (!(error instanceof CaptureError || error instanceof FixtureError)) throw error;
    refuse(error.message);
  }
}

export const redactCommand = (program: Command): void => {
  program
    .command('redact')
    .summary('replace what is private in a capture')
    .description(
      'Writes a capture with stand-ins for what is private: as long, and it still replays.',
    )
    .argument('<capture>', 'capture; it is not changed')
    .requiredOption('-o, --output <file>', 'capture to write')
    .option('--host-only', 'replace only what tells of the machine')
    .option('--force', 'overwrite <file>')
    .addHelpText('after', HELP)
    .action(run);
};
