/**
 * Random differential testing: fast-check makes sequences of calls and operations, the kernel and the
 * model do them, and where they differ the sequence is made as short as it can be.
 */
import fc from 'fast-check';
import { difference } from '../compare.ts';
import type { Transcript } from '../driver.ts';
import { askKernel, ringOffered } from '../kernel_side.ts';
import { askModel } from '../model_side.ts';
import { type Probe, type Step, section } from '../step.ts';
import { DEVICE } from './device.ts';
import { RING } from './ring.ts';

export type Transport = 'device' | 'ring';
export const TRANSPORTS: Readonly<Record<Transport, fc.Arbitrary<Step[]>>> = {
  device: DEVICE,
  ring: RING,
};

const probeOf = (name: string, steps: readonly Step[]): Probe => {
  const [probe] = section('random', [[name, steps, []]]);
  if (probe === undefined) throw new Error('a section of one probe has one');
  const clients = steps.map(({ by }) => by).filter((by) => /^c\d$/.test(by));
  return { ...probe, clients: [...new Set(clients)] };
};

/** Sequences `from` to `from + count` of a seed, the same on every machine with as many CPUs. */
export function sequences(
  transport: Transport,
  seed: number,
  from: number,
  count: number,
): Probe[] {
  return Array.from({ length: count }, (_, i) => {
    const [steps] = fc.sample(TRANSPORTS[transport], { seed: seed + from + i, numRuns: 1 });
    return probeOf(`${transport} ${seed + from + i}`, steps ?? []);
  });
}

/** What both make of the probes. */
export type AskBoth = (probes: readonly Probe[]) => Promise<[Transcript[], Transcript[]]>;

export const askBoth: AskBoth = async (probes) => [
  await askKernel(probes),
  await askModel(probes, { ring: ringOffered(), version: '6.18' }, true),
];

/**
 * A forced unmount aborts the connection and is busy all the same while the clients that this wakes have
 * not let go of the mount: whether they have is a race (do_umount()), and both answers are the kernel's.
 */
function races(text: string): boolean {
  const [step = '', ...sides] = text.split('\n');
  const [kernel, model] = sides.map((side) =>
    side.replace(/^ {2}(kernel|model) +/, '').replace(/t: r=(0|-1 e=EBUSY)$/, ''),
  );
  return / umount m FORCE$/.test(step) && kernel === model;
}

/** How the two differ; undefined where they do not. */
export function differenceOf(
  kernel: Transcript | undefined,
  model: Transcript | undefined,
): string | undefined {
  const none: Transcript = { outcomes: [], broken: 'not asked' };
  // A sequence that the prober itself cannot do, such as a commit where no entry was registered.
  if (kernel?.broken !== undefined && kernel.broken === model?.broken) return undefined;
  const found = difference(kernel ?? none, model ?? none);
  return found === undefined || races(found) ? undefined : found;
}

export interface Found {
  /** What to give as --seed to see it again, with --random 1. */
  readonly seed: number;
  readonly steps: readonly string[];
  readonly difference: string;
  /** How often of `AGAIN` times the whole sequence differed when it was asked again alone. */
  readonly again: number;
}

/** A sequence that differs is asked again so often: what differs once is a race, and not shortened. */
export const AGAIN = 5;

/** The step at which two sides differ, without its number: shortening must not lead to another one. */
const placeOf = (found: string | undefined): string | undefined =>
  found?.split('\n')[0]?.replace(/^step \d+ /, '');

/** Shortened so often at most. */
const ROUNDS = 40;

/** A shorter sequence that differs too, a step at a time, until every step is needed. */
export async function shrink(
  probe: Probe,
  first: string,
  seed: number,
  ask = askBoth,
): Promise<Omit<Found, 'again'>> {
  let best = { probe, difference: first };
  for (let found = true, rounds = 0; found && rounds < ROUNDS; rounds++) {
    const { steps } = best.probe;
    const candidates = steps.map((_, i) =>
      probeOf(
        probe.name,
        steps.filter((_, n) => n !== i),
      ),
    );
    const [kernel, model] = await ask(candidates);
    // The later a step, the less depends on it.
    const n = candidates.findLastIndex(
      (_, i) => placeOf(differenceOf(kernel[i], model[i])) === placeOf(first),
    );
    const shorter = candidates[n];
    found = shorter !== undefined;
    if (shorter !== undefined) {
      best = { probe: shorter, difference: differenceOf(kernel[n], model[n]) ?? '' };
    }
  }
  return { seed, steps: best.probe.steps.map(({ says }) => says), difference: best.difference };
}

/** Asks a sequence that differed again, and shortens it if it differs again. */
async function examine(probe: Probe, first: string, seed: number, ask: AskBoth): Promise<Found> {
  const [kernel, model] = await ask(Array.from({ length: AGAIN }, () => probe));
  const again = kernel.filter((one, i) => differenceOf(one, model[i]) !== undefined).length;
  const whole = { seed, steps: probe.steps.map(({ says }) => says), difference: first };
  return { ...(again === 0 ? whole : await shrink(probe, first, seed, ask)), again };
}

/** Runs sequences in batches; `tell` hears of the progress. Ends early after `most` differences. */
export async function search(
  {
    transport,
    seed,
    count,
    most = 3,
  }: { transport: Transport; seed: number; count: number; most?: number },
  tell: (done: number) => void,
  ask = askBoth,
): Promise<Found[]> {
  const BATCH = 250;
  const found: Found[] = [];
  for (let from = 0; from < count && found.length < most; from += BATCH) {
    const probes = sequences(transport, seed, from, Math.min(BATCH, count - from));
    const [kernel, model] = await ask(probes);
    for (const [i, probe] of probes.entries()) {
      const differs = differenceOf(kernel[i], model[i]);
      if (differs === undefined || found.length >= most) continue;
      found.push(await examine(probe, differs, seed + from + i, ask));
    }
    tell(from + probes.length);
  }
  return found;
}
