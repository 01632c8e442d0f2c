/**
 * Every single fault at every distinct point of a session: each moment (point, opcode, n-th) that came
 * without faults, with everything that could go wrong there.
 */
import type {
  ChangeFault,
  ErrnoRow,
  Fault,
  QuotaFault,
  ResultFault,
  TeardownFault,
} from '../fault.ts';
import { FAULTS } from '../list.ts';
import { parseRule } from '../parse.ts';
import { POINTS, type Point } from '../points.ts';
import { isChange, isResult, type Rule, ruleText } from '../rule.ts';
import type { Seen, SeenMoment } from './seen.ts';

/** Calls of the server's own are many, and most alike: so many of each kind fail, the first. */
const CALLS = 20;
/** Nothing of it is left, for so many answers. */
const SHORTAGE = { amount: 0, until: 3 };
/** Where a shortage begins that is not to be seen elsewhere too. */
const SHORT_AT = ['before-init', 'asked'];
/** Values of a change that is a number, where it can be that. */
const NUMBERS = [0, 1, 2, 32];

/** Errnos of a fault that are worth a run, at a moment or at all. */
export const errnosOf = (fault: ResultFault, synthetic: boolean, nonblock = true): ErrnoRow[] =>
  fault.errnos.filter((row) => {
    const possible = row.possible !== undefined && (nonblock || row.nonblock !== true);
    return possible || synthetic;
  });

/** Words of a change that are worth a run. */
export const wordsOfChange = ({ words = [] }: ChangeFault, synthetic: boolean): string[] =>
  words.filter(({ possible }) => synthetic || possible !== undefined).map(({ word }) => word);

export function isPossible(fault: Fault): boolean {
  if (fault.kind === 'result') return errnosOf(fault, false).length > 0;
  if (fault.kind !== 'change') return fault.possible !== undefined;
  return fault.numbers?.possible !== undefined || wordsOfChange(fault, false).length > 0;
}

const nth = (n: number) => ({ first: n, last: n, step: 1 });

/** Moments that one rule counts together, by opcode where it can choose by that. */
function counted(moments: readonly SeenMoment[], carries: boolean): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { opcode, count } of moments) {
    const key = carries ? opcode : 0;
    counts.set(key, (counts.get(key) ?? 0) + count);
  }
  return counts;
}

function results(fault: ResultFault, seen: Seen, synthetic: boolean): Rule[] {
  const here = seen.moments.filter(
    ({ name, splice, nr }) =>
      name === fault.moment &&
      (fault.splice === undefined || fault.splice === splice) &&
      (fault.calls === undefined || fault.calls.includes(nr ?? -1)),
  );
  const carries = fault.carries && fault.calls === undefined;
  const most = fault.calls === undefined ? Number.POSITIVE_INFINITY : CALLS;
  const nonblock = here.some((moment) => moment.nonblock);
  return errnosOf(fault, synthetic, nonblock).flatMap(({ errno }) =>
    [...counted(here, carries)].flatMap(([opcode, count]) =>
      Array.from({ length: Math.min(count, most) }, (_, i) => {
        const messages = carries ? { messages: [opcode] } : {};
        return { fault, errno, ...messages, when: nth(i + 1) };
      }),
    ),
  );
}

const comesTo = (point: Point, { name, transport, opcode }: SeenMoment): boolean => {
  const { transports, moment, opcodes } = point;
  if (moment !== name || !(opcodes?.includes(opcode) ?? true)) return false;
  return transports.length > 1 || transports[0] === transport;
};

/** Of several names for a moment the narrowest: `delivered` of INIT is `before-init-reply`. */
const narrowness = ({ opcodes, transports }: Point): number =>
  (opcodes === undefined ? 0 : 2) + (transports.length === 1 ? 1 : 0);

/** The moments of a point that go by no narrower name. */
export function momentsOf(point: Point, seen: Seen): SeenMoment[] {
  return seen.moments.filter((moment) => {
    if (!comesTo(point, moment)) return false;
    const rank = narrowness(point);
    return !POINTS.some((other) => narrowness(other) > rank && comesTo(other, moment));
  });
}

function teardowns(fault: TeardownFault, seen: Seen): Rule[] {
  return POINTS.flatMap((at) =>
    [...counted(momentsOf(at, seen), at.carries)].flatMap(([opcode, count]) =>
      Array.from({ length: count }, (_, i) => {
        const messages = at.carries ? { messages: [opcode] } : {};
        return { fault, at, times: 1, ...messages, when: nth(i + 1) };
      }),
    ),
  );
}

function shortages(fault: QuotaFault, seen: Seen): Rule[] {
  const points = POINTS.filter(({ name }) => SHORT_AT.includes(name));
  return points.flatMap((at) =>
    [...counted(momentsOf(at, seen), at.carries)].flatMap(([opcode, count]) =>
      Array.from({ length: count }, (_, i) => {
        const messages = at.carries ? { messages: [opcode] } : {};
        return { fault, at, ...SHORTAGE, ...messages, when: nth(i + 1) };
      }),
    ),
  );
}

function changes(fault: ChangeFault, seen: Seen, synthetic: boolean): Rule[] {
  const { numbers, transports, opcodes } = fault;
  const values: (number | string)[] =
    numbers === undefined
      ? wordsOfChange(fault, synthetic)
      : [...new Set([numbers.least, ...NUMBERS])].filter(
          (n) => n >= numbers.least && n <= numbers.most,
        );
  return values.flatMap((value) => {
    const word = fault.words?.find((one) => one.word === value);
    const moment = word?.moment ?? fault.moment;
    const here = seen.moments.filter(
      ({ name, transport, opcode }) =>
        name === moment && transports.includes(transport) && (opcodes?.includes(opcode) ?? true),
    );
    const carries = moment !== 'offer';
    return [...counted(here, carries)].flatMap(([opcode, count]) =>
      Array.from({ length: count }, (_, i) => {
        const messages = carries ? { messages: [opcode] } : {};
        return { fault, value, ...messages, when: nth(i + 1) };
      }),
    );
  });
}

function rulesFor(fault: Fault, seen: Seen, synthetic: boolean): Rule[] {
  if (!synthetic && !isPossible(fault)) return [];
  if (fault.kind === 'result') return results(fault, seen, synthetic);
  if (fault.kind === 'change') return changes(fault, seen, synthetic);
  return fault.kind === 'teardown' ? teardowns(fault, seen) : shortages(fault, seen);
}

/** The first of each list, then the second of each, and so on. */
function inTurns<T>(lists: readonly (readonly T[])[]): T[] {
  const most = Math.max(0, ...lists.map(({ length }) => length));
  return Array.from({ length: most }, (_, i) =>
    lists.flatMap((list) => list.slice(i, i + 1)),
  ).flat();
}

/** Of one fault with one errno or value: the first of each message before the second of any. */
function spread(rules: readonly Rule[]): Rule[][] {
  const byValue = new Map<string, Rule[]>();
  for (const rule of rules) {
    const value = isResult(rule) ? rule.errno : isChange(rule) ? `${rule.value}` : '';
    byValue.set(value, [...(byValue.get(value) ?? []), rule]);
  }
  return [...byValue.values()].map((list) => list.sort((a, b) => a.when.first - b.when.first));
}

/** The single faults, every fault in its turn: a short campaign has tried each at least somewhere. */
export function singles(seen: Seen, synthetic: boolean): Rule[] {
  const lists = FAULTS.flatMap((fault) => spread(rulesFor(fault, seen, synthetic)));
  // As somebody would write it: what is printed is what was run.
  const texts = new Set(inTurns(lists).map(ruleText));
  return [...texts].map(parseRule);
}
