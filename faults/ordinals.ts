/**
 * Which of the requests that fit a rule a message is. Counted is as they are asked, in the capture's order:
 * of requests that are under way together, which is answered first is the choice of the server's threads.
 */
import type { Moment } from '../rig/decider.ts';
import { pointIn, type Rule } from './rule.ts';

/** Matchers that are known only when the moment comes. */
const LATER = ['transport', 'phase', 'queue', 'entry', 'inflight'] as const;
/** Moments that a captured request may come to after it was asked. */
const AFTER: ReadonlySet<string> = new Set(['deliver', 'delivered', 'reply', 'cqe', 'commit']);

/** Whether a rule chooses by nothing but what a captured request is. */
export function isOrdered(rule: Rule): boolean {
  const point = pointIn(rule);
  const moment = point?.moment ?? ('moment' in rule.fault ? rule.fault.moment : '');
  if (!AFTER.has(moment) || point?.opcodes !== undefined || rule.messages === '*') return false;
  return LATER.every((name) => rule[name] === undefined);
}

export class Ordinals {
  #asked = 0;
  /** By place in the capture: a WRITE may be asked in several pieces. */
  readonly #waiting = new Map<number, number[]>();
  readonly #known = new Map<string, number>();

  /** A request that fits is asked. */
  ask(index: number): void {
    const ordinals = this.#waiting.get(index) ?? [];
    ordinals.push(++this.#asked);
    this.#waiting.set(index, ordinals);
  }

  /** The number of a message among those that fit; one that nobody asked is counted now. */
  of({ index = 0, conn, unique }: Moment): number {
    const message = `${conn}/${unique}`;
    const known = this.#known.get(message);
    if (known !== undefined) return known;
    const ordinals = this.#waiting.get(index);
    const ordinal = ordinals?.shift() ?? ++this.#asked;
    if (ordinals?.length === 0) this.#waiting.delete(index);
    this.#known.set(message, ordinal);
    return ordinal;
  }

  /** Messages have their numbers anew. */
  restarted(): void {
    this.#known.clear();
  }
}
