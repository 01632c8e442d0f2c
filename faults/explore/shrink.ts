/**
 * Makes a failing run small: the fewest rules, then the fewest requests of the capture, that still fail
 * in the same way. It is told whether something fails so; what a capture is it does not know.
 */
import { isTeardown, pointIn, type Rule } from '../rule.ts';

/** One request of the capture, as much as matters here. */
export interface Piece {
  readonly index: number;
  readonly opcode: number;
  /** Requests, by their index, without whose answers this one says nothing. */
  readonly needs: readonly number[];
  /** Without it there is no session: INIT. */
  readonly kept: boolean;
}

export interface Small {
  readonly rules: readonly Rule[];
  /** Indices of the requests that are left. */
  readonly requests: readonly number[];
  /** Runs it took. */
  readonly tries: number;
}

export type Fails = (rules: readonly Rule[], requests: ReadonlySet<number>) => Promise<boolean>;

/** The same rule, its count as it is with fewer requests; undefined where what it meant has gone. */
export function moved(
  rule: Rule,
  pieces: readonly Piece[],
  left: ReadonlySet<number>,
): Rule | undefined {
  const { messages, when } = rule;
  const opcodes = pointIn(rule)?.opcodes ?? messages;
  // Open ranges and moments without a message count what they did.
  if (opcodes === undefined || opcodes === '*' || when.first !== when.last) return rule;
  const counted = pieces.filter(({ opcode }) => opcodes.includes(opcode)).slice(0, when.first);
  const meant = counted.at(-1);
  if (counted.length < when.first || meant === undefined) return rule;
  if (!left.has(meant.index)) return undefined;
  const n = counted.filter(({ index }) => left.has(index)).length;
  return { ...rule, when: { first: n, last: n, step: 1 } };
}

/** Simpler forms of a rule. */
function simpler(rule: Rule): Rule[] {
  const forms: Rule[] = [];
  if (isTeardown(rule) && rule.times > 1) forms.push({ ...rule, times: 1 });
  for (const matcher of ['transport', 'queue', 'entry', 'nodeid', 'size', 'inflight', 'phase']) {
    if (!(matcher in rule)) continue;
    const { [matcher as 'phase']: _, ...rest } = rule;
    forms.push(rest as Rule);
  }
  const { first, last } = rule.when;
  if (first !== last) forms.push({ ...rule, when: { first, last: first, step: 1 } });
  return forms;
}

class Shrinker {
  tries = 0;
  rules: readonly Rule[];
  left: ReadonlySet<number>;
  readonly #pieces: readonly Piece[];
  readonly #fails: Fails;
  readonly #most: number;

  constructor(rules: readonly Rule[], pieces: readonly Piece[], fails: Fails, most: number) {
    this.rules = rules;
    this.left = new Set(pieces.map(({ index }) => index));
    this.#pieces = pieces;
    this.#fails = fails;
    this.#most = most;
  }

  /** Takes it if it fails in the same way. */
  async #try(rules: readonly Rule[], left: ReadonlySet<number> = this.left): Promise<boolean> {
    if (this.tries >= this.#most) return false;
    this.tries++;
    if (!(await this.#fails(rules, left))) return false;
    this.rules = rules;
    this.left = left;
    return true;
  }

  async fewerRules(): Promise<void> {
    if (this.rules.length > 0 && (await this.#try([]))) return;
    for (let at = this.rules.length - 1; at >= 0 && this.rules.length > 1; at--) {
      await this.#try(this.rules.filter((_, i) => i !== at));
    }
    for (let at = 0; at < this.rules.length; at++) await this.#simplify(at);
  }

  async #simplify(at: number): Promise<void> {
    const before = this.rules[at];
    if (before === undefined) return;
    for (const form of simpler(before)) {
      if (await this.#try(this.rules.map((rule, i) => (i === at ? form : rule)))) {
        await this.#simplify(at);
        return;
      }
    }
  }

  /** Without these requests, and all that need them. */
  async #without(gone: ReadonlySet<number>): Promise<boolean> {
    const left = new Set<number>();
    for (const { index, needs, kept } of this.#pieces) {
      const lives = this.left.has(index) && !gone.has(index);
      if (kept || (lives && needs.every((need) => left.has(need)))) left.add(index);
    }
    if (left.size === this.left.size) return false;
    const rules = this.rules.map((rule) => moved(rule, this.#now(), left));
    if (rules.some((rule) => rule === undefined)) return false;
    return this.#try(rules as Rule[], left);
  }

  #now(): Piece[] {
    return this.#pieces.filter(({ index }) => this.left.has(index));
  }

  /** As much from the end as goes, in ever smaller steps. */
  async shorter(): Promise<void> {
    for (let size = this.left.size >> 1; size >= 1; ) {
      const end = [...this.left].slice(-size);
      if (await this.#without(new Set(end))) size = Math.min(size, this.left.size >> 1);
      else size >>= 1;
    }
  }

  /** Chunks from the middle, the last ones first, in ever smaller sizes. */
  async thinner(): Promise<void> {
    for (let size = this.left.size >> 1; size >= 1; size >>= 1) {
      for (let end = this.left.size; end > 0; end -= size) {
        const all = [...this.left];
        const chunk = all.slice(Math.max(0, Math.min(end, all.length) - size), end);
        if (chunk.length > 0) await this.#without(new Set(chunk));
      }
    }
  }
}

/**
 * `fails` says whether such rules, with only those requests, fail in the same way as before; it is asked
 * `most` times at most.
 */
export async function shrink(
  rules: readonly Rule[],
  pieces: readonly Piece[],
  fails: Fails,
  most: number,
): Promise<Small> {
  const shrinker = new Shrinker(rules, pieces, fails, most);
  await shrinker.fewerRules();
  await shrinker.shorter();
  await shrinker.thinner();
  return { rules: shrinker.rules, requests: [...shrinker.left], tries: shrinker.tries };
}
