/** The matchers of a rule: how each is written, and where it means something. */
import type { Fault } from './fault.ts';
import type { Point } from './points.ts';
import {
  type Matchers,
  PHASES,
  type Phase,
  type Range,
  TRANSPORTS,
  transportsOf,
  type When,
} from './rule.ts';
import { didYouMean, quoted, RuleError } from './rule_error.ts';

/** What was written behind `name=`, where it stands, and where its name does. */
export interface Value {
  readonly text: string;
  readonly offset: number;
  readonly part: number;
}

export interface Given {
  readonly messages: readonly number[] | '*' | undefined;
  readonly messagesOffset: number;
  readonly matchers: Map<string, Value>;
}

export interface MatcherSpec {
  readonly name:
    | 'when'
    | 'transport'
    | 'queue'
    | 'entry'
    | 'nodeid'
    | 'size'
    | 'inflight'
    | 'phase';
  readonly example: string;
  /** One line: what it chooses by. */
  readonly chooses: string;
}

export const MATCHERS: readonly MatcherSpec[] = [
  {
    name: 'when',
    example: 'when=3..9+2',
    chooses: 'which of the moments that fit: first[..last][+step]; 3.. is from the third on',
  },
  { name: 'transport', example: 'transport=ring', chooses: 'device or ring' },
  { name: 'queue', example: 'queue=0', chooses: 'queue of a ring' },
  { name: 'entry', example: 'entry=0..3', chooses: 'entry of the queue' },
  {
    name: 'nodeid',
    example: 'nodeid=1',
    chooses: "node of the request, as this run's server has it",
  },
  { name: 'size', example: 'size=4096..', chooses: 'bytes of the request, header included' },
  {
    name: 'inflight',
    example: 'inflight=3..',
    chooses: 'requests the server has and has not answered, this one included',
  },
  { name: 'phase', example: 'phase=run', chooses: `${PHASES.join(', ')}: see docs/faults.md` },
];

export const matcherOf = (name: string): MatcherSpec | undefined =>
  MATCHERS.find((one) => one.name === name);

const MANY = Number.POSITIVE_INFINITY;

/** What makes no sense where it stands. */
type Misplaced = (fault: Fault, point: Point | undefined) => string | undefined;

const what = (fault: Fault, point: Point | undefined): string =>
  point === undefined ? fault.name : `at=${point.name}`;

const carriesMessage = (fault: Fault): boolean =>
  fault.kind === 'result' ? fault.carries : fault.kind === 'change' && fault.moment !== 'offer';

const needsMessage: Misplaced = (fault, point) => {
  const carries = point === undefined ? carriesMessage(fault) : point.carries;
  return carries ? undefined : `${what(fault, point)} is about no message to choose by`;
};

const needsRing: Misplaced = (fault, point) =>
  transportsOf(fault, point).includes('ring') && moments(fault, point).some(OF_QUEUES)
    ? undefined
    : `${what(fault, point)} has no queue`;

const moments = (fault: Fault, point: Point | undefined): string[] =>
  point !== undefined ? [point.moment] : 'moment' in fault ? [fault.moment] : [];
const OF_QUEUES = (moment: string): boolean =>
  ['ask', 'delivered', 'cqe', 'commit', 'register', 'registered'].includes(moment);
const OF_ENTRIES = (moment: string): boolean => ['delivered', 'cqe', 'registered'].includes(moment);

const MISPLACED: Partial<Record<string, Misplaced>> = {
  messages: needsMessage,
  nodeid: needsMessage,
  size: needsMessage,
  inflight: needsMessage,
  queue: needsRing,
  entry: (fault, point) =>
    needsRing(fault, point) ??
    (moments(fault, point).some(OF_ENTRIES)
      ? undefined
      : `${what(fault, point)} knows no entry yet`),
};

/** Whether a matcher, or `messages`, means something with the fault at the point. */
export const meansHere = (name: string, fault: Fault, point: Point | undefined): boolean =>
  MISPLACED[name]?.(fault, point) === undefined;

