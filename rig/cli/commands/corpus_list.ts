/** `fuse-rig corpus list`: which cases there are, what each stands for, and which cannot be used. */
import type { Command } from 'commander';
import type { Case } from '../../cases/case.ts';
import { exitWords } from '../../cases/expectation.ts';
import { shown } from '../../cases/run_case.ts';
import { EXIT } from '../../engine/exit_codes.ts';
import { harmless } from '../../report/corpus.ts';
import { quoted } from '../../report/reproduce.ts';
import { CASES_DIR, folderOf } from './corpus_words.ts';
import { printLines } from './print.ts';

const HELP = `
Examples:
  fuse-rig corpus list
  fuse-rig corpus list corpus/cases --json
`;

function caseText({ name, about, server, expect, plan, dir }: Case): string[] {
  return [
    `${name}${plan === undefined ? '' : `  with ${shown(plan)}`}`,
    ...about.split('\n').map((line) => `     ${line}`),
    `     ${server.map(quoted).join(' ')}   expects exit ${exitWords(expect.exit)}   ${shown(dir)}`,
  ].map(harmless);
}

function caseJson(one: Case): string {
  const { dir, capture, plan, ...rest } = one;
  return JSON.stringify({
    kind: 'case',
    ...rest,
    dir: shown(dir),
    capture: shown(capture),
    ...(plan === undefined ? {} : { plan: shown(plan) }),
  });
}

async function list(dir: string, flags: { json?: boolean }): Promise<void> {
  const folder = folderOf(dir);
  if (folder === undefined) return;
  const cases = folder.cases.flatMap((one) => (flags.json ? [caseJson(one)] : caseText(one)));
  const unusable = flags.json
    ? folder.unusable.map((one) =>
        JSON.stringify({ kind: 'unusable', ...one, dir: shown(one.dir) }),
      )
    : [];
  await printLines([...cases, ...unusable]);
  for (const { message } of folder.unusable) {
    process.stderr.write(`fuse-rig: ${harmless(message)}\n`);
    process.exitCode = EXIT.usage;
  }
}

export const corpusList = (corpus: Command): void => {
  corpus
    .command('list')
    .summary('show which cases there are')
    .description('Lists the cases of a folder.')
    .argument('[dir]', 'folder of cases', CASES_DIR)
    .option('--json', 'print JSON Lines')
    .addHelpText('after', HELP)
    .action(list);
};
