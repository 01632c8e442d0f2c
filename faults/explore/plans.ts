/**
 * The plans of a campaign, by number: nothing, every single fault, then two and three together for as
 * long as anybody likes. A plan is a function of seed and number, so that shards and a campaign that
 * goes on where it stopped run the same.
 */
import fc from 'fast-check';
import { rulesOf, type Words } from '../arbitraries.ts';
import { errnosOf } from '../choices.ts';
import { FAULTS } from '../list.ts';
import { POINTS } from '../points.ts';
import { isTeardown, pointIn, type Rule } from '../rule.ts';
import type { Seen } from './seen.ts';
import { isPossible, momentsOf, singles } from './singles.ts';

/** Three faults say more than four: what needs four is rare, and shrinking finds the fewest. */
const RULES_MAX = 3;

/** Apart enough for two seeds that are neighbours. */
const mixed = (seed: number, index: number): number =>
  (Math.imul(seed | 0, 0x9e3779b1) ^ Math.imul(index, 0x85ebca6b)) | 0;

/** Quotas of more are met late or never, and holding back more needs more that is under way together. */
const AMOUNT_MAX = 64;

/** Rules made of what this session has shown. */
function wordsOf(seen: Seen, synthetic: boolean, known: readonly Rule[]): Words {
  const used = new Set(known.map(({ fault }) => fault));
  return {
    faults: FAULTS.filter((fault) => used.has(fault) && (synthetic || isPossible(fault))),
    points: POINTS.filter((point) => momentsOf(point, seen).length > 0),
    opcodes: [...new Set(seen.moments.map(({ opcode }) => opcode))].filter((op) => op !== 0),
    most: (matcher) => seen.most[matcher] ?? (matcher === 'amount' ? AMOUNT_MAX : 1),
    errnos: (fault) => errnosOf(fault, synthetic),
  };
}

/** Where and when a rule comes true: two rules of one place come true at once. */
const placeOf = (rule: Rule): string =>
  [pointIn(rule)?.name ?? rule.fault.name, rule.messages, rule.when.first].join(' ');

function byPlace(rules: readonly Rule[]): Rule[][] {
  const places = new Map<string, Rule[]>();
  for (const rule of rules) {
    const place = placeOf(rule);
    places.set(place, [...(places.get(place) ?? []), rule]);
  }
  return [...places.values()];
}

type Drawn = fc.Arbitrary<readonly Rule[]>;

/** Two and three together: anywhere, at once, and one teardown twice. */
function together(known: readonly Rule[], words: Words): Drawn {
  const one = fc.constantFrom(...known);
  const loose = rulesOf(words);
  const several = (rule: fc.Arbitrary<Rule>): Drawn =>
    fc.array(rule, { minLength: 2, maxLength: RULES_MAX });
  const choices = [
    { weight: 4, arbitrary: several(one) },
    { weight: 2, arbitrary: several(loose) },
    { weight: 2, arbitrary: several(fc.oneof(one, loose)) },
  ];
  const ends = known.filter(isTeardown);
  if (ends.length > 0) {
    const twice = fc.constantFrom(...ends).map((rule) => ({ ...rule, times: 2 }));
    choices.push({ weight: 1, arbitrary: twice.map((rule) => [rule]) });
    choices.push({ weight: 1, arbitrary: fc.tuple(one, twice) });
  }
  const shared = byPlace(ends).filter((rules) => rules.length > 1);
  if (shared.length > 0) {
    const two = { minLength: 2, maxLength: 2 };
    const atOnce: Drawn = fc
      .constantFrom(...shared)
      .chain((rules) => fc.shuffledSubarray(rules, two));
    choices.push({ weight: 2, arbitrary: atOnce });
  }
  return fc.oneof(...choices);
}

export class Plans {
  /** Every single fault, in the order of their runs. */
  readonly singles: readonly Rule[];
  readonly #seed: number;
  readonly #together: fc.Arbitrary<readonly Rule[]> | undefined;

  constructor(seen: Seen, seed: number, synthetic: boolean) {
    this.singles = singles(seen, synthetic);
    this.#seed = seed;
    if (this.singles.length === 0) return;
    this.#together = together(this.singles, wordsOf(seen, synthetic, this.singles));
  }

  /** The rules of run `index`, from 0: that one is without faults. */
  at(index: number): readonly Rule[] {
    if (index === 0) return [];
    const single = this.singles[index - 1];
    if (single !== undefined) return [single];
    if (this.#together === undefined) return [];
    const seed = mixed(this.#seed, index);
    return fc.sample(this.#together, { numRuns: 1, seed })[0] ?? [];
  }
}
