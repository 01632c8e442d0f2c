/** One case, run: its replay in a worker thread, and whether that is what the case expects. */
import { relative } from 'node:path';
import { nativePath } from '../../native/load.ts';
import type { ReplayOptions, ReplayResult } from '../../replayer/replay.ts';
import { EngineError, replayInWorker } from '../engine/engine.ts';
import { EXIT } from '../engine/exit_codes.ts';
import { errorCode } from '../engine/outcome.ts';
import { reproduce } from '../report/reproduce.ts';
import type { Root } from '../seam/root.ts';
import type { Case, Expectation } from './case.ts';
import { CaseError } from './error.ts';
import { differences, observed } from './expectation.ts';
import { planOptions } from './plan.ts';
import { chooseServer, replacesAll, type ServerChoice } from './server.ts';

/**
 * `skipped`: it cannot run here. `unusable`: the case itself is wrong. `stopped`: by Ctrl-C, nothing
 * is concluded.
 */
export type Status = 'pass' | 'fail' | 'skipped' | 'unusable' | 'stopped';

/** What became of a case: one line of `corpus run --json`. */
export interface CaseResult {
  kind: 'case';
  name: string;
  /** Folder, from where the run was started. */
  dir: string;
  about: string;
  /** File name of the plan. */
  plan?: string;
  status: Status;
  /** Why it is no pass, a line each; empty for a pass. */
  reasons: string[];
  expected?: Expectation;
  /** Exit code of the replay. */
  exit?: number;
  replay?: ReplayResult;
  /** The one command that does it again. */
  reproduce: string;
}

export interface RunCaseOptions {
  server?: ServerChoice;
  /** In place of the case's own. */
  seed?: number;
  /** Where every server is started, in place of this machine's root. */
  root?: Root;
  /** Lines of the canonical log. */
  log?: (line: string) => void;
  /** Stops it, as Ctrl-C does. */
  signal?: AbortSignal;
}

/** The replay of a case with that server. Throws CaseError for its plan. */
function replayOptions(one: Case, command: string[]): ReplayOptions {
  const { seed: _, uniqueBase, ...options } = one.options;
  return {
    capture: shown(one.capture),
    command,
    ...options,
    ...(uniqueBase === undefined ? {} : { uniqueBase: BigInt(uniqueBase) }),
    ...planOptions(one),
  };
}

export async function runCase(one: Case, options: RunCaseOptions = {}): Promise<CaseResult> {
  const base = { ...headOf(one), expected: one.expect };
  const chosen = chooseServer(one, options.server, nativePath('fuse-rig-server'), options.root);
  if ('skip' in chosen)
    return { ...base, status: 'skipped', reasons: [chosen.skip], reproduce: '' };
  const seed = String(options.seed ?? one.options.seed);
  let again = '';
  try {
    const { log, root, signal } = options;
    const how = {
      ...replayOptions(one, chosen.command),
      ...(root === undefined ? {} : { root }),
    };
    again = reproduce(how.capture, chosen.command, { ...how, seed });
    const replay = await replayInWorker(how, {
      ...(log === undefined ? {} : { log }),
      ...(signal === undefined ? {} : { signal }),
    });
    // Another server need not have the log of the case's own.
    const { log: expectedLog, ...rest } = one.expect;
    const own = options.server === undefined || !replacesAll(options.server);
    const expected: Expectation =
      own && expectedLog !== undefined ? { ...rest, log: expectedLog } : rest;
    const got = observed(replay, expected.log !== undefined);
    const reasons = differences(expected, got);
    const status = reasons.length === 0 ? 'pass' : 'fail';
    return { ...base, expected, status, reasons, exit: got.exit, replay, reproduce: again };
  } catch (error) {
    return { ...base, ...failure(error), reproduce: again };
  }
}

/** What an error of the session means for the case. */
function failure(error: unknown): Pick<CaseResult, 'status' | 'reasons' | 'exit'> {
  if (error instanceof CaseError) {
    return { status: 'unusable', reasons: [error.message], exit: EXIT.usage };
  }
  if (!(error instanceof EngineError)) throw error;
  const exit = errorCode(error);
  const status =
    error.name === 'InterruptError'
      ? 'stopped'
      : exit === EXIT.missingFeature
        ? 'skipped'
        : exit === EXIT.usage
          ? 'unusable'
          : 'fail';
  return { status, reasons: [error.message], exit };
}

const headOf = ({ name, dir, about, plan }: Case) => ({
  kind: 'case' as const,
  name,
  dir: shown(dir),
  about,
  ...(plan === undefined ? {} : { plan: relative(dir, plan) }),
});

/** A path as somebody here would type it. */
export function shown(path: string): string {
  const near = relative(process.cwd(), path);
  return near === '' ? '.' : near.startsWith('..') ? path : near;
}
