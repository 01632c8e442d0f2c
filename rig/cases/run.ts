/**
 * The cases of a folder, run: as many at once as there are jobs, told in the order of their names
 * whatever order they end in. Every view of a run is made from the events told here.
 */
import { EXIT } from '../engine/exit_codes.ts';
import { onStop } from '../engine/stops.ts';
import type { Root } from '../seam/root.ts';
import { stopwatch } from '../stopwatch.ts';
import { rigVersion } from '../version.ts';
import type { Case } from './case.ts';
import type { Folder } from './folder.ts';
import { type CaseResult, runCase, type Status, shown } from './run_case.ts';
import type { ServerChoice } from './server.ts';

export interface Shard {
  /** From 1. */
  index: number;
  count: number;
}

export interface RunOptions {
  jobs: number;
  shard?: Shard;
  server?: ServerChoice;
  /** In place of every case's own. */
  seed?: number;
  /** Where servers are started, in place of this machine's root. */
  root?: Root;
  /** Names; empty: all. */
  only: readonly string[];
}

export interface BeginRun {
  kind: 'begin';
  rig: string;
  dir: string;
  /** Cases of this run: of this shard, and of those asked for. */
  cases: number;
  jobs: number;
  shard?: Shard;
  server?: ServerChoice;
  only: readonly string[];
}

export interface EndRun {
  kind: 'end';
  counts: Record<Status, number>;
  /** Wall time. */
  seconds: number;
  exit: number;
}

export type RunEvent = BeginRun | CaseResult | EndRun;

export interface RunHooks {
  tell(event: RunEvent): void;
  /** How many are done, and the names of those that run. */
  progress?(done: number, running: readonly string[]): void;
}

/** What is to be run, or why it cannot be. */
type Job = { name: string; run: () => Promise<CaseResult> };

function jobsOf(folder: Folder, options: RunOptions): Job[] {
  const { server, seed, root, shard, only } = options;
  const how = {
    ...(server === undefined ? {} : { server }),
    ...(seed === undefined ? {} : { seed }),
    ...(root === undefined ? {} : { root }),
  };
  const good = folder.cases.map((one: Case) => ({ name: one.name, run: () => runCase(one, how) }));
  const bad = folder.unusable.map(({ name, dir, message }) => ({
    name,
    run: async (): Promise<CaseResult> => ({
      kind: 'case',
      name,
      dir: shown(dir),
      about: '',
      status: 'unusable',
      reasons: [message],
      exit: EXIT.usage,
      reproduce: '',
    }),
  }));
  return [...good, ...bad]
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
    .filter(({ name }) => only.length === 0 || only.includes(name))
    .filter((_, i) => shard === undefined || i % shard.count === shard.index - 1);
}

/** Runs them; tells `begin`, every case, `end`. The result is `end`. */
export async function runFolder(
  folder: Folder,
  options: RunOptions,
  hooks: RunHooks,
): Promise<EndRun> {
  const seconds = stopwatch();
  const jobs = jobsOf(folder, options);
  const { shard, server, only } = options;
  hooks.tell({
    kind: 'begin',
    rig: rigVersion(),
    dir: shown(folder.dir),
    cases: jobs.length,
    jobs: options.jobs,
    ...(shard === undefined ? {} : { shard }),
    ...(server === undefined ? {} : { server }),
    only,
  });
  const results = await runAll(jobs, options.jobs, hooks);
  const counts = { pass: 0, fail: 0, skipped: 0, unusable: 0, stopped: 0 };
  for (const { status } of results) counts[status]++;
  counts.stopped += jobs.length - results.length;
  const end: EndRun = {
    kind: 'end',
    counts,
    seconds: seconds(),
    exit: exitOf(results, jobs.length, shard !== undefined),
  };
  hooks.tell(end);
  return end;
}

async function runAll(jobs: readonly Job[], count: number, hooks: RunHooks): Promise<CaseResult[]> {
  const results: (CaseResult | undefined)[] = jobs.map(() => undefined);
  const running = new Set<string>();
  let [next, told, done, stopped] = [0, 0, 0, false];
  const off = onStop(() => {
    stopped = true;
  });
  const work = async (): Promise<void> => {
    for (let i = next++; i < jobs.length && !stopped; i = next++) {
      const { name, run } = jobs[i] as Job;
      running.add(name);
      hooks.progress?.(done, [...running]);
      results[i] = await run();
      running.delete(name);
      done++;
      for (let result = results[told]; result !== undefined; result = results[++told]) {
        hooks.tell(result);
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(count, jobs.length) }, work));
  } finally {
    off();
  }
  // Behind one that was stopped, others may have come to their end.
  for (const result of results.slice(told)) if (result !== undefined) hooks.tell(result);
  return results.filter((result) => result !== undefined);
}

/** What weighs most says what the whole comes to. */
const WEIGHT: readonly number[] = [
  EXIT.rigFailed,
  EXIT.findings,
  EXIT.notDeterministic,
  EXIT.divergence,
  EXIT.usage,
  EXIT.inconclusive,
];

function exitOf(results: readonly CaseResult[], wanted: number, sharded: boolean): number {
  const codes = results.flatMap(({ status, exit }) => {
    if (status === 'pass' || status === 'skipped') return [];
    if (status === 'stopped') return [EXIT.inconclusive];
    // A finding that was expected and did not come is one as well.
    return exit === undefined || exit === EXIT.pass ? [EXIT.findings] : [exit];
  });
  if (results.length < wanted) codes.push(EXIT.inconclusive);
  const found = WEIGHT.find((code) => codes.some((other) => other === code));
  if (found !== undefined) return found;
  // Where not one case ran, nothing was shown; a shard may be empty.
  const ran = sharded || results.some(({ status }) => status === 'pass');
  return ran ? EXIT.pass : EXIT.inconclusive;
}
