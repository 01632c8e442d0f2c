/**
 * What a test has in hand: replays that are stopped when the test ends, however it ends, and whose logs
 * are kept for whoever has to look at a failure.
 */
import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestContext } from 'vitest';
import { parseRule } from '../../faults/parse.ts';
import { parsePlan } from '../../faults/plan.ts';
import { type Rule, ruleText } from '../../faults/rule.ts';
import { nativePath } from '../../native/load.ts';
import { hasFired } from '../../replayer/injected.ts';
import type { ReplayOptions, ReplayResult } from '../../replayer/replay.ts';
import { type CaseResult, runCase, shown } from '../cases/run_case.ts';
import { chooseServer, splitWords } from '../cases/server.ts';
import { replayInWorker } from '../engine/engine.ts';
import { reproduce } from '../report/reproduce.ts';
import type { CaseEntry } from './cases.ts';
import { keepLog } from './logs.ts';

/** What all tests of a file or a project have in common: `test.override({ rigDefaults: ... })`. */
export interface RigDefaults {
  /** The server under test, where a replay names none; then the recorded command. */
  server?: string | readonly string[];
  /** Folder in which the log of every replay is kept; FUSE_RIG_LOGS by default, else nowhere. */
  logs?: string;
  /** When a log is attached to the test: `findings`, where a check did not pass, by default. */
  attach?: 'findings' | 'always' | 'never';
}

type Taken =
  | 'end'
  | 'serial'
  | 'sessions'
  | 'transport'
  | 'cpus'
  | 'kernel'
  | 'uniqueBase'
  | 'poison'
  | 'cwd';

export interface ReplaySettings extends Partial<Pick<ReplayOptions, Taken | 'allowDevices'>> {
  /**
   * The server and its arguments, as words or as a shell would split them. {mountpoint} and {fixture}
   * stand for this run's, {server} for the server that comes with fuse-rig.
   */
  server?: string | readonly string[];
  /** A YAML file of rules (faults/plan.schema.json). */
  plan?: string | URL;
  /** Rules, such as `READ:read=EINTR:when=3`; behind those of the plan. */
  faults?: readonly (string | Rule)[];
  /** Printed, and in the command that does it again; a run itself only counts. */
  seed?: number;
  /** File in which the run is kept as a capture, for `fuse-rig show`. */
  keep?: string;
  /** Directory, not there yet, in which the fixture is kept as the server leaves it. */
  keepFixture?: string;
}

/** What came of a replay; what the matchers of `fuse-rig/vitest` look at. */
export interface Run extends ReplayResult {
  /** As somebody would type it here. */
  capture: string;
  /** The canonical log. */
  lines: readonly string[];
  /** File of the log, where it is kept. */
  logFile: string | undefined;
  /** Rules that never came true: the run says nothing of what they ask. */
  idle: readonly string[];
  /** The one command that does it again. */
  reproduce: string;
}

const words = (server: string | readonly string[]): readonly string[] =>
  typeof server === 'string' ? splitWords(server) : server;

const pathOf = (path: string | URL): string =>
  path instanceof URL || path.startsWith('file:') ? fileURLToPath(path) : path;

/** The command for this machine. Throws where its program is not installed. */
function commandOf(server: string | readonly string[] | undefined): string[] {
  if (server === undefined) return [];
  const own = words(server);
  if (own.length === 0) throw new Error('server: no command; name a program and {mountpoint}');
  const chosen = chooseServer({ server: own, needs: [] }, undefined, nativePath('fuse-rig-server'));
  if ('skip' in chosen) throw new Error(`the server of this replay is ${chosen.skip}`);
  return chosen.command;
}

