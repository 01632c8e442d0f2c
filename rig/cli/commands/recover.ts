/** `fuse-rig recover`: makes a capture of what a killed recorder left. */
import type { Command } from 'commander';
import { CaptureError } from '../../../recorder/capture/error.ts';
import { PARTIAL } from '../../../recorder/capture/reader.ts';
import { type Recovered, recover } from '../../../recorder/capture/recover.ts';
import { printLines, refuse } from './print.ts';

const HELP = `
Everything up to the first frame that is not whole is kept, and an end is put
behind it. <file> is not changed; nothing that exists is overwritten.

Example:
  fuse-rig recover bug.fusecap.partial        writes bug.fusecap
`;

function* report(file: string, out: string, found: Recovered): Generator<string> {
  yield `${out}: kept ${found.frames} frames, ${found.bytes} bytes; dropped ${found.bytesDropped} bytes`;
  const { cause } = found;
  if (cause !== undefined) {
    yield `not whole: frame ${cause.frame ?? '?'} at offset ${cause.offset ?? '?'} (${cause.code})`;
  }
  if (found.complete) yield 'the recording had ended; nothing of it is missing';
  yield `${file} is left as it was: remove it when you no longer need it`;
}

async function run(file: string, out: string | undefined): Promise<void> {
  const to = out ?? (file.endsWith(PARTIAL) ? file.slice(0, -PARTIAL.length) : '');
  if (to === '') {
    refuse(
      `${file}: does not end in ${PARTIAL}; name the file to write: fuse-rig recover ${file} OUT`,
    );
    return;
  }
  try {
    await printLines(report(file, to, recover(file, to)));
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error;
    refuse(error.message);
  }
}

export const recoverCommand = (program: Command): void => {
  program
    .command('recover')
    .summary('make a capture of what a killed recorder left')
    .description('Makes a readable capture of a .partial file, or of a damaged capture.')
    .argument('<file>', 'what is to be recovered')
    .argument('[out]', `capture to write; <file> without ${PARTIAL} unless named`)
    .addHelpText('after', HELP)
    .action(run);
};
