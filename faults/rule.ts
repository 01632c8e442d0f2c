/**
 * A rule: which messages, what goes wrong, when. As text, after strace:
 *
 *     [messages:]fault[=value][:matcher=value]...
 *
 *     READ,WRITE:cqe=ENOTCONN:when=3..9+2      abort:at=cqe-before-commit:when=2
 *
 * `messages` are opcodes, or * for all. Without them a rule means every request that a client waits
 * for: not INIT, FORGET, BATCH_FORGET, INTERRUPT and NOTIFY_REPLY, which come when named.
 *
 * Counting scope of `when`: the moments of the whole session that fit all else in the rule, from 1, in
 * the order they come, over all connections, handles, queues and threads. A message that a rule was
 * true for does not come into its count again when it is delivered anew. Without `when` an error comes
 * every time, a change too; a teardown and a quota the first time.
 */
import type { ErrnoName } from '../rig/protocol/errno.ts';
import { opName } from '../rig/protocol/opcodes.ts';
import type {
  ChangeFault,
  Fault,
  QuotaFault,
  ResultFault,
  TeardownFault,
  Transport,
} from './fault.ts';
import type { Point } from './points.ts';

/** Both ends included; `last` may be Infinity. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

export interface When extends Range {
  readonly step: number;
}

/** `init`: INIT is not answered. `setup`: until the first request after it. `run`: then. */
export const PHASES = ['init', 'setup', 'run'] as const;
export type Phase = (typeof PHASES)[number];

export const TRANSPORTS = ['device', 'ring'] as const satisfies readonly Transport[];

/** What a moment must fit. */
export interface Matchers {
  readonly when: When;
  readonly messages?: readonly number[] | '*';
  readonly transport?: Transport;
  /** Queue of a ring, and entry of that queue. */
  readonly queue?: Range;
  readonly entry?: Range;
  /** Node of the request, as this run's server numbers it. */
  readonly nodeid?: Range;
  /** Bytes of the request, header included. */
  readonly size?: Range;
  /** Requests that the server has and has not answered, this one included. */
  readonly inflight?: Range;
  readonly phase?: Phase;
}

export interface ResultRule extends Matchers {
  readonly fault: ResultFault;
  readonly errno: ErrnoName;
}

export interface TeardownRule extends Matchers {
  readonly fault: TeardownFault;
  readonly at: Point;
  /** How often it is done. */
  readonly times: number;
}

export interface QuotaRule extends Matchers {
  readonly fault: QuotaFault;
  readonly at: Point;
  /** So much more than it has there. */
  readonly amount: number;
  /** It is given back when so many requests have been answered since; undefined: never. */
  readonly until: number | undefined;
}

export interface ChangeRule extends Matchers {
  readonly fault: ChangeFault;
  readonly value: number | string;
}

export type Rule = ResultRule | TeardownRule | QuotaRule | ChangeRule;

export const isTeardown = (rule: Rule): rule is TeardownRule => rule.fault.kind === 'teardown';
export const isResult = (rule: Rule): rule is ResultRule => rule.fault.kind === 'result';
export const isQuota = (rule: Rule): rule is QuotaRule => rule.fault.kind === 'quota';
export const isChange = (rule: Rule): rule is ChangeRule => rule.fault.kind === 'change';

/** The point of a rule that has one. */
export const pointIn = (rule: Rule): Point | undefined => ('at' in rule ? rule.at : undefined);

/** Where a fault means something, at the point of those that have one. */
export const transportsOf = (fault: Fault, point: Point | undefined): readonly Transport[] =>
  fault.transports.filter((one) => point === undefined || point.transports.includes(one));

/** Whether a rule can never come true where no ring is offered. */
export function needsRing(rule: Rule): boolean {
  const transports = transportsOf(rule.fault, pointIn(rule));
  return rule.transport === 'ring' || !transports.includes('device');
}

/** `twice` is the one word for more than once. */
export const TWICE = 'twice';

export const EVERY_TIME: When = { first: 1, last: Number.POSITIVE_INFINITY, step: 1 };
export const FIRST_TIME: When = { first: 1, last: 1, step: 1 };

export const defaultWhen = (fault: Fault): When =>
  fault.kind === 'result' || fault.kind === 'change' ? EVERY_TIME : FIRST_TIME;

const rangeText = ({ first, last }: Range): string => {
  if (first === last) return `${first}`;
  return last === Number.POSITIVE_INFINITY ? `${first}..` : `${first}..${last}`;
};

/** `3+2` goes on for ever, so a single moment has no step to print. */
const whenText = (when: When): string =>
  when.step === 1 || when.first === when.last ? rangeText(when) : `${rangeText(when)}+${when.step}`;

const same = (a: When, b: When): boolean =>
  a.first === b.first && a.last === b.last && a.step === b.step;

/** The fault with its value, and where. */
function outcomeText(rule: Rule): string[] {
  const { name } = rule.fault;
  if (isTeardown(rule)) {
    return [rule.times > 1 ? `${name}=${TWICE}` : name, `at=${rule.at.name}`];
  }
  if (isQuota(rule)) {
    const until = rule.until === undefined ? [] : [`until=${rule.until}`];
    return [`${name}=${rule.amount}`, `at=${rule.at.name}`, ...until];
  }
  return [`${name}=${isChange(rule) ? rule.value : (rule as ResultRule).errno}`];
}

/** The rule as text that parses to it again, always in the same order. */
export function ruleText(rule: Rule): string {
  const { fault, messages, when, transport, queue, entry, nodeid, size, inflight, phase } = rule;
  const parts: string[] = [];
  if (messages !== undefined) {
    parts.push(messages === '*' ? '*' : messages.map((opcode) => opName(opcode)).join(','));
  }
  parts.push(...outcomeText(rule));
  if (!same(when, defaultWhen(fault))) parts.push(`when=${whenText(when)}`);
  if (transport !== undefined) parts.push(`transport=${transport}`);
  for (const [name, range] of Object.entries({ queue, entry, nodeid, size, inflight })) {
    if (range !== undefined) parts.push(`${name}=${rangeText(range)}`);
  }
  if (phase !== undefined) parts.push(`phase=${phase}`);
  return parts.join(':');
}
