/**
 * Rules as fast-check makes them: every rule that the grammar can say and no other, or only such as mean
 * something in one session (faults/explore).
 */
import fc from 'fast-check';
import { OPCODES } from '../rig/protocol/opcodes.ts';
import type {
  ChangeFault,
  ErrnoRow,
  Fault,
  QuotaFault,
  ResultFault,
  TeardownFault,
} from './fault.ts';
import { FAULTS } from './list.ts';
import { MATCHERS, meansHere } from './matchers.ts';
import { POINTS, type Point } from './points.ts';
import {
  defaultWhen,
  type Matchers,
  PHASES,
  type Range,
  type Rule,
  TRANSPORTS,
  transportsOf,
  type When,
} from './rule.ts';

const FOR_EVER = Number.POSITIVE_INFINITY;

/** What rules are made of. */
export interface Words {
  readonly faults: readonly Fault[];
  readonly points: readonly Point[];
  readonly opcodes: readonly number[];
  /** Highest number that is drawn for a matcher. */
  most(matcher: string): number;
  /** Errnos with which a fault is drawn; all of its own if absent. */
  errnos?(fault: ResultFault): readonly ErrnoRow[];
}

const EVERYTHING: Words = {
  faults: FAULTS,
  points: POINTS,
  opcodes: OPCODES.map(({ opcode }) => opcode),
  most: () => 1 << 20,
};

const range = (least: number, most: number): fc.Arbitrary<Range> =>
  fc
    .tuple(fc.integer({ min: least, max: most }), fc.option(fc.nat(most), { nil: FOR_EVER }))
    .map(([first, more]) => ({ first, last: first + more }));

const when = (most: number): fc.Arbitrary<When> =>
  fc
    .tuple(range(1, most), fc.integer({ min: 1, max: 50 }))
    .map(([one, step]) => ({ ...one, step: one.first === one.last ? 1 : step }));

const messages = (words: Words) =>
  fc.oneof(
    fc.constant('*' as const),
    fc.uniqueArray(fc.constantFrom(...words.opcodes), {
      minLength: 1,
      maxLength: Math.min(4, words.opcodes.length),
    }),
  );

function values(name: string, words: Words): fc.Arbitrary<unknown> {
  if (name === 'when') return when(words.most(name));
  if (name === 'transport') return fc.constantFrom(...TRANSPORTS);
  if (name === 'phase') return fc.constantFrom(...PHASES);
  return range(0, words.most(name));
}

/** The device has no queues and entries. */
function ofOneTransport(given: Record<string, unknown>): Record<string, unknown> {
  const { queue, entry, ...rest } = given;
  return given.transport === 'device' ? rest : given;
}

/** Points at which the fault means something. */
const pointsFor = (fault: Fault, { points }: Words): readonly Point[] =>
  points.filter((point) => transportsOf(fault, point).length > 0);

/** Matchers that mean something with the fault at the point, each there or not. */
function matchers(fault: Fault, point: Point | undefined, words: Words): fc.Arbitrary<Matchers> {
  const model: Record<string, fc.Arbitrary<unknown>> = {};
  for (const { name } of MATCHERS) {
    if (!meansHere(name, fault, point)) continue;
    const transports = transportsOf(fault, point);
    model[name] = name === 'transport' ? fc.constantFrom(...transports) : values(name, words);
  }
  if (meansHere('messages', fault, point)) model.messages = messages(words);
  return fc
    .record(model, { requiredKeys: [] })
    .map((given) => ({ when: defaultWhen(fault), ...ofOneTransport(given) }) as Matchers);
}

const resultRule = (fault: ResultFault, words: Words): fc.Arbitrary<Rule> =>
  fc
    .tuple(
      fc.constantFrom(...(words.errnos?.(fault) ?? fault.errnos)),
      matchers(fault, undefined, words),
    )
    .map(([{ errno }, given]) => ({ fault, errno, ...given }));

const teardownRule = (fault: TeardownFault, words: Words): fc.Arbitrary<Rule> =>
  fc
    .constantFrom(...pointsFor(fault, words))
    .chain((at) =>
      fc
        .tuple(fc.constantFrom(1, 2), matchers(fault, at, words))
        .map(([times, given]) => ({ fault, at, times, ...given })),
    );

const quotaRule = (fault: QuotaFault, words: Words): fc.Arbitrary<Rule> =>
  fc.constantFrom(...words.points).chain((at) => {
    const until = fc.option(fc.integer({ min: 1, max: 50 }), { nil: undefined });
    return fc
      .tuple(fc.nat(words.most('amount')), until, matchers(fault, at, words))
      .map(([amount, answers, given]) => ({ fault, at, amount, until: answers, ...given }));
  });

/** Values of a change. */
function changes(fault: ChangeFault, words: Words): fc.Arbitrary<number | string> {
  const { numbers, words: known = [] } = fault;
  if (numbers === undefined) return fc.constantFrom(...known.map(({ word }) => word));
  const { least, most } = numbers;
  return fc.integer({ min: least, max: Math.max(least, Math.min(most, words.most('amount'))) });
}

const changeRule = (fault: ChangeFault, words: Words): fc.Arbitrary<Rule> =>
  fc
    .tuple(changes(fault, words), matchers(fault, undefined, words))
    .map(([value, given]) => ({ fault, value, ...given }));

/** Rules of one fault. */
export function ruleOf(fault: Fault, words: Words = EVERYTHING): fc.Arbitrary<Rule> {
  if (fault.kind === 'result') return resultRule(fault, words);
  if (fault.kind === 'teardown') return teardownRule(fault, words);
  return fault.kind === 'quota' ? quotaRule(fault, words) : changeRule(fault, words);
}

/** Rules made of these words. */
export const rulesOf = (words: Words): fc.Arbitrary<Rule> =>
  fc.constantFrom(...words.faults).chain((fault) => ruleOf(fault, words));

export const anyRule: fc.Arbitrary<Rule> = rulesOf(EVERYTHING);
