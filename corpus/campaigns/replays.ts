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

/** Replays `trial.replays` times; `left` is the fixture as the recording left it, `scratch` a place for others. */
export async function replayMany(
  trial: Trial,
  capture: string,
  { serial, difference }: Recipe,
  { end }: Variant,
  left: string,
  scratch: string,
): Promise<void> {
  const how = [...(serial === undefined ? [] : ['--serial']), ...(end ? ['--end', end] : [])];
  const kept = join(scratch, 'replayed');
  const keep = difference === undefined ? [] : ['--keep-fixture', kept];
  let log: string | undefined;
  for (let i = 0; i < trial.replays; i++) {
    const found = await replayOnce(capture, [...how, ...keep]);
    if (typeof found === 'string') {
      trial.findings.push(`replay ${i + 1}: ${found}`);
      continue;
    }
    log ??= found.log;
    trial.replaySeconds += found.seconds;
    const wrong = found.findings
      .filter((f) => f.verdict !== 'pass')
      .map((f) => `${f.check}: ${f.text}: ${f.details[0] ?? ''}`);
    if (wrong.length === 0 && found.log !== log) wrong.push(`log ${found.log}, first ${log}`);
    const differs = await difference?.(left, join(kept, basename(left)));
    if (differs !== undefined) wrong.push(`the fixture is not the recording's: ${differs}`);
    rmSync(kept, { recursive: true, force: true });
    if (wrong.length === 0) trial.clean++;
    trial.findings.push(...wrong.map((one) => `replay ${i + 1}: ${one}`));
  }
}
