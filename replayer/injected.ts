/** What became of each rule of a plan in one run. */
import { QUOTAS, type QuotaName } from '../rig/decider.ts';
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
  /** Of a quota that was set: how often a call of the server asked for more than it left, and where first. */
  met?: number;
  firstMet?: Fired;
  /** Of a quota that no call is known to have met: what the server may have met it by, unseen. */
  unseen?: string;
}

/** Whether a rule has done anything, as far as can be known. */
export const hasFired = ({ fired, met, unseen }: RuleResult): boolean =>
  fired > 0 && (met !== 0 || unseen !== undefined);

const isQuota = (fault: string): fault is QuotaName => QUOTAS.some((name) => name === fault);
/** Operations of a ring that take from a quota without a system call of their own (IORING_OP_*). */
const BY_RINGS: Partial<Record<QuotaName, readonly number[]>> = {
  fds: [13, 18, 28, 45, 54, 62], // ACCEPT, OPENAT, OPENAT2, SOCKET, FIXED_FD_INSTALL, PIPE
  space: [2, 5, 17, 23, 30, 61], // WRITEV, WRITE_FIXED, FALLOCATE, WRITE, SPLICE, WRITEV_FIXED
};

/** What the server did that no trapped call shows. */
export interface Unseen {
  /** Rings it made, and what it asked of them. */
  readonly rings: number;
  readonly asked: readonly number[];
  /** A signal has ended a process of it. */
  readonly crashed: boolean;
}

/** So many places are kept for the canonical log. */
const PLACES_MAX = 1000;

export class Injected {
  readonly rules: RuleResult[];
  /** By rule: requests by number, other moments by name. */
  readonly #requests: number[][];
  readonly #others: string[][];
  readonly #quotas = new Map<RuleResult, QuotaName>();

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
    const opcode = event.opcode === 0 ? '' : opName(event.opcode);
    const { at, qid: queue, entry, fault } = event;
    const place = { request, opcode, at, queue, entry };
    // Where it was set is a point of the session; a call is where it was met.
    if (isQuota(fault) && at === 'call') {
      rule.met = (rule.met ?? 0) + 1;
      rule.firstMet ??= place;
      return;
    }
    if (isQuota(fault)) {
      rule.met ??= 0;
      this.#quotas.set(rule, fault);
    }
    rule.fired++;
    rule.synthetic ||= event.synthetic;
    rule.first ??= place;
    if (rule.fired > PLACES_MAX) return;
    if (request > 0) this.#requests[event.rule - 1]?.push(request);
    else this.#others[event.rule - 1]?.push(opcode === '' ? at : opcode);
  }

  /** It is over. */
  concluded({ rings, asked, crashed }: Unseen): void {
    for (const [rule, name] of this.#quotas) {
      if (rule.met !== 0) continue;
      const byRing = BY_RINGS[name]?.some((op) => asked.includes(op));
      if (byRing) rule.unseen = 'what its own ring asks for is not seen';
      // Buffers that are registered count for the user, elsewhere too (io_account_mem()).
      if (name === 'locked' && rings > 0) rule.unseen = 'what a ring locks is not seen';
      if (name === 'memory' && crashed) rule.unseen = 'the growth of a stack is not seen';
    }
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
