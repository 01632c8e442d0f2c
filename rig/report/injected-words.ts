/** Injected faults as a person reads them: in a capture, and rule by rule in the report of a run. */
import { hasFired, type RuleResult } from '../../replayer/injected.ts';
import type { InjectedEvent } from '../events.ts';
import { errnoName } from '../protocol/errno.ts';
import { opName } from '../protocol/opcodes.ts';

/** `LOOKUP:cqe=ENOTCONN at cqe LOOKUP #4 q=1 ent=3 = -ENOTCONN (INJECTED)`. */
export function injectedWords(event: InjectedEvent): string {
  const words = [event.text, 'at', event.at];
  if (event.opcode !== 0) words.push(opName(event.opcode));
  if (event.unique !== '') words.push(`#${BigInt(`0x${event.unique}`)}`);
  if (event.qid >= 0) words.push(`q=${event.qid}`);
  if (event.entry >= 0) words.push(`ent=${event.entry}`);
  if (event.result !== 0) words.push(`= -${errnoName(event.result)}`);
  words.push(event.refused ? '(refused, nothing injected)' : '(INJECTED)');
  if (event.synthetic) words.push('synthetic');
  return words.join(' ');
}

const times = (n: number): string => (n === 1 ? 'once' : n === 2 ? 'twice' : `${n} times`);

function firstPlace(first: RuleResult['first'], fired: number): string {
  if (first === undefined) return '';
  const { request, opcode, at, queue, entry } = first;
  const where = [
    request > 0 ? `request ${request} ${opcode}` : opcode === '' ? at : opcode,
    queue >= 0 ? `queue ${queue}` : '',
    entry >= 0 ? `entry ${entry}` : '',
  ];
  const words = where.filter((word) => word !== '').join(' ');
  return fired > 1 ? `, first at ${words}` : `, at ${words}`;
}

/** Of a quota, which has fired where it was set. */
function metWords({ met, firstMet, unseen }: RuleResult): string {
  if (unseen !== undefined) return `; whether it was met is not known: ${unseen}`;
  return met === undefined ? '' : `; met ${times(met)}${firstPlace(firstMet, met)}`;
}

const COLUMN = 38;

/** What became of a rule, in one line. */
export function ruleLine(result: RuleResult): string {
  const { rule, fired, refused, refusal, synthetic } = result;
  const head = rule.padEnd(COLUMN);
  if (fired > 0) {
    const where = `${times(fired)}${firstPlace(result.first, fired)}`;
    if (!hasFired(result)) {
      return `${head} NEVER MET: set ${where}; the server asked for no more than it left`;
    }
    return `${head} fired ${where}${metWords(result)}${synthetic ? '  (synthetic)' : ''}`;
  }
  if (refused === 0) return `${head} NEVER FIRED: no moment of this run fits it`;
  return `${head} NEVER FIRED: refused ${times(refused)} with ${refusal}${remedy(refusal)}`;
}

const REMEDIES: Readonly<Record<string, string>> = {
  EBUSY: 'something was in use; a mount ends with lazy, force or abort',
  EPERM: 'the server has CAP_IPC_LOCK, no limit holds for it; mlock=ENOMEM does',
  EAGAIN: 'nothing else was asked meanwhile; it needs requests that are under way together',
};

const remedy = (refusal: string): string =>
  REMEDIES[refusal] === undefined ? '' : ` (${REMEDIES[refusal]})`;

/** Some rule came true, and none did what a kernel does. */
export const onlySynthetic = (plan: readonly RuleResult[]): boolean =>
  plan.some(hasFired) && plan.filter(hasFired).every(({ synthetic }) => synthetic);