/** Reads and checks every matcher of a rule. `when` is left out where it is not given. */
export function checkMatchers(fault: Fault, point: Point | undefined, given: Given): Matchers {
  const found: Record<string, unknown> = {};
  if (given.messages !== undefined) {
    const misplaced = needsMessage(fault, point);
    if (misplaced !== undefined) {
      throw new RuleError(given.messagesOffset, misplaced, 'leave the opcodes out');
    }
    found.messages = given.messages;
  }
  for (const [name, value] of given.matchers) {
    if (name === 'at' || name === 'until') continue;
    const misplaced = MISPLACED[name]?.(fault, point);
    if (misplaced !== undefined) throw new RuleError(value.part, misplaced, `leave ${name}= out`);
    found[name] = read(name, value);
  }
  const { transport } = found;
  const means = transportsOf(fault, point);
  if (transport !== undefined && !means.some((one) => one === transport)) {
    const { part } = given.matchers.get('transport') as Value;
    const which = fault.transports.some((one) => one === transport)
      ? what(fault, point)
      : fault.name;
    const hint = `it belongs to the ${means.join(' and the ')}`;
    throw new RuleError(part, `${which} means nothing on the ${transport}`, hint);
  }
  const ofRing = given.matchers.get('queue') ?? given.matchers.get('entry');
  if (transport === 'device' && ofRing !== undefined) {
    const name = given.matchers.has('queue') ? 'queue' : 'entry';
    throw new RuleError(ofRing.part, `the device has no ${name}`, `leave ${name}= out`);
  }
  return found as unknown as Matchers;
}

function read(name: string, value: Value): unknown {
  if (name === 'when') return whenOf(value);
  if (name === 'transport') return oneOf(value, TRANSPORTS, 'transports are');
  if (name === 'phase') return oneOf(value, PHASES, 'phases are') satisfies Phase;
  return rangeOf(value, name);
}

function oneOf<T extends string>({ text, offset }: Value, words: readonly T[], wanted: string): T {
  const found = words.find((word) => word === text);
  if (found !== undefined) return found;
  throw new RuleError(offset, `no such word, ${quoted(text)}`, didYouMean(text, words, wanted));
}

/** A whole number in digits, without sign. */
export function numberOf(text: string, offset: number, hint: string): number {
  if (!/^\d+$/.test(text)) throw new RuleError(offset, `${quoted(text)} is no number`, hint);
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  throw new RuleError(offset, `${quoted(text)} is too large`, 'stay below 2^53');
}

function rangeOf({ text, offset }: { text: string; offset: number }, name: string): Range {
  const hint = `write ${name}=3, ${name}=3..9 or ${name}=3..`;
  const dots = text.indexOf('..');
  if (dots < 0) {
    const first = numberOf(text, offset, hint);
    return { first, last: first };
  }
  const first = numberOf(text.slice(0, dots), offset, hint);
  const behind = text.slice(dots + 2);
  const last = behind === '' ? MANY : numberOf(behind, offset + dots + 2, hint);
  if (last < first) {
    throw new RuleError(
      offset + dots + 2,
      `${last} comes before ${first}`,
      'write the smaller first',
    );
  }
  return { first, last };
}

/** `3`, `3..9`, `3..`, `3+2` (every second from the third on), `3..9+2`. */
function whenOf({ text, offset }: Value): When {
  const plus = text.indexOf('+');
  const head = plus < 0 ? text : text.slice(0, plus);
  const range = rangeOf({ text: head, offset }, 'when');
  if (range.first === 0) throw new RuleError(offset, 'when=0', 'count from 1');
  if (plus < 0) return { ...range, step: 1 };
  const step = numberOf(text.slice(plus + 1), offset + plus + 1, 'write a step such as when=3+2');
  if (step === 0) throw new RuleError(offset + plus + 1, 'a step of 0', 'use +1 or more');
  const open = head.includes('..') ? range.last : MANY;
  return { first: range.first, last: open, step: open === range.first ? 1 : step };
}
