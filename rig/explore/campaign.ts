/** A campaign of replays: learns the points, runs the plans, and makes cases of what they find. */
import { join } from 'node:path';
import { Covered } from '../../faults/explore/coverage.ts';
import { explore, pending, type Shard } from '../../faults/explore/explore.ts';
import { type Group, Groups } from '../../faults/explore/groups.ts';
import type { Outcome, Run } from '../../faults/explore/outcome.ts';
import { Plans } from '../../faults/explore/plans.ts';
import type { Seen } from '../../faults/explore/seen.ts';
import type { ReplayOptions } from '../../replayer/replay.ts';
import { EngineError } from '../engine/engine.ts';
import { EXIT } from '../engine/exit_codes.ts';
import { onStop } from '../engine/stops.ts';
import { CaseMaker, type FoundCase } from './found_case.ts';
import { digestOf, type Identity, Store } from './store.ts';
import type { Answer } from './tasks.ts';
import { Workers } from './workers.ts';

export interface ExploreOptions {
  capture: string;
  /** With {server}, {fixture} and {mountpoint}. */
  command: readonly string[];
  /** What {server} stands for. */
  bundled: string;
  /** Of every replay: its end, transport, CPUs, poison. */
  ways: Omit<ReplayOptions, 'capture' | 'command' | 'faults'>;
  runs: number;
  seed: number;
  jobs: number;
  shard?: Shard;
  keepGoing: boolean;
  /** What no kernel does, too. */
  synthetic: boolean;
  out: string;
}

export interface Begun {
  /** Single faults at distinct points. */
  singles: number;
  /** Runs of this command, and how many of them earlier commands have made. */
  runs: number;
  resumed: number;
  /** Groups those have found. */
  groups: readonly Group[];
}

export interface ExploreHooks {
  begun(begun: Begun): void;
  /** `group`: of a failure, where it is the first of its cause. */
  ran(run: Run, group: Group | undefined): void;
  shrinking(group: Group): void;
  found(found: FoundCase): void;
  stopping(count: number): void;
}

export interface Explored {
  runs: number;
  audited: number;
  differing: number;
  groups: readonly Group[];
  coverage: Covered;
  /** All that was asked for was run. */
  whole: boolean;
  exit: number;
}

/** Causes that are made small and kept; what is more is named. */
const CASES_MAX = 20;
/** From the worst: what the rig did wrong makes all else doubtful. */
const WORST = [EXIT.rigFailed, EXIT.findings, EXIT.notDeterministic, EXIT.divergence] as const;

export function fill(command: readonly string[], server: string): string[] {
  return command.map((word) => word.replaceAll('{server}', server));
}

/** An answer without an outcome as the outcome of a run. */
function outcomeOf({ outcome, error }: Answer, plan: readonly string[]): Outcome {
  if (outcome !== undefined) return outcome;
  const text = error === undefined ? 'no answer' : `${error.name}: ${error.message}`;
  const rules = plan.map((rule) => ({ rule, fired: 0, refused: 0, synthetic: false }));
  const failures = [{ check: 'rig', text, details: [] }];
  return { exit: EXIT.rigFailed, failures, rules, log: '', seconds: 0 };
}

export class Exploration {
  readonly #options: ExploreOptions;
  readonly #hooks: ExploreHooks;
  readonly #workers = new Workers();
  readonly #store: Store;
  readonly #groups = new Groups();
  readonly #coverage = new Covered();
  readonly #runs: Run[] = [];
  #stops = 0;

  constructor(options: ExploreOptions, hooks: ExploreHooks) {
    this.#options = options;
    this.#hooks = hooks;
    this.#store = new Store(options.out, options.shard);
  }

