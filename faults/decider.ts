/**
 * Says, moment by moment, which rules of a plan come true. It only counts: the same moments in the
 * same order give the same verdicts. Whatever is random was so when the plan was made.
 */
import type { Decider, Moment, QuotaName, Verdict } from '../rig/decider.ts';
import { ERRNO } from '../rig/protocol/errno.ts';
import { OP, opOf } from '../rig/protocol/opcodes.ts';
import { isOrdered, Ordinals } from './ordinals.ts';
import {
  type ChangeRule,
  isChange,
  isQuota,
  isResult,
  isTeardown,
  type Phase,
  pointIn,
  type Range,
  type ResultRule,
  type Rule,
  ruleText,
  type When,
} from './rule.ts';

const NONE: readonly Verdict[] = [];

/** Messages that no client waits for, or that the kernel asks of itself: only for who names them. */
const OWN: ReadonlySet<number> = new Set([OP.INIT.opcode, OP.INTERRUPT.opcode]);

const awaited = (opcode: number): boolean =>
  !OWN.has(opcode) && opOf(opcode)?.reply.kind !== 'none';

/** One rule, and how often its moments have come. */
class Counted {
  readonly rule: Rule;
  readonly number: number;
  readonly text: string;
  #seen = 0;
  /** Messages the rule was true for: they are not counted again. */
  readonly #done = new Set<string>();
  readonly #ordinals: Ordinals | undefined;

  constructor(rule: Rule, number: number) {
    this.rule = rule;
    this.number = number;
    this.text = ruleText(rule);
    this.#ordinals = isOrdered(rule) ? new Ordinals() : undefined;
  }

  /** A captured request is asked: its number is known before its moment comes. */
  asked({ name, index, opcode, nodeid, size }: Moment): void {
    if (name !== 'ask' || index === undefined || !choosesOpcode(this.rule, opcode)) return;
    if (!inside(this.rule.nodeid, Number(nodeid)) || !inside(this.rule.size, size)) return;
    this.#ordinals?.ask(index);
  }

