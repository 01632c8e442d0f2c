/** A folder of cases as rows of `describe.each`, and the test that each of them is. */
import type { Case } from '../cases/case.ts';
import { readFolder } from '../cases/folder.ts';
import { splitWords } from '../cases/server.ts';
import { titleOf } from '../report/corpus.ts';
import { test } from './fixture.ts';
import { expect } from './matchers.ts';

export interface CasesOptions {
  /** As of `fuse-rig corpus run --server`: another server than the cases' own. */
  server?: string | readonly string[];
  /** In place of every case's own; several: each case is run with each. */
  seeds?: readonly number[];
  /** A case that cannot run here fails. FUSE_RIG_FORBID_SKIPS=1 by default, else it is skipped. */
  forbidSkips?: boolean;
  /** Of one case; ms. */
  timeout?: number;
}

interface Row {
  /** Name, plan and seed. */
  title: string;
  name: string;
  server?: readonly string[];
  seed?: number;
  forbidSkips: boolean;
  timeout: number;
}

/** A case, or a folder that is meant as one and cannot be used, and why. */
export type CaseEntry = Row & ({ case: Case } | { unusable: string });

/** A server that hangs is found out by the rig, in less. */
const TIMEOUT_MS = 120_000;

/** Every case below `dir` with its title, in their order. Throws where there is none. */
export function casesIn(dir: string, options: CasesOptions = {}): [string, CaseEntry][] {
  const { server, seeds, timeout = TIMEOUT_MS } = options;
  const forbidSkips = options.forbidSkips ?? process.env.FUSE_RIG_FORBID_SKIPS === '1';
  const words = typeof server === 'string' ? splitWords(server) : server;
  const common = { forbidSkips, timeout, ...(words === undefined ? {} : { server: words }) };
  const { cases, unusable } = readFolder(dir);
  const rows = [
    ...unusable.map(({ name, message }) => ({ title: name, name, unusable: message, ...common })),
    ...cases.flatMap((one) => {
      const row = { title: titleOf(named(one)), name: one.name, case: one, ...common };
      if (seeds === undefined) return [row];
      return seeds.map((seed) => ({ ...row, title: `${row.title} seed ${seed}`, seed }));
    }),
  ];
  rows.sort((a, b) => (a.title < b.title ? -1 : a.title > b.title ? 1 : 0));
  return rows.map((row) => [row.title, row]);
}

const named = ({ name, plan, dir }: Case) =>
  plan === undefined ? { name } : { name, plan: plan.slice(dir.length + 1) };

/** The test of a case: `describe.each(casesIn('corpus/cases'))('%s', asExpected)`. */
export function asExpected(_title: string, entry: CaseEntry): void {
  test('comes to what is expected', { timeout: entry.timeout }, async ({ rig }) => {
    expect(await rig.run(entry)).toBeAsExpected();
  });
}
