/**
 * One server put through everything: the workloads without the rig, the same under the recorder, and
 * the capture replayed into it again and again.
 */
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CaptureReader } from '../../recorder/capture/reader.ts';
import type { Ended, LiveServer } from '../servers/live.ts';
import { preparePlaces, startVariant } from '../servers/live.ts';
import { type Places, type Recipe, substitute, type Variant } from '../servers/recipe.ts';
import {
  firstDifference,
  runWorkload,
  type Size,
  type Workload,
  type WorkloadResult,
} from '../workloads/workload.ts';
import { unsuited, workloads } from '../workloads/workloads.ts';
import { RIG } from './ground.ts';
import { replayEnds, replayMany } from './replays.ts';
import { beginWitness, type Completeness } from './witnessed.ts';

export interface TrialOptions {
  size: Size;
  seed: number;
  /** Replays of the capture; each must give 0 findings and the first one's log. */
  replays: number;
  /** Names of workloads; all that suit when empty. */
  only: readonly string[];
  /** Root the server runs in under the rig; there is no run without the rig then. */
  root?: string;
  /** Replay once more with every way to end. */
  ends?: boolean;
  /** Directory where captures are kept; absent: they go. */
  keep?: string;
  say(line: string): void;
}

export interface Trial {
  server: string;
  variant: string;
  version: string;
  workloads: number;
  requests: number;
  /** Of the captured ones. */
  overRing: number;
  bytes: number;
  /** Lines of workload results that differ with the recorder in between. */
  differences: string[];
  completeness: Completeness | undefined;
  replays: number;
  /** Replays without findings, with the first one's log. */
  clean: number;
  /** What replays found, first of each kind. */
  findings: string[];
  replaySeconds: number;
  recordSeconds: number;
  /** With `TrialOptions.ends`: by the way a replay ended, what it complained of. */
  ends?: Record<string, string[]>;
  wrong: string[];
}

const suited = (recipe: Recipe, only: readonly string[]): Workload[] =>
  workloads.filter(
    (w) => unsuited(w, recipe) === undefined && (only.length === 0 || only.includes(w.name)),
  );

async function work(
  server: LiveServer,
  chosen: readonly Workload[],
  options: TrialOptions,
): Promise<WorkloadResult[]> {
  const results: WorkloadResult[] = [];
  for (const workload of chosen) {
    results.push(await runWorkload(workload, server.places.mountpoint, options.seed, options.size));
  }
  return results;
}

/** The workloads on a fresh fixture, with `prefix` in front of the server. */
async function live<T>(
  recipe: Recipe,
  variant: Variant,
  prefix: (places: Places) => readonly string[],
  use: (server: LiveServer) => Promise<T>,
  conclude: (fixture: string) => void = () => {},
): Promise<{ value: T; ended: Ended }> {
  const places = await preparePlaces(recipe);
  try {
    const server = await startVariant(variant, places, prefix(places));
    let value: T;
    try {
      value = await use(server);
    } catch (error) {
      await server.end();
      throw error;
    }
    const ended = await server.end();
    conclude(places.fixture);
    return { value, ended };
  } finally {
    places.remove();
  }
}

function requestsOverRing(capture: string): number {
  const reader = CaptureReader.open(capture);
  try {
    let count = 0;
    for (const event of reader.events(true)) {
      if (event.kind === 'request' && event.ring !== undefined) count++;
    }
    return count;
  } finally {
    reader.close();
  }
}

export async function tryServer(
  recipe: Recipe,
  variant: Variant,
  version: string,
  options: TrialOptions,
  scratch: string,
): Promise<Trial> {
  const chosen = suited(recipe, options.only);
  const name = variant.name === 'plain' ? recipe.name : `${recipe.name}-${variant.name}`;
  const capture = join(options.keep ?? scratch, `${name}.fusecap`);
  mkdirSync(options.keep ?? scratch, { recursive: true });
  const trial: Trial = {
    server: recipe.name,
    variant: variant.name,
    version,
    workloads: chosen.length,
    requests: 0,
    overRing: 0,
    bytes: 0,
    differences: [],
    completeness: undefined,
    replays: options.replays,
    clean: 0,
    findings: [],
    replaySeconds: 0,
    recordSeconds: 0,
    wrong: [],
  };
  options.say(`${name}: ${chosen.map((w) => w.name).join(' ')}`);
  const plain =
    options.root === undefined
      ? await live(
          recipe,
          variant,
          () => [],
          (server) => work(server, chosen, options),
        )
      : undefined;
  const record = ({ fixture, mountpoint }: Places) => [
    ...[...RIG, 'record', '-q', '-o', capture, '--force', '--fixture', fixture],
    // Not the mountpoint itself: rclone does not mount where something is mounted.
    ...(options.root === undefined ? [] : ['--root', options.root, '--share', dirname(mountpoint)]),
    '--',
  ];
  const witness = await beginWitness();
  let dev = 0;
  const left = join(scratch, 'fixture');
  const recorded = await live(
    recipe,
    { ...variant, daemon: false },
    record,
    (server) => {
      dev = server.dev;
      return work(server, chosen, options);
    },
    (fixture) => {
      if (recipe.difference !== undefined) renameSync(fixture, left);
    },
  ).catch(async (error: unknown) => {
    await witness.abandon();
    throw error;
  });
  const results = recorded.value;
  plain?.value.forEach((alone, i) => {
    const difference = firstDifference(alone, results[i] as WorkloadResult);
    if (difference !== undefined) trial.differences.push(difference);
  });
  trial.wrong.push(...recorded.ended.leftovers);
  const counts = /(\d+) requests .* (\d+) bytes\s+([\d.]+) s/.exec(recorded.ended.output);
  trial.requests = Number(counts?.[1] ?? 0);
  trial.bytes = Number(counts?.[2] ?? 0);
  trial.recordSeconds = Number(counts?.[3] ?? 0);
  if (counts === null) trial.wrong.push(`recorder said: ${recorded.ended.output.trim()}`);
  trial.overRing = requestsOverRing(capture);
  trial.completeness = await witness.conclude(dev, capture);
  const replaying = { recipe, variant, left, scratch, ...rootOf(options) };
  await replayMany(trial, capture, replaying);
  if (options.ends) await replayEnds(trial, capture, replaying);
  rmSync(left, { recursive: true, force: true });
  if (options.keep === undefined) rmSync(capture, { force: true });
  return trial;
}

const rootOf = ({ root }: TrialOptions) => (root === undefined ? {} : { root });

/** The command line a person would type to record the variant. */
export const recordCommand = (variant: Variant): string =>
  `fuse-rig record -o x.fusecap --fixture F -- ${substitute(variant.command, { fixture: 'F', mountpoint: 'M' }).join(' ')}`;
