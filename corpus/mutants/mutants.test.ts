/**
 * The mutants that one short capture shows for certain, whatever else the machine does. All of them:
 * `npm run mutants`, docs/mutants.md.
 */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Case } from '../../rig/cases/case.ts';
import { run } from '../run.ts';
import { CASES, type MutantCase } from './cases.ts';
import { WITHOUT_CASE, WITHOUT_MUTANT } from './later.ts';
import { good, recordedCases, runTrial } from './matrix.ts';
import { SERVER } from './scene.ts';

const CERTAIN: Readonly<Record<string, readonly string[]>> = {
  everyday: ['forget-answered', 'double-reply'],
  'ring-not-offered': ['init-echo'],
  'everyday-unmount': ['double-unmount'],
  sessions: [
    ...['fd-leak-per-session', 'mapping-leak-per-session'],
    ...['memory-leak-per-session', 'thread-leak-per-session'],
  ],
  'old-connection': ['id-32-bit'],
  'old-connection-ring': ['id-32-bit-commit'],
};
const TIMEOUT_MS = 120_000;

function whyNoIoUring(): string | undefined {
  try {
    const disabled = readFileSync('/proc/sys/kernel/io_uring_disabled', 'utf8').trim();
    return disabled === '0' ? undefined : `kernel.io_uring_disabled is ${disabled}`;
  } catch {
    // Before Linux 6.6 it cannot be.
    return undefined;
  }
}

const rowOf = (name: string): MutantCase => {
  const found = CASES.find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no case ${name}`);
  return found;
};

it.for(Object.entries(CERTAIN))(
  'case %s: the clean server passes, %j are caught',
  { timeout: TIMEOUT_MS },
  async ([name, mutants], context) => {
    const why = name.endsWith('ring') ? whyNoIoUring() : undefined;
    context.skip(why !== undefined, why);
    const [[row, one] = []] = recordedCases([rowOf(name)]);
    for (const mutant of ['', ...mutants]) {
      const trial = await runTrial(one as Case, mutant, row?.mutants[mutant] ?? '');
      const found = trial.found.map(({ check, verdict, text }) => `${verdict} ${check}: ${text}`);
      expect(good(trial), `${mutant === '' ? 'clean' : mutant}: ${found.join('; ')}`).toBe(true);
    }
  },
);

it('has a recorded case for every row, as the row says', () => {
  for (const [row, one] of recordedCases(CASES)) {
    expect({ name: one.name, about: one.about }).toEqual({ name: row.name, about: row.about });
  }
});

it('has a case, or a reason why not, for every bug of the server, once', async () => {
  const { stdout } = await run(SERVER(), ['--bug', 'list']);
  const bugs = stdout.split('\n').flatMap((line) => line.split('\t')[0] || []);
  const caught = CASES.flatMap(({ mutants }) => Object.keys(mutants));
  expect([...caught, ...Object.keys(WITHOUT_CASE)].sort()).toEqual([...bugs].sort());
  expect(bugs.filter((bug) => bug in WITHOUT_MUTANT)).toEqual([]);
});
