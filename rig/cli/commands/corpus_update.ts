/**
 * `fuse-rig corpus update`: runs the cases and shows where they are not what they are expected to be, and
 * why; with --yes that is what is expected from now on.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { CASE_FILE, type Case, parseCaseFile } from '../../cases/case.ts';
import { observed } from '../../cases/expectation.ts';
import { type CaseResult, runCase } from '../../cases/run_case.ts';
import { withExpectation } from '../../cases/write.ts';
import { EXIT } from '../../engine/exit_codes.ts';
import { detailLines, harmless } from '../../report/corpus.ts';
import { progressLine } from '../../report/progress.ts';
import { another, CASES_DIR, checkOnly, folderOf } from './corpus_words.ts';

const HELP = `
Without --yes nothing is written, and the exit code is 1 where something would be.

Examples:
  fuse-rig corpus update
  fuse-rig corpus update --only rename-race --yes
`;

interface Flags {
  only?: string[];
  yes?: boolean;
}

const say = (line: string): void => void process.stdout.write(`${harmless(line)}\n`);

/** Writes what was observed as what is expected. */
function write(one: Case, result: CaseResult): void {
  if (result.replay === undefined) return;
  const file = join(one.dir, CASE_FILE);
  const document = parseCaseFile(one.name, readFileSync(file, 'utf8'));
  const expect = observed(result.replay, one.expect.log !== undefined);
  writeFileSync(`${file}.partial`, withExpectation(document, expect));
  renameSync(`${file}.partial`, file);
}

async function update(dir: string, flags: Flags): Promise<void> {
  const folder = folderOf(dir);
  const only = flags.only ?? [];
  if (folder === undefined || !checkOnly(folder, only)) return;
  const line = progressLine(process.stderr, true);
  const cases = folder.cases.filter(({ name }) => only.length === 0 || only.includes(name));
  let [changed, same] = [0, 0];
  for (const one of cases) {
    line.show(`running ${one.name}`);
    const result = await runCase(one);
    line.clear();
    if (result.status === 'pass') same++;
    else say(`${one.name}  ${result.status}`);
    if (result.status !== 'pass') for (const detail of detailLines(result)) say(`     ${detail}`);
    if (result.status === 'stopped') {
      process.exitCode = EXIT.inconclusive;
      return;
    }
    if (result.status === 'unusable') process.exitCode = EXIT.usage;
    if (result.status !== 'fail' || result.replay === undefined) continue;
    changed++;
    if (flags.yes) write(one, result);
  }
  for (const { message } of folder.unusable) {
    process.stderr.write(`fuse-rig: ${harmless(message)}\n`);
    process.exitCode = EXIT.usage;
  }
  const what = flags.yes ? 'written' : 'to be written; --yes writes';
  say(`${same} as expected, ${changed} ${changed === 0 ? 'changed' : what}`);
  if (changed > 0 && !flags.yes) process.exitCode = EXIT.findings;
}

export const corpusUpdate = (corpus: Command): void => {
  corpus
    .command('update')
    .summary('expect of the cases what they come to now')
    .description('Shows which cases are not as expected, and makes it what is expected.')
    .argument('[dir]', 'folder of cases', CASES_DIR)
    .option('--only <name>', 'this case (may be given again)', another)
    .option('--yes', 'write it')
    .addHelpText('after', HELP)
    .action(update);
};
