/** Rules as fast-check makes them: every rule that the grammar can say, and no other. */
import fc from 'fast-check';
import { OPCODES } from '../rig/protocol/opcodes.ts';
import type { ChangeFault, Fault, QuotaFault, ResultFault, TeardownFault } from './fault.ts';
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
  type When,
} from './rule.ts';

const MAX = 1 << 20;
const FOR_EVER = Number.POSITIVE_INFINITY;

const range = (least: number): fc.Arbitrary<Range> =>
  fc
    .tuple(fc.integer({ min: least, max: MAX }), fc.option(fc.nat(MAX), { nil: FOR_EVER }))
    .map(([first, more]) => ({ first, last: first + more }));

const when: fc.Arbitrary<When> = fc
  .tuple(range(1), fc.integer({ min: 1, max: 50 }))
  .map(([one, step]) => ({ ...one, step: one.first === one.last ? 1 : step }));

const messages = fc.oneof(
  fc.constant('*' as const),
  fc.uniqueArray(fc.constantFrom(...OPCODES.map(({ opcode }) => opcode)), {
    minLength: 1,
    maxLength: 4,
  }),
);

const VALUES = {
  when,
  transport: fc.constantFrom(...TRANSPORTS),
  queue: range(0),
  entry: range(0),
  nodeid: range(0),
  size: range(0),
  inflight: range(0),
  phase: fc.constantFrom(...PHASES),
};

/** Matchers that mean something with the fault at the point, each there or not. */
function matchers(fault: Fault, point: Point | undefined): fc.Arbitrary<Matchers> {
  const model: Record<string, fc.Arbitrary<unknown>> = {};
  for (const { name } of MATCHERS) {
    if (!meansHere(name, fault, point)) continue;
    const { transports } = point ?? fault;
    model[name] = name === 'transport' ? fc.constantFrom(...transports) : VALUES[name];
  }
  if (meansHere('messages', fault, point)) model.messages = messages;
  return fc
    .record(model, { requiredKeys: [] })
    .map((given) => ({ when: defaultWhen(fault), ...given }) as Matchers);
}

const resultRule = (fault: ResultFault): fc.Arbitrary<Rule> =>
  fc
    .tuple(fc.constantFrom(...fault.errnos), matchers(fault, undefined))
    .map(([{ errno }, given]) => ({ fault, errno, ...given }));

const teardownRule = (fault: TeardownFault): fc.Arbitrary<Rule> =>
  fc
    .constantFrom(...POINTS)
    .chain((at) =>
      fc
        .tuple(fc.constantFrom(1, 2), matchers(fault, at))
        .map(([times, given]) => ({ fault, at, times, ...given })),
    );

const quotaRule = (fault: QuotaFault): fc.Arbitrary<Rule> =>
  fc.constantFrom(...POINTS).chain((at) => {
    const until = fc.option(fc.integer({ min: 1, max: 50 }), { nil: undefined });
    return fc
      .tuple(fc.nat(MAX), until, matchers(fault, at))
      .map(([amount, answers, given]) => ({ fault, at, amount, until: answers, ...given }));
  });

function changeRule(fault: ChangeFault): fc.Arbitrary<Rule> {
  const { numbers, words = [] } = fault;
  const value: fc.Arbitrary<number | string> =
    numbers === undefined
      ? fc.constantFrom(...words.map(({ word }) => word))
      : fc.integer({ min: numbers.least, max: numbers.most });
  return fc
    .tuple(value, matchers(fault, undefined))
    .map(([chosen, given]) => ({ fault, value: chosen, ...given }));
}

export function ruleWith(fault: Fault): fc.Arbitrary<Rule> {
  if (fault.kind === 'result') return resultRule(fault);
  if (fault.kind === 'teardown') return teardownRule(fault);
  return fault.kind === 'quota' ? quotaRule(fault) : changeRule(fault);
}

export const anyRule: fc.Arbitrary<Rule> = fc.constantFrom(...FAULTS).chain(ruleWith);