  /** Throws StoreError, or EngineError where the server or the capture cannot be used at all. */
  async run(): Promise<Explored> {
    const off = onStop(() => {
      this.#hooks.stopping(++this.#stops);
      // Who asks again does not want to wait for the runs that are on their way.
      if (this.#stops > 1) void this.#workers.close();
    });
    try {
      return await this.#campaign();
    } finally {
      await this.#workers.close();
      off();
    }
  }

  async #campaign(): Promise<Explored> {
    const { seed, synthetic, runs, jobs, shard, keepGoing } = this.#options;
    const plans = new Plans(await this.#seen(), seed, synthetic);
    for (const run of this.#store.earlier()) this.#take(run);
    const done = new Set(this.#runs.map(({ index }) => index));
    const campaign = { plans, runs, jobs, shard, keepGoing, done };
    const failed = this.#groups.all;
    this.#hooks.begun({
      singles: plans.singles.length,
      runs: [...pending({ ...campaign, done: new Set() })].length,
      resumed: done.size,
      groups: failed,
    });
    const over = failed.length > 0 && !keepGoing;
    const whole =
      !over &&
      (await explore(campaign, {
        run: (plan, audited) => this.#replay(this.#options.capture, plan, audited),
        tell: (run) => {
          // What was broken off by a second Ctrl-C says nothing.
          if (this.#stops > 1) return;
          this.#store.add(run);
          this.#hooks.ran(run, this.#take(run));
        },
        stopped: () => this.#stops > 0,
      }));
    await this.#makeCases();
    return this.#explored(whole);
  }

  /** What the session shows without faults: of an earlier command, else of a run now. */
  async #seen(): Promise<Seen> {
    const { capture, command, seed, synthetic, ways } = this.#options;
    const identity: Identity = {
      ...{ capture: digestOf(capture), command, seed, synthetic },
      ways: { ...ways },
    };
    const known = this.#store.seen(identity);
    if (known !== undefined) return known;
    const { seen, error } = await this.#perform(capture, [], false, true);
    if (error !== undefined) throw new EngineError({ ...error, stack: '' });
    if (seen === undefined) throw new Error('the first run showed nothing');
    this.#store.begin(identity, seen);
    return seen;
  }

  #take(run: Run): Group | undefined {
    this.#runs.push(run);
    this.#coverage.take(run);
    return this.#groups.take(run);
  }

  #perform(capture: string, faults: readonly string[], audited: boolean, watched: boolean) {
    const { command, bundled, ways } = this.#options;
    const options = { ...ways, capture, command: fill(command, bundled), faults };
    return this.#workers.run({ options, audited, watched });
  }

  async #replay(capture: string, plan: readonly string[], audited: boolean): Promise<Outcome> {
    return outcomeOf(await this.#perform(capture, plan, audited, false), plan);
  }

  async #makeCases(): Promise<void> {
    const groups = this.#groups.all.slice(0, CASES_MAX);
    const { out, jobs } = this.#options;
    const maker = new CaseMaker(join(out, 'cases'), this.#options, (capture, plan) =>
      this.#replay(capture, plan, false),
    );
    const left = groups.values();
    const work = async () => {
      for (const group of left) {
        if (this.#stops > 0) return;
        this.#hooks.shrinking(group);
        this.#hooks.found(await maker.make(group));
      }
    };
    await Promise.all(Array.from({ length: jobs }, work));
  }

  #explored(whole: boolean): Explored {
    const audited = this.#runs.filter((run) => run.audited);
    const differing = audited.filter(({ outcome }) => outcome.difference !== undefined);
    return {
      runs: this.#runs.length,
      audited: audited.length,
      differing: differing.length,
      groups: this.#groups.all,
      coverage: this.#coverage,
      whole,
      exit: this.#exit(differing.length > 0),
    };
  }

  #exit(differs: boolean): number {
    const codes = new Set<number>(this.#runs.map(({ outcome }) => outcome.exit));
    if (differs) codes.add(EXIT.notDeterministic);
    const worst = WORST.find((code) => codes.has(code));
    if (worst !== undefined) return worst;
    const fired = this.#runs.some(({ outcome }) => outcome.rules.some((rule) => rule.fired > 0));
    const unknown = codes.has(EXIT.inconclusive) || !fired || this.#stops > 0;
    return unknown ? EXIT.inconclusive : EXIT.pass;
  }
}
