/** `fuse-rig doctor`: what this machine can do. */
import type { Command } from 'commander';
import { examine } from '../../doctor/examine.ts';
import { EXIT } from '../../engine/exit_codes.ts';
import { doctorJson, doctorText } from '../../report/doctor.ts';
import { printLines } from './print.ts';

const HELP = `
Every probe does the call itself; what it mounts or starts is gone when it ends.
Exit code 0 when replay works here, 77 when it does not (the last lines name what
it lacks). Recording needs more, and is judged apart.

Example:
  fuse-rig doctor --json | jq '.record'
`;

async function run({ json }: { json?: boolean }): Promise<void> {
  const found = examine();
  await printLines([json ? doctorJson(found) : doctorText(found).trimEnd()]);
  process.exitCode = found.replay.ok ? EXIT.pass : EXIT.missingFeature;
}

export const doctorCommand = (program: Command): void => {
  program
    .command('doctor')
    .summary('say what this machine can do')
    .description('Tries what fuse-rig needs of this machine, and says what is missing.')
    .option('--json', 'the result as one JSON object')
    .addHelpText('after', HELP)
    .action(run);
};
