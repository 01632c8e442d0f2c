/** `fuse-rig show`: what is in a capture. */
import type { Command } from 'commander';
import { CaptureError } from '../../../recorder/capture/error.ts';
import { CaptureReader, PARTIAL } from '../../../recorder/capture/reader.ts';
import { opByName } from '../../protocol/opcodes.ts';
import { type ShowOptions, showCapture } from '../../report/show.ts';
import { printLines, refuse } from './print.ts';

/** The options as typed. */
interface Typed {
  opcode?: string;
  node?: string;
  unique?: string;
  from?: string;
  to?: string;
  size?: string;
  times?: boolean;
  json?: boolean;
}

const HELP = `
A line is one request joined with its reply:

    0.005000 1/1 #4 LOOKUP node=1 name="f" = -ENOENT <0.000123>

  time of the delivery in seconds, handle/connection, unique, operation and
  arguments, result, seconds until the reply. A line appears when its reply
  does; requests that never got one come last. Of a server with a ring, q2/5 is
  queue 2, entry 5, and dev the device; REGISTER and CQE are lines of their own.

With --json every event is one object in the order of the capture; names are
text, other bytes base64 (or text, with -s), integers past 2^53 strings.

Examples:
  fuse-rig show bug.fusecap -e READ,WRITE --from 1.5 --to 2
  fuse-rig show bug.fusecap --json | jq 'select(.error == -2)'
`;

/** Something typed that means nothing; the message says what would. */
class Misuse extends Error {}

function numberOf(option: string, typed: string, most: number): number {
  const value = Number(typed);
  if (typed.trim() !== '' && value >= 0 && value <= most) return value;
  throw new Misuse(`${option} ${typed}: not a number from 0 to ${most}`);
}

function idOf(option: string, typed: string): bigint {
  if (/^(0x[0-9a-f]{1,16}|[0-9]{1,20})$/i.test(typed)) return BigInt(typed);
  throw new Misuse(`${option} ${typed}: not an unsigned number such as 5 or 0x1f`);
}

function opcodesOf(typed: string): Set<number> {
  const numbers = typed.split(',').map((word) => {
    const known = opByName(word.trim())?.opcode;
    if (known !== undefined) return known;
    if (/^[0-9]{1,10}$/.test(word)) return Number(word);
    throw new Misuse(`-e ${word}: no FUSE operation; write names such as READ,LOOKUP, or numbers`);
  });
  return new Set(numbers);
}

function optionsOf(typed: Typed): ShowOptions {
  const options: ShowOptions = { json: typed.json ?? false, times: typed.times ?? false };
  if (typed.opcode !== undefined) options.opcodes = opcodesOf(typed.opcode);
  if (typed.node !== undefined) options.nodeid = idOf('--node', typed.node);
  if (typed.unique !== undefined) options.unique = idOf('--unique', typed.unique);
  if (typed.from !== undefined) options.from = numberOf('--from', typed.from, 9e6) * 1e9;
  if (typed.to !== undefined) options.to = numberOf('--to', typed.to, 9e6) * 1e9;
  if (typed.size !== undefined) options.data = numberOf('-s', typed.size, 2 ** 26);
  return options;
}

async function run(file: string, typed: Typed): Promise<void> {
  try {
    const options = optionsOf(typed);
    const reader = CaptureReader.open(file, { partial: file.endsWith(PARTIAL) });
    try {
      await printLines(showCapture(reader, options));
    } finally {
      reader.close();
    }
  } catch (error) {
    if (!(error instanceof CaptureError || error instanceof Misuse)) throw error;
    refuse(error.message);
  }
}

export const showCommand = (program: Command): void => {
  program
    .command('show')
    .summary('show what is in a capture')
    .description('Shows the requests and replies of a capture, one line each pair, like strace.')
    .argument('<capture>', 'capture file; of a .partial file, every frame that is whole')
    .option('-e, --opcode <list>', 'only these operations, such as READ,WRITE')
    .option('--node <nodeid>', 'only requests on this node')
    .option('--unique <unique>', 'only this request')
    .option('--from <seconds>', 'only what was asked at this time or later')
    .option('--to <seconds>', 'only what was asked before this time')
    .option('-s, --size <bytes>', 'most bytes of data shown (32; with --json all)')
    .option('--times', 'show timestamps and cache timeouts too')
    .option('--json', 'JSON Lines, every event decoded')
    .addHelpText('after', HELP)
    .action(run);
};
