/**
 * Every single fault at every distinct point of a session: each moment (point, opcode, n-th) that came
 * without faults, with everything that could go wrong there.
 */
import type {
  ChangeFault,
  ChangeWord,
  ErrnoRow,
  Fault,
  QuotaFault,
  ResultFault,
} from '../fault.ts';
import { FAULTS } from '../list.ts';
import { parseRule } from '../parse.ts';
import { POINTS, type Point } from '../points.ts';
import { type Rule, ruleText } from '../rule.ts';
import { outcomeOf } from './coverage.ts';
import type { Seen, SeenMoment } from './seen.ts';

/** Errnos of a fault that are worth a run, at a moment or at all. */
export const errnosOf = (fault: ResultFault, synthetic: boolean, nonblock = true): ErrnoRow[] =>
  fault.errnos.filter((row) => {
    const possible = row.possible !== undefined && (nonblock || row.nonblock !== true);
    return possible || synthetic;
  });

/** The same of a change's words. */
export const wordsOf = ({ words = [] }: ChangeFault, synthetic: boolean): ChangeWord[] =>
  words.filter(({ possible }) => possible !== undefined || synthetic);

/** Whether a kernel could do it, in one way at least. */
export function isPossible(fault: Fault): boolean {
  if (fault.kind === 'result') return errnosOf(fault, false).length > 0;
  if (fault.kind !== 'change') return fault.possible !== undefined;
  return fault.numbers?.possible !== undefined || wordsOf(fault, false).length > 0;
}

/** Calls of one kind, for one request, that are worth a run each. */
const CALLS_MAX = 10;

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

type At = Pick<Rule, 'when'> & { messages?: readonly number[] };

/**
 * Each of the moments, by the opcode where it has one. Of the server's own calls there are many, most of
 * them alike: the first few of each request.
 */
function every(moments: readonly SeenMoment[], carries: boolean, few: boolean): At[] {
  return [...counted(moments, carries)].flatMap(([opcode, count]) =>
    Array.from({ length: few ? Math.min(count, CALLS_MAX) : count }, (_, i) => ({
      // Without a request behind it, a call is counted over all.
      ...(carries && opcode !== 0 ? { messages: [opcode] } : {}),
      when: nth(i + 1),
    })),
  );
}

function results(fault: ResultFault, seen: Seen, synthetic: boolean): Rule[] {
  const { moment, calls } = fault;
  const here = seen.moments.filter(
    ({ name, splice, nr }) =>
      name === moment &&
      (fault.splice === undefined || fault.splice === splice) &&
      (calls === undefined || calls.includes(nr)),
  );
  const nonblock = here.some((one) => one.nonblock);
  return errnosOf(fault, synthetic, nonblock).flatMap(({ errno }) =>
    every(here, fault.carries, moment === 'call').map((at) => ({ fault, errno, ...at })),
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

const atPoints = (seen: Seen): (At & { at: Point })[] =>
  POINTS.flatMap((at) =>
    every(momentsOf(at, seen), at.carries, false).map((when) => ({ at, ...when })),
  );

/** Nothing is left of it from there on, and it comes back after the next answer, or never. */
const quotas = (fault: QuotaFault, seen: Seen): Rule[] =>
  atPoints(seen).flatMap((at) =>
    [1, undefined].map((until) => ({ fault, amount: 0, until, ...at })),
  );

function changes(fault: ChangeFault, seen: Seen, synthetic: boolean): Rule[] {
  const { numbers, moment, opcodes } = fault;
  const drawn = numbers === undefined ? [] : [...new Set([numbers.least, numbers.most])];
  const there = numbers?.possible !== undefined || synthetic ? drawn : [];
  return [...there, ...wordsOf(fault, synthetic)].flatMap((one) => {
    const of = typeof one === 'object' ? (one.moment ?? moment) : moment;
    const here = seen.moments.filter(
      ({ name, opcode }) => name === of && (opcodes?.includes(opcode) ?? true),
    );
    const value = typeof one === 'object' ? one.word : one;
    return every(here, of !== 'offer', false).map((at) => ({ fault, value, ...at }));
  });
}

function rulesFor(fault: Fault, seen: Seen, synthetic: boolean): Rule[] {
  if (!synthetic && !isPossible(fault)) return [];
  if (fault.kind === 'result') return results(fault, seen, synthetic);
  if (fault.kind === 'teardown') return atPoints(seen).map((at) => ({ fault, times: 1, ...at }));
  return fault.kind === 'quota' ? quotas(fault, seen) : changes(fault, seen, synthetic);
}

/** The first of each list, then the second of each, and so on. */
function inTurns<T>(lists: readonly (readonly T[])[]): T[] {
  const most = Math.max(0, ...lists.map(({ length }) => length));
  return Array.from({ length: most }, (_, i) =>
    lists.flatMap((list) => list.slice(i, i + 1)),
  ).flat();
}

/** Of one fault with one errno or word: the first of each message before the second of any. */
function spread(rules: readonly Rule[]): Rule[][] {
  const alike = new Map<string, Rule[]>();
  for (const rule of rules) {
    const kind = outcomeOf(rule);
    alike.set(kind, [...(alike.get(kind) ?? []), rule]);
  }
  return [...alike.values()].map((list) => list.sort((a, b) => a.when.first - b.when.first));
}

/** The single faults, every fault in its turn: a short campaign has tried each at least somewhere. */
export function singles(seen: Seen, synthetic: boolean): Rule[] {
  const lists = FAULTS.flatMap((fault) => spread(rulesFor(fault, seen, synthetic)));
  // As somebody would write it: what is printed is what was run.
  const texts = new Set(inTurns(lists).map(ruleText));
  return [...texts].map(parseRule);
}
