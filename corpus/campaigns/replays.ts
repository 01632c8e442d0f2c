/** A capture replayed into its server again and again: no finding, one log, the recording's fixture. */
import { rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { run } from '../run.ts';
import type { Recipe, Variant } from '../servers/recipe.ts';
import { RIG } from './ground.ts';
import type { Trial } from './server_trial.ts';

interface ReplayJson {
  requests: number;
  log: string;
  seconds: number;
  findings: { check: string; verdict: string; text: string; details: string[] }[];
}

const REPLAY_S = 1200;

async function replayOnce(capture: string, how: readonly string[]): Promise<ReplayJson | string> {
  const [node, ...args] = [...RIG, 'replay', capture, '--json', ...how];
  const ran = await run(node as string, args, { timeoutS: REPLAY_S });
  try {
    return JSON.parse(ran.stdout) as ReplayJson;
  } catch {
    return `exit ${ran.code ?? ran.signal}: ${ran.stderr.trim().split('\n')[0] ?? ''}`;
  }
}

export interface Replaying {
  recipe: Recipe;
  variant: Variant;
  /** The fixture as the recording left it. */
  left: string;
  /** A place for others. */
  scratch: string;
  root?: string;
}

/** A ring's buffers are poisoned in another extent each time: what a good server answers is the same. */
const POISON = ['used', 'full', 'off'];

const inItsWay = ({ recipe, root }: Replaying): string[] => [
  ...(root === undefined ? [] : ['--root', root]),
  ...(recipe.serial === undefined ? [] : ['--serial']),
];

/** What a replay complains of, a line each. */
const complaintsOf = ({ findings }: ReplayJson): string[] =>
  findings
    .filter((f) => f.verdict !== 'pass')
    .map((f) => `${f.check}: ${f.text}: ${f.details[0] ?? ''}`);

/** Every way a replay can end. */
export const ENDS = ['unmount', 'force', 'abort', 'device', 'sigterm'] as const;

/** Replays once with every end. */
export async function replayEnds(
  trial: Trial,
  capture: string,
  replaying: Replaying,
): Promise<void> {
  trial.ends = {};
  for (const end of ENDS) {
    const found = await replayOnce(capture, [...inItsWay(replaying), '--end', end]);
    trial.ends[end] = typeof found === 'string' ? [found] : complaintsOf(found);
  }
}

/** Replays `trial.replays` times. */
export async function replayMany(
  trial: Trial,
  capture: string,
  replaying: Replaying,
): Promise<void> {
  const { left, scratch } = replaying;
  const { difference } = replaying.recipe;
  const { end } = replaying.variant;
  const how = [...inItsWay(replaying), ...(end ? ['--end', end] : [])];
  const kept = join(scratch, 'replayed');
  const keep = difference === undefined ? [] : ['--keep-fixture', kept];
  let log: string | undefined;
  for (let i = 0; i < trial.replays; i++) {
    const seed = ['--seed', String(i + 1), '--poison', POISON[i % POISON.length] as string];
    const found = await replayOnce(capture, [...how, ...keep, ...seed]);
    if (typeof found === 'string') {
      trial.findings.push(`replay ${i + 1}: ${found}`);
      continue;
    }
    log ??= found.log;
    trial.replaySeconds += found.seconds;
    const wrong = complaintsOf(found);
    if (wrong.length === 0 && found.log !== log) wrong.push(`log ${found.log}, first ${log}`);
    const differs = await difference?.(left, join(kept, basename(left)));
    if (differs !== undefined) wrong.push(`the fixture is not the recording's: ${differs}`);
    rmSync(kept, { recursive: true, force: true });
    if (wrong.length === 0) trial.clean++;
    trial.findings.push(...wrong.map((one) => `replay ${i + 1}: ${one}`));
  }
}
