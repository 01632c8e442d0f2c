/** What became of each rule of a plan in one run. */
import type { InjectedEvent } from '../rig/events.ts';
import { errnoName } from '../rig/protocol/errno.ts';
import { opName } from '../rig/protocol/opcodes.ts';

/** Where a rule came true. */
export interface Fired {
  /** Place among the capture's requests, from 1; 0 where it is about none of them. */
  request: number;
  /** Of the message; empty where it is about none. */
  opcode: string;
  at: string;
  /** -1 where there is none. */
  queue: number;
  entry: number;
}

export interface RuleResult {
  rule: string;
  fired: number;
  first: Fired | undefined;
  /** How often it would have come true and could not be done, and with which errno last. */
  refused: number;
  refusal: string;
  /** No kernel does this. Known once it has come true. */
  synthetic: boolean;
}

/** Whether a rule has done anything. */
export const hasFired = ({ fired }: RuleResult): boolean => fired > 0;

/** So many places are kept for the canonical log. */
const PLACES_MAX = 1000;

export class Injected {
  readonly rules: RuleResult[];
  /** By rule: requests by number, other moments by name. */
  readonly #requests: number[][];
  readonly #others: string[][];

  constructor(rules: readonly string[]) {
    const none = { fired: 0, first: undefined, refused: 0, refusal: '', synthetic: false };
    this.rules = rules.map((rule) => ({ rule, ...none }));
    this.#requests = rules.map(() => []);
    this.#others = rules.map(() => []);
  }

  /** `request`: place among the capture's requests of the one it is about, or 0. */
  take(event: InjectedEvent, request: number): void {
    const rule = this.rules[event.rule - 1];
    if (rule === undefined) return;
    if (event.refused) {
      rule.refused++;
      rule.refusal = errnoName(event.result);
      return;
    }
    rule.fired++;
    rule.synthetic ||= event.synthetic;
    const opcode = event.opcode === 0 ? '' : opName(event.opcode);
    const { at, qid: queue, entry } = event;
    rule.first ??= { request, opcode, at, queue, entry };
    if (rule.fired > PLACES_MAX) return;
    if (request > 0) this.#requests[event.rule - 1]?.push(request);
    else this.#others[event.rule - 1]?.push(opcode === '' ? at : opcode);
  }

  /** Of the canonical log: in the order of the plan, for which thread comes first is nobody's choice. */
  lines(): string[] {
    return this.rules.map(({ rule, fired, refused }, n) => {
      const requests = [...(this.#requests[n] ?? [])].sort((a, b) => a - b).map(String);
      const where = [...(this.#others[n] ?? []).sort(), ...requests].join(' ');
      return `rule ${n + 1} ${rule} fired ${fired} refused ${refused}: ${where}`;
    });
  }
}
