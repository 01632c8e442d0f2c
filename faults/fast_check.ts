/**
 * `fuse-rig/fast-check`: faults as fast-check draws and shrinks them, for property tests (docs/vitest.md).
 * Rules are text, so that a counterexample can be pasted behind --fault.
 *
 *     fc.assert(fc.asyncProperty(plans({ transport: 'device' }), async (faults) => { ... }))
 */
import fc from 'fast-check';
import { OPCODES, opByName } from '../rig/protocol/opcodes.ts';
import { errnosOf, wordsOf } from './choices.ts';
import type { ChangeFault, Fault, ResultFault, Transport } from './fault.ts';
import { FAULTS, faultOf } from './list.ts';
import { meansHere } from './matchers.ts';
import { POINTS, type Point } from './points.ts';
import { transportsOf } from './rule.ts';
import { didYouMean, quoted } from './rule_error.ts';

export { anyRule } from './arbitraries.ts';
/** The fast-check these are of: one of another version may not take them. */
export { fc };

/** What rules are drawn of. */
export interface RuleChoice {
  /** Only what can happen there. */
  transport?: Transport;
  /** Names of faults (docs/faults.md); all of them by default. */
  faults?: readonly string[];
  /** Opcodes, such as READ, that rules about messages name; any by default. */
  messages?: readonly string[];
  /** Also what no kernel does: what fails under that alone is no bug by itself. */
  synthetic?: boolean;
  /** `when=` is from 1 to this; 20 by default. About the requests of the capture is a good number. */
  moments?: number;
}

export interface PlanChoice extends RuleChoice {
  /** Most rules of a plan; 3 by default. There is at least one. */
  rules?: number;
}

/** A fault with its value or point. */
interface Outcome {
  text: string;
  fault: Fault;
  point: Point | undefined;
}

const MOMENTS = 20;
const RULES = 3;

const pick = (name: string): Fault => {
  const fault = faultOf(name);
  if (fault !== undefined) return fault;
  const names = FAULTS.map((one) => one.name);
  throw new Error(`no fault ${quoted(name)}; ${didYouMean(name, names, 'faults are')}`);
};

function outcomesOf({ faults, transport, synthetic = false }: RuleChoice): Outcome[] {
  const there = ({ transports }: Fault | Point) =>
    transport === undefined || transports.includes(transport);
  const chosen = (faults?.map(pick) ?? FAULTS).filter(there);
  const points = POINTS.filter(there);
  return chosen.flatMap((fault): Outcome[] => {
    if (fault.kind === 'result' || fault.kind === 'change') {
      return valuesOf(fault, synthetic).map((value) => ({
        text: `${fault.name}=${value}`,
        fault,
        point: undefined,
      }));
    }
    if (!synthetic && fault.possible === undefined) return [];
    const meant = points.filter((point) => transportsOf(fault, point).length > 0);
    return meant.flatMap((point) =>
      (fault.kind === 'quota' ? AMOUNTS : ['']).map((amount) => ({
        text: `${fault.name}${amount.replace('at', `at=${point.name}`) || `:at=${point.name}`}`,
        fault,
        point,
      })),
    );
  });
}

/** How much a quota leaves, and when it is given back. */
const AMOUNTS = ['=0:at', '=0:at:until=3', '=2:at', '=2:at:until=10'];
/** Values of a change that is a number: those of these that it can be. */
const NUMBERS = [0, 1, 2, 8, 32];

function valuesOf(fault: ResultFault | ChangeFault, synthetic: boolean): string[] {
  // Whether a handle is O_NONBLOCK nobody knows here.
  if (fault.kind === 'result') {
    return errnosOf(fault, synthetic, false).map(({ errno }) => errno);
  }
  const { numbers } = fault;
  if (numbers === undefined) return wordsOf(fault, synthetic);
  return NUMBERS.filter((n) => n >= numbers.least && n <= numbers.most).map(String);
}

function opcodesOf(names: readonly string[] | undefined): string[] {
  const unknown = names?.find((name) => opByName(name) === undefined);
  if (unknown !== undefined) throw new Error(`no opcode ${quoted(unknown)}`);
  return [...(names ?? OPCODES.map(({ name }) => name))];
}

/** Single rules, `READ:read=EINTR:when=3`; they shrink towards the first moment. Throws where none fits. */
export function rules(choice: RuleChoice = {}): fc.Arbitrary<string> {
  const { moments = MOMENTS, messages } = choice;
  const outcomes = outcomesOf(choice);
  if (outcomes.length === 0) {
    throw new Error('no fault fits; take another transport, name others, or synthetic: true');
  }
  const opcodes = opcodesOf(messages);
  const opcode = fc.constantFrom(...opcodes);
  // Whoever names messages means them, and not every other one as well.
  const message = messages === undefined ? fc.option(opcode, { nil: undefined }) : opcode;
  return fc
    .tuple(fc.constantFrom(...outcomes), message, fc.integer({ min: 1, max: moments }))
    .map(([{ text, fault, point }, name, when]) => {
      const chosen = name !== undefined && meansHere('messages', fault, point) ? `${name}:` : '';
      return `${chosen}${text}:when=${when}`;
    });
}

/** Several rules for one run: the `faults` of a replay. */
export function plans(choice: PlanChoice = {}): fc.Arbitrary<string[]> {
  // Not an array, which does not shrink at its end: each place shrinks to nothing by itself.
  const places = Array.from({ length: choice.rules ?? RULES }, () => fc.option(rules(choice)));
  return fc
    .tuple(...places)
    .map((drawn) => drawn.filter((rule) => rule !== null))
    .filter((some) => some.length > 0);
}
