/** Reads a rule's text (faults/rule.ts has the grammar). Every refusal has a column and a hint. */
import type { ErrnoName } from '../rig/protocol/errno.ts';
import { OP_NAMES, opByName } from '../rig/protocol/opcodes.ts';
import type { ChangeFault, Fault, QuotaFault, ResultFault, TeardownFault } from './fault.ts';
import { FAULTS, faultOf } from './list.ts';
import {
  checkMatchers,
  type Given,
  MATCHERS,
  matcherOf,
  numberOf,
  type Value,
} from './matchers.ts';
import { POINTS, type Point, pointOf } from './points.ts';
import { defaultWhen, type Rule, TWICE, transportsOf } from './rule.ts';
import { didYouMean, quoted, RuleError } from './rule_error.ts';

/** Longer ones are no rules. */
const TEXT_MAX = 4096;

/** A part of the text between colons. */
interface Part {
  readonly text: string;
  readonly offset: number;
}

function partsOf(text: string): Part[] {
  let offset = 0;
  return text.split(':').map((part) => {
    const here = { text: part, offset };
    offset += part.length + 1;
    return here;
  });
}

/** Splits at the first `=`; `value` undefined where there is none. */
function assigned({ text, offset }: Part): { name: string; value: Part | undefined } {
  const at = text.indexOf('=');
  if (at < 0) return { name: text, value: undefined };
  return { name: text.slice(0, at), value: { text: text.slice(at + 1), offset: offset + at + 1 } };
}

export function parseRule(text: string): Rule {
  if (text.length > TEXT_MAX) {
    throw new RuleError(TEXT_MAX, `a rule of ${text.length} characters`, `use ${TEXT_MAX} at most`);
  }
  if (text.trim() === '') {
    throw new RuleError(0, 'the rule is empty', 'write one such as READ:read=EINTR:when=3');
  }
  const space = text.search(/\s/);
  if (space >= 0) throw new RuleError(space, 'a space in a rule', 'leave it out');
  const parts = partsOf(text);
  const empty = parts.find((part) => part.text === '');
  if (empty !== undefined) {
    throw new RuleError(
      empty.offset,
      'nothing between two colons',
      'write one colon, or a matcher',
    );
  }
  const first = parts[0] as Part;
  const messages = isMessages(first) ? messagesOf(first) : undefined;
  const rest = messages === undefined ? parts : parts.slice(1);
  const outcome = rest[0];
  if (outcome === undefined) {
    throw new RuleError(text.length, 'no fault behind the messages', `add one: ${faultNames()}`);
  }
  const fault = faultIn(outcome);
  const given: Given = { messages, messagesOffset: 0, matchers: new Map() };
  for (const part of rest.slice(1)) matcher(part, given);
  return ruleOf(fault, assigned(outcome).value, given, text.length);
}

/** Opcodes are in capitals, faults are not. */
const isMessages = ({ text }: Part): boolean => /^[^a-z]/.test(text) && !text.includes('=');

function messagesOf({ text, offset }: Part): readonly number[] | '*' {
  if (text === '*') return '*';
  let at = offset;
  const opcodes: number[] = [];
  for (const name of text.split(',')) {
    const op = opByName(name);
    if (name === '') {
      throw new RuleError(at, 'an opcode is missing', 'write READ,WRITE with one comma between');
    }
    if (name === '*') throw new RuleError(at, '* beside opcodes', 'write * alone for all messages');
    if (op === undefined) {
      const hint = didYouMean(name, OP_NAMES, 'opcodes are');
      throw new RuleError(at, `no opcode ${quoted(name)}`, hint);
    }
    if (opcodes.includes(op.opcode)) {
      throw new RuleError(at, `${op.name} twice`, 'name each opcode once');
    }
    opcodes.push(op.opcode);
    at += name.length + 1;
  }
  return opcodes;
}

const faultNames = (): string => FAULTS.map(({ name }) => name).join(' ');

function matcher(part: Part, given: Given): void {
  const { name, value } = assigned(part);
  const spec = matcherOf(name);
  if (spec === undefined) {
    const fault = faultOf(name);
    if (fault !== undefined) {
      throw new RuleError(part.offset, `a second fault, ${name}`, 'write a rule for each');
    }
    const names = [...MATCHERS.map((one) => one.name), 'at', 'until'];
    if (name !== 'at' && name !== 'until') {
      throw new RuleError(
        part.offset,
        `no matcher ${quoted(name)}`,
        didYouMean(name, names, 'matchers are'),
      );
    }
  }
  if (given.matchers.has(name)) {
    throw new RuleError(part.offset, `${name}= a second time`, 'write each matcher once');
  }
  if (value === undefined || value.text === '') {
    const example = spec?.example ?? (name === 'at' ? 'at=delivered' : 'until=3');
    const end = part.offset + part.text.length;
    throw new RuleError(end, `${name} without a value`, `write for instance ${example}`);
  }
  given.matchers.set(name, { ...value, part: part.offset });
}

function faultIn(outcome: Part): Fault {
  const { name } = assigned(outcome);
  const fault = faultOf(name);
  if (fault !== undefined) return fault;
  const names = FAULTS.map((one) => one.name);
  let hint = didYouMean(name, names, 'faults are');
  if (isMessages(outcome)) hint = 'opcodes are joined by commas, and the fault follows';
  if (matcherOf(name) !== undefined || name === 'at' || name === 'until')
    hint = 'a matcher stands behind the fault';
  throw new RuleError(outcome.offset, `no fault ${quoted(name)}`, hint);
}