function rulesOf({ plan, faults = [] }: ReplaySettings): string[] {
  const path = plan === undefined ? undefined : pathOf(plan);
  const planned =
    path === undefined ? [] : parsePlan(readFileSync(path, 'utf8'), basename(path)).rules;
  const given = faults.map((rule) => {
    if (typeof rule !== 'string') return rule;
    try {
      return parseRule(rule);
    } catch (error) {
      throw new Error(`fault ${JSON.stringify(rule)}: ${(error as Error).message}`);
    }
  });
  return [...planned, ...given].map(ruleText);
}

/** The words of a test's context that a rig needs. */
export type RigContext = Pick<TestContext, 'annotate' | 'signal' | 'skip' | 'task'>;

export class Rig {
  readonly #context: RigContext;
  readonly #defaults: RigDefaults;
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  #count = 0;

  constructor(context: RigContext, defaults: RigDefaults) {
    this.#context = context;
    this.#defaults = defaults;
    const { signal } = context;
    if (signal.aborted) this.#stop.abort();
    signal.addEventListener('abort', () => this.#stop.abort(), { once: true });
  }

  /**
   * Starts the server, feeds it the capture, ends it. Throws where that cannot be done: what the server
   * does wrong is in the findings, for the matchers.
   */
  async replay(capture: string | URL, settings: ReplaySettings = {}): Promise<Run> {
    const { server = this.#defaults.server, plan, faults, seed = 1, ...rest } = settings;
    const lines: string[] = [];
    const file = shown(resolve(pathOf(capture)));
    const options: ReplayOptions = {
      end: 'unmount',
      ...rest,
      capture: file,
      command: commandOf(server),
      faults: rulesOf(settings),
    };
    const log = (line: string): void => void lines.push(line);
    const result = await this.#held(replayInWorker(options, { log, signal: this.#stop.signal }));
    const again = reproduce(file, options.command, { ...options, seed: String(seed) });
    const logFile = await this.#keep(lines, result, again);
    const idle = result.plan.filter((rule) => !hasFired(rule)).map(({ rule }) => rule);
    return { ...result, capture: file, lines, logFile, idle, reproduce: again };
  }

  /** Runs a case of a corpus; the test is skipped where it cannot run here, or fails where skips are forbidden. */
  async run(entry: CaseEntry): Promise<CaseResult> {
    if (!('case' in entry)) throw new Error(entry.unusable);
    const lines: string[] = [];
    const { server, seed } = entry;
    const result = await this.#held(
      runCase(entry.case, {
        ...(server === undefined ? {} : { server }),
        ...(seed === undefined ? {} : { seed }),
        log: (line) => void lines.push(line),
        signal: this.#stop.signal,
      }),
    );
    if (result.status === 'skipped') {
      const why = result.reasons.join('; ');
      if (entry.forbidSkips) throw new Error(`${entry.title} cannot run here, and must: ${why}`);
      process.stderr.write(`SKIPPED ${entry.title}: ${why}\n`);
      this.#context.skip(why);
    }
    if (result.replay !== undefined) await this.#keep(lines, result.replay, result.reproduce);
    return result;
  }

  /** Stops what still runs, and waits until nothing is left of it. Says how much that was. */
  async close(): Promise<number> {
    const left = [...this.#running];
    this.#stop.abort();
    await Promise.allSettled(left);
    return left.length;
  }

  async #held<T>(running: Promise<T>): Promise<T> {
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  async #keep(lines: string[], result: ReplayResult, again: string): Promise<string | undefined> {
    const { logs = process.env.FUSE_RIG_LOGS, attach = 'findings' } = this.#defaults;
    this.#count++;
    const file = logs ? keepLog(logs, this.#context.task, this.#count, lines) : undefined;
    const found = result.findings.some(({ verdict }) => verdict !== 'pass');
    if (attach === 'always' || (attach === 'findings' && found)) {
      const body = Buffer.from(lines.map((line) => `${line}\n`).join(''));
      const attachment = { contentType: 'text/plain', body };
      await this.#context.annotate(`log ${result.log} of ${again}`, 'fuse-rig', attachment);
    }
    return file;
  }
}