  /** Counts the moment if it fits; true if the rule comes true. */
  now(moment: Moment, phase: Phase): boolean {
    if (!fits(this.rule, moment, phase)) return false;
    const message = moment.unique === 0n ? undefined : `${moment.conn}/${moment.unique}`;
    if (message !== undefined && this.#done.has(message)) return false;
    const hit = counts(this.rule.when, this.#ordinals?.of(moment) ?? ++this.#seen);
    if (hit && message !== undefined) this.#done.add(message);
    return hit;
  }

  /** Messages have their numbers anew; what was counted stays counted. */
  restarted(): void {
    this.#done.clear();
    this.#ordinals?.restarted();
  }
}

const inside = (range: Range | undefined, value: number): boolean =>
  range === undefined || (value >= range.first && value <= range.last);

const counts = ({ first, last, step }: When, n: number): boolean =>
  n >= first && n <= last && (n - first) % step === 0;

function fits(rule: Rule, moment: Moment, phase: Phase): boolean {
  if (!comesHere(rule, moment) || !chosen(rule, moment)) return false;
  if (rule.transport !== undefined && rule.transport !== moment.transport) return false;
  if (rule.phase !== undefined && rule.phase !== phase) return false;
  return (
    inside(rule.queue, moment.queue) &&
    inside(rule.entry, moment.entry) &&
    inside(rule.nodeid, Number(moment.nodeid)) &&
    inside(rule.size, moment.size) &&
    inside(rule.inflight, moment.inFlight)
  );
}

function comesHere(rule: Rule, moment: Moment): boolean {
  if (isResult(rule)) {
    const { moment: name, splice, calls } = rule.fault;
    if (name !== moment.name || (calls !== undefined && !calls.includes(moment.nr ?? -1)))
      return false;
    return splice === undefined || splice === moment.splice;
  }
  if (isChange(rule)) return changesHere(rule, moment);
  const { transports, moment: name, opcodes } = rule.at;
  if (name !== moment.name) return false;
  if (transports.length === 1 && transports[0] !== moment.transport) return false;
  return opcodes === undefined || opcodes.includes(moment.opcode);
}

const wordOf = ({ fault, value }: ChangeRule) => fault.words?.find(({ word }) => word === value);

function changesHere(rule: ChangeRule, { name, transport, opcode }: Moment): boolean {
  const { moment, opcodes, transports } = rule.fault;
  if (name !== (wordOf(rule)?.moment ?? moment)) return false;
  if (transports.length === 1 && transports[0] !== transport) return false;
  return opcodes === undefined || opcodes.includes(opcode);
}

function chosen(rule: Rule, { name, opcode }: Moment): boolean {
  const carries =
    pointIn(rule)?.carries ?? (isResult(rule) ? rule.fault.carries : name !== 'offer');
  if (!carries || rule.messages === '*') return true;
  // A call of the server's own may be made for no request at all.
  return (rule.messages === undefined && name === 'call') || choosesOpcode(rule, opcode);
}

function choosesOpcode({ messages }: Rule, opcode: number): boolean {
  if (messages === undefined) return awaited(opcode);
  return messages === '*' || messages.includes(opcode);
}

const callsOf = ({ fault }: Rule): readonly number[] => ('calls' in fault && fault.calls) || [];

export class PlanDecider implements Decider {
  readonly calls: readonly number[];
  readonly #rules: readonly Counted[];
  readonly #phases = new Map<number, Phase>();

  constructor(rules: readonly Rule[]) {
    this.calls = [...new Set(rules.flatMap(callsOf))];
    this.#rules = rules.map((rule, index) => new Counted(rule, index + 1));
  }

  decide(moment: Moment): readonly Verdict[] {
    const phase = this.#phaseAt(moment);
    let found: Verdict[] | undefined;
    // Every rule counts every moment that fits it, whatever others make of it.
    for (const counted of this.#rules) {
      counted.asked(moment);
      if (!counted.now(moment, phase)) continue;
      found ??= [];
      found.push(verdict(counted, moment, phase));
    }
    return found ?? NONE;
  }

  restarted(): void {
    for (const counted of this.#rules) counted.restarted();
    this.#phases.clear();
  }

  #phaseAt({ conn, name, opcode }: Moment): Phase {
    const phase = this.#phases.get(conn) ?? 'init';
    if (phase === 'init' && name === 'replied' && opcode === OP.INIT.opcode) {
      this.#phases.set(conn, 'setup');
      return 'setup';
    }
    const request = (name === 'deliver' || name === 'cqe') && opcode !== OP.INIT.opcode;
    if (phase !== 'setup' || !request) return phase;
    this.#phases.set(conn, 'run');
    return 'run';
  }
}

type Common = Pick<Verdict, 'rule' | 'text' | 'fault'>;
const NOTHING = { errno: 0, teardown: undefined, times: 1 } as const;

/** Before it has a request a server is starting: gocryptfs opens a file of its own mount then. */
const mustGoOn = (goesOn: true | 'run' | undefined, phase: Phase): boolean =>
  goesOn === true || (goesOn === 'run' && phase === 'run');

function verdict({ rule, number, text }: Counted, moment: Moment, phase: Phase): Verdict {
  const common: Common = { rule: number, text, fault: rule.fault.name };
  if (isTeardown(rule)) {
    const { possible, goesOn = false, fate = 'none', name } = rule.fault;
    return {
      ...common,
      // A mount that goes before it was ever used is one that failed, to many servers.
      ...{ synthetic: possible === undefined, goesOn: goesOn && phase !== 'init', fate },
      ...{ errno: 0, times: rule.times },
      teardown: name as NonNullable<Verdict['teardown']>,
    };
  }
  if (isQuota(rule)) {
    const { amount, until } = rule;
    const { fate, name } = rule.fault;
    const goesOn = mustGoOn(rule.fault.goesOn, phase);
    const quota = { name: name as QuotaName, calls: callsOf(rule), amount, until };
    return { ...common, ...NOTHING, synthetic: false, goesOn, fate, quota };
  }
  return isChange(rule) ? changeVerdict(rule, common) : resultVerdict(rule, common, moment, phase);
}

function changeVerdict(rule: ChangeRule, common: Common): Verdict {
  const { fault, value } = rule;
  const possible = fault.words === undefined ? fault.numbers?.possible : wordOf(rule)?.possible;
  const change = { name: fault.name as NonNullable<Verdict['change']>['name'], value };
  const synthetic = possible === undefined;
  return {
    ...common,
    ...NOTHING,
    synthetic,
    goesOn: !synthetic && fault.mayEnd !== true,
    fate: fault.fate,
    change,
  };
}

function resultVerdict(rule: ResultRule, common: Common, moment: Moment, phase: Phase): Verdict {
  const row = rule.fault.errnos.find(({ errno }) => errno === rule.errno);
  if (row === undefined) throw new Error(`${common.text}: no such errno`);
  const possible = row.possible !== undefined && (row.nonblock !== true || moment.nonblock);
  return {
    ...common,
    ...NOTHING,
    synthetic: !possible,
    // What cannot come here gives nobody a duty, unless the error itself says that nothing was done.
    goesOn: (possible || row.possible === undefined) && mustGoOn(row.goesOn, phase),
    fate: row.fate,
    errno: ERRNO[row.errno],
  };
}