function ruleOf(fault: Fault, value: Part | undefined, given: Given, end: number): Rule {
  const at = given.matchers.get('at');
  const until = given.matchers.get('until');
  if (until !== undefined && fault.kind !== 'quota') {
    const hint = 'only a quota is given back: leave until= out, or bound it by when=';
    throw new RuleError(until.part, `until= with ${fault.name}`, hint);
  }
  if (fault.kind === 'result' || fault.kind === 'change') {
    if (at !== undefined) {
      const where = fault.kind === 'change' ? fault.does : fault.does.replace(/ fails$/, '');
      const hint = `${fault.name} comes where ${where} is: leave at= out`;
      throw new RuleError(at.part, `at= with ${fault.name}`, hint);
    }
    const rest = matchersOf(fault, undefined, given);
    if (fault.kind === 'change') return { fault, value: changeOf(fault, value, end), ...rest };
    return { fault, errno: errnoOf(fault, value, end), ...rest };
  }
  const amount = fault.kind === 'quota' ? amountOf(fault, value, end) : 0;
  const point = pointNamed(fault, at, end);
  const rest = matchersOf(fault, point, given);
  if (fault.kind === 'teardown') return { fault, at: point, times: timesOf(fault, value), ...rest };
  return { fault, at: point, amount, until: until && untilOf(until), ...rest };
}

function pointNamed(fault: Fault, at: Value | undefined, end: number): Point {
  const { name, transports } = fault;
  if (at === undefined) {
    const hint = `add for instance at=delivered; points are ${POINTS.map((p) => p.name).join(', ')}`;
    throw new RuleError(end, `${name} without a point`, hint);
  }
  const point = pointOf(at.text);
  if (point !== undefined && transportsOf(fault, point).length > 0) return point;
  if (point !== undefined) {
    const hint = `it belongs to the ${transports.join(' and the ')}: use another point`;
    throw new RuleError(at.offset, `${name} means nothing at ${point.name}`, hint);
  }
  const names = POINTS.map((one) => one.name);
  const hint = didYouMean(at.text, names, 'points are');
  throw new RuleError(at.offset, `no point ${quoted(at.text)}`, hint);
}

function untilOf({ text, offset }: Value): number {
  const hint = 'write until=3: so many requests are answered, and it is given back';
  const answers = numberOf(text, offset, hint);
  if (answers > 0) return answers;
  throw new RuleError(offset, 'until=0', 'count from 1');
}

function amountOf({ name, counts }: QuotaFault, value: Part | undefined, end: number): number {
  const hint = `write ${name}=0 for none, ${name}=9 for 9 ${counts} more`;
  if (value !== undefined && value.text !== '') return numberOf(value.text, value.offset, hint);
  throw new RuleError(value?.offset ?? end, `${name} without a number`, hint);
}

function changeOf(fault: ChangeFault, value: Part | undefined, end: number): number | string {
  const { name, numbers, words = [] } = fault;
  const known = words.map(({ word }) => word);
  const example = numbers === undefined ? known[0] : numbers.least;
  const wanted =
    numbers === undefined ? known.slice(0, 6).join(' ') : `${numbers.least} to ${numbers.most}`;
  if (value === undefined || value.text === '') {
    const hint = `write ${name}=${example}, or one of ${wanted}`;
    throw new RuleError(value?.offset ?? end, `${name} without a value`, hint);
  }
  const { text, offset } = value;
  if (numbers === undefined) {
    if (known.includes(text)) return text;
    const hint = didYouMean(text, known, 'it is one of');
    throw new RuleError(offset, `${name} has no ${quoted(text)}`, hint);
  }
  const number = numberOf(text, offset, `write a number, ${wanted}`);
  if (number >= numbers.least && number <= numbers.most) return number;
  throw new RuleError(offset, `${name}=${number}`, `write a number, ${wanted}`);
}

function matchersOf(fault: Fault, point: Point | undefined, given: Given) {
  const when = given.matchers.has('when') ? {} : { when: defaultWhen(fault) };
  return { ...when, ...checkMatchers(fault, point, given) } as ReturnType<typeof checkMatchers>;
}

function errnoOf(fault: ResultFault, value: Part | undefined, end: number): ErrnoName {
  const names = fault.errnos.map(({ errno }) => errno);
  if (value === undefined || value.text === '') {
    throw new RuleError(
      value?.offset ?? end,
      `${fault.name} without an errno`,
      `write ${fault.name}=${names[0]}, or one of ${names.join(' ')}`,
    );
  }
  const found = names.find((name) => name === value.text);
  if (found !== undefined) return found;
  const hint = didYouMean(value.text, names, 'it ends with');
  throw new RuleError(value.offset, `${fault.name} does not end with ${quoted(value.text)}`, hint);
}

function timesOf(fault: TeardownFault, value: Part | undefined): number {
  if (value === undefined) return 1;
  if (value.text === TWICE) return 2;
  throw new RuleError(
    value.offset,
    `${fault.name}=${quoted(value.text)}`,
    `write ${fault.name}, or ${fault.name}=${TWICE}`,
  );
}
