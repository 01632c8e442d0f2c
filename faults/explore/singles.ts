/**
 * Every single fault at every distinct point of a session: each moment (point, opcode, n-th) that came
 * without faults, with everything that could go wrong there; and what is about no message at all its moments at once.
 */
import { errnosOf, wordsOf } from '../choices.ts';
import type { ChangeFault, Fault, QuotaFault, ResultFault, TeardownFault } from '../fault.ts';
import { FAULTS } from '../list.ts';
import { parseRule } from '../parse.ts';
import { POINTS, type Point } from '../points.ts';
import { isChange, isResult, type Matchers, type Rule, ruleText } from '../rule.ts';
import type { Seen, SeenMoment } from './seen.ts';

/** A teardown, or whatever else is possible or not as a whole. */
export const isPossible = (fault: Fault): boolean =>
  fault.kind === 'result'
    ? fault.errnos.some(({ possible }) => possible !== undefined)
    : fault.kind === 'change'
      ? valuesOf(fault, false).length > 0
      : fault.possible !== undefined;

/** Each of the moments by itself; `carries`: a rule can choose by opcode, and counts those of one. */
function eachOf(moments: readonly SeenMoment[], carries: boolean): Matchers[] {
  const counts = new Map<number, number>();
  for (const { opcode, count } of moments) {
    const key = carries ? opcode : 0;
    counts.set(key, (counts.get(key) ?? 0) + count);
  }
  return [...counts].flatMap(([opcode, count]) =>
    Array.from({ length: count }, (_, i) => {
      const when = { first: i + 1, last: i + 1, step: 1 };
      return carries ? { messages: [opcode], when } : { when };
    }),
  );
}

/** All of them, where there are several: what fails once may fail for as long as the server tries at all. */
function allOf(moments: readonly SeenMoment[]): Matchers[] {
  const last = moments.reduce((sum, { count }) => sum + count, 0);
  return last > 1 ? [{ when: { first: 1, last, step: 1 } }] : [];
}

/** Values of a change that are worth a run: of numbers the least, and one more where that says more. */
function valuesOf(fault: ChangeFault, synthetic: boolean): (number | string)[] {
  const { numbers } = fault;
  if (numbers !== undefined) {
    const { least, most, possible } = numbers;
    return synthetic || possible !== undefined ? [least, Math.min(most, least + 1)] : [];
  }
  return wordsOf(fault, synthetic);
}

function changes(fault: ChangeFault, seen: Seen, synthetic: boolean): Rule[] {
  return valuesOf(fault, synthetic).flatMap((value) => {
    const moment = fault.words?.find(({ word }) => word === value)?.moment ?? fault.moment;
    const here = seen.moments.filter(
      ({ name, transport, opcode }) =>
        name === moment &&
        (fault.transports.length > 1 || fault.transports[0] === transport) &&
        (fault.opcodes?.includes(opcode) ?? true),
    );
    return eachOf(here, moment !== 'offer').map((one) => ({ fault, value, ...one }));
  });
}

/** Nothing is left for so many answers, from where the server cannot be faster. */
const LASTS = 3;

function quotas(fault: QuotaFault, seen: Seen): Rule[] {
  const at = POINTS.find(({ name }) => name === 'asked') as Point;
  const shortage = { fault, at, amount: 0, until: LASTS };
  return eachOf(momentsOf(at, seen), true).map((one) => ({ ...shortage, ...one }));
}

function results(fault: ResultFault, seen: Seen, synthetic: boolean): Rule[] {
  const here = seen.moments.filter(
    ({ name, splice, nr }) =>
      name === fault.moment &&
      (fault.splice === undefined || fault.splice === splice) &&
      (fault.calls === undefined || fault.calls.includes(nr)),
  );
  // A call may be made for no request at all.
  const carries = fault.carries && fault.calls === undefined;
  const nonblock = here.some((moment) => moment.nonblock);
  // Requests of all kinds that fail are no new thing after one that did; a ring without an entry is.
  const choices = [...eachOf(here, carries), ...(fault.carries ? [] : allOf(here))];
  return errnosOf(fault, synthetic, nonblock).flatMap(({ errno }) =>
    choices.map((one) => ({ fault, errno, ...one })),
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
    eachOf(momentsOf(at, seen), at.carries).map((one) => ({ fault, at, times: 1, ...one })),
  );
}

function rulesFor(fault: Fault, seen: Seen, synthetic: boolean): Rule[] {
  if (!synthetic && !isPossible(fault)) return [];
  if (fault.kind === 'result') return results(fault, seen, synthetic);
  if (fault.kind === 'teardown') return teardowns(fault, seen);
  return fault.kind === 'quota' ? quotas(fault, seen) : changes(fault, seen, synthetic);
}

/** The first of each list, then the second of each, and so on. */
function inTurns<T>(lists: readonly (readonly T[])[]): T[] {
  const most = Math.max(0, ...lists.map(({ length }) => length));
  return Array.from({ length: most }, (_, i) =>
    lists.flatMap((list) => list.slice(i, i + 1)),
  ).flat();
}

/** Of one fault with one errno: the first of each message before the second of any. */
function spread(rules: readonly Rule[]): Rule[][] {
  const byErrno = new Map<string, Rule[]>();
  for (const rule of rules) {
    const errno = isResult(rule) ? rule.errno : isChange(rule) ? String(rule.value) : '';
    byErrno.set(errno, [...(byErrno.get(errno) ?? []), rule]);
  }
  return [...byErrno.values()].map((list) => list.sort((a, b) => a.when.first - b.when.first));
}

/** The single faults, every fault in its turn: a short campaign has tried each at least somewhere. */
export function singles(seen: Seen, synthetic: boolean): Rule[] {
  const lists = FAULTS.flatMap((fault) => spread(rulesFor(fault, seen, synthetic)));
  // As somebody would write it: what is printed is what was run.
  const texts = new Set(inTurns(lists).map(ruleText));
  return [...texts].map(parseRule);
}
