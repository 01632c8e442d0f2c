/** Runs cases: each on the clean server, then on each of its mutants. */
import { join } from 'node:path';
import { PlanDecider } from '../../faults/decider.ts';
import { parseRule } from '../../faults/parse.ts';
import { type ReplayResult, replay } from '../../replayer/replay.ts';
import type { Finding } from '../../rig/checks/finding.ts';
import type { MutantCase } from './cases.ts';
import { commandOf, NO_HOOKS, recordScene, type Scene } from './scene.ts';

export interface Trial {
  case: string;
  /** Empty: the clean server. */
  mutant: string;
  /** The check that must catch it; empty for the clean server. */
  expected: string;
  /** Findings that are no pass. */
  found: Finding[];
  requests: number;
  seconds: number;
}

/** The clean server passes, or the mutant is caught by the check that should. */
export const good = ({ expected, found }: Trial): boolean =>
  expected === ''
    ? found.length === 0
    : found.some(({ check, verdict }) => check === expected && verdict === 'fail');

export class Captures {
  readonly #dir: string;
  readonly #scenes: ReadonlyMap<string, Scene>;
  readonly #made = new Map<string, string>();

  constructor(dir: string, scenes: readonly Scene[]) {
    this.#dir = dir;
    this.#scenes = new Map(scenes.map((scene) => [scene.name, scene]));
  }

  scene(name: string): Scene {
    const scene = this.#scenes.get(name);
    if (scene === undefined) throw new Error(`there is no scene ${name}`);
    return scene;
  }

  /** The capture of a scene, recorded when it is first wanted. */
  async of(name: string): Promise<string> {
    const made = this.#made.get(name);
    if (made !== undefined) return made;
    const capture = join(this.#dir, `${name}.fusecap`);
    await recordScene(this.scene(name), capture);
    this.#made.set(name, capture);
    return capture;
  }
}

/** One replay of a case. `without`: checks that are not made. */
export async function runTrial(
  one: MutantCase,
  mutant: string,
  captures: Captures,
): Promise<Trial> {
  const scene = captures.scene(one.scene);
  const options = one.server ?? scene.server;
  const wrong = mutant === '' ? [] : ['--bug', mutant];
  const before = one.before ?? scene.before;
  const rules = (one.replay?.faults ?? []).map(parseRule);
  const result: ReplayResult = await replay(
    {
      capture: await captures.of(one.scene),
      command: commandOf(before === undefined ? {} : { before }, [...wrong, ...options]),
      end: 'unmount',
      ...one.replay,
    },
    NO_HOOKS,
    rules.length === 0 ? undefined : new PlanDecider(rules),
  );
  return {
    case: one.name,
    mutant,
    expected: one.mutants[mutant] ?? '',
    found: result.findings.filter(({ verdict }) => verdict !== 'pass'),
    requests: result.requests,
    seconds: result.seconds,
  };
}
