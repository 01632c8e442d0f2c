/** Holds what the model made of a probe against what the kernel made of it. */
import { isDeepStrictEqual } from 'node:util';
import type { Outcome, Result, Transcript } from './driver.ts';
import type { Probe } from './step.ts';

/** A step's outcome in a word: an errno, a number, a text, or `asleep`. */
export function inShort(outcome: Outcome | undefined, by: string): string | number {
  const result = outcome?.done[by];
  if (result === undefined) return outcome?.asleep.includes(by) ? 'asleep' : 'nothing';
  return result.e ?? result.events ?? result.text ?? result.r ?? 'nothing';
}

const shown = (result: Result): string =>
  Object.entries(result)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ');

/** One line for what came of a step. */
export function line(outcome: Outcome | undefined): string {
  if (outcome === undefined) return '(not reached)';
  const done = Object.entries(outcome.done).map(([by, result]) => `${by}: ${shown(result)}`);
  const asleep = outcome.asleep.length === 0 ? [] : [`asleep: ${outcome.asleep.join(' ')}`];
  return [...done, ...asleep].join('; ') || '-';
}

/** Where the two differ first; undefined if they do not. */
export function difference(kernel: Transcript, model: Transcript): string | undefined {
  const length = Math.max(kernel.outcomes.length, model.outcomes.length);
  for (let i = 0; i < length; i++) {
    const [one, other] = [kernel.outcomes[i], model.outcomes[i]];
    if (isDeepStrictEqual(one, other)) continue;
    const step = one?.step ?? other?.step ?? '';
    return `step ${i + 1} ${step}\n  kernel  ${line(one)}\n  model   ${line(other)}`;
  }
  if (kernel.broken !== undefined || model.broken !== undefined) {
    return `kernel ${kernel.broken ?? 'at its end'}, model ${model.broken ?? 'at its end'}`;
  }
  return undefined;
}

/** What the last steps came to, if that is not what the probe says; undefined if it is. */
export function unexpected(probe: Probe, transcript: Transcript): string | undefined {
  const last = probe.steps.slice(probe.steps.length - probe.ends.length);
  const from = probe.steps.length - last.length;
  const came = last.map((step, i) => inShort(transcript.outcomes[from + i], step.by));
  if (isDeepStrictEqual(came, [...probe.ends])) return undefined;
  return `says ${probe.ends.join(', ')}; came to ${came.join(', ')}`;
}
