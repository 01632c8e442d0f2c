/** `fuse-rig corpus`: the commands about folders of cases. */
import type { Command } from 'commander';
import { corpusAdd } from './corpus_add.ts';
import { corpusList } from './corpus_list.ts';
import { corpusRun } from './corpus_run.ts';
import { corpusUpdate } from './corpus_update.ts';

const HELP = `
Examples:
  fuse-rig corpus add bug.fusecap rename-race -- ./exportd {fixture} {mountpoint}
  fuse-rig corpus run
  fuse-rig corpus run --server './exportd {fixture} {mountpoint}' --junit out.xml
`;

export const corpusCommand = (program: Command): void => {
  const corpus = program
    .command('corpus')
    .summary('run a folder of cases; add, list, update them')
    .description('Folders of cases: captures with a server and what is expected of it.')
    .addHelpText('after', HELP);
  for (const register of [corpusRun, corpusAdd, corpusList, corpusUpdate]) register(corpus);
};
