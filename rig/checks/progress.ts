/**
 * progress: a server that lacks something goes on, and is whole again when it has it back.
 *
 * Verified, once a fault has come true that a kernel could do: whoever waits is answered, with an error if
 * need be, or the server ends; it does not live on and take nothing. When what it lacked was given back, a
 * request asked after that is not answered with the errno of a shortage that the capture does not have.
 * Of a live session, which has no capture: nobody waits in vain without a fault either, and nothing that is
 * delivered after the end of a quota fails with the quota's own errno.
 * Not verified: how long an answer takes, and what the server does beside its requests.
 */
import type { AnsweredEvent, InjectedEvent, ReplayEvent, StallEvent } from '../events.ts';
import { opName } from '../protocol/opcodes.ts';
import { type Check, type Finding, Lines } from './finding.ts';
import { Lasting } from './lasting.ts';

/** What is answered for want of something, in normal form. */
const SHORTAGE: ReadonlySet<string> = new Set(
  ['EMFILE', 'ENFILE', 'ENOMEM', 'ENOSPC', 'EDQUOT', 'EAGAIN'].map((name) => `-${name}`),
);
const LACKING: ReadonlySet<string> = new Set(['may-fail', 'lacking', 'may-die']);

export class Progress implements Check {
  readonly name = 'progress';
  readonly kinds: readonly ReplayEvent['kind'][];
  /** The first fault that a kernel could do. */
  #fault: InjectedEvent | undefined;
  #lacked = false;
  /** What requests that failed for it are said to have failed of. */
  readonly #quotas = new Set<string>();
  /** Rules whose quota holds. */
  readonly #holding = new Set<number>();
  #released = 0;
  /** Requests that failed for what was lacking, and those that were answered after it was given back. */
  #failed = 0;
  #after = 0;
  /** Calls of the server that asked for more than there was. */
  #met = 0;
  #stall: StallEvent | undefined;
  readonly #still = new Lines();
  /** A fault that no kernel does has come true: who waits since may do so because of it. */
  #misled = false;
  #waited = false;
  readonly #lasting: Lasting | undefined;

  /** `live`: there is no capture. */
  constructor(where: 'replay' | 'live' = 'replay') {
    const kinds = ['injected', 'released', 'stall', 'answered', 'unanswered'] as const;
    this.kinds = where === 'live' ? [...kinds, 'request', 'reply'] : kinds;
    if (where === 'live') this.#lasting = new Lasting();
  }

  take(event: ReplayEvent): void {
    this.#lasting?.take(event);
    if (event.kind === 'injected') this.#injected(event);
    else if (event.kind === 'released') {
      this.#holding.delete(event.rule);
      this.#released++;
    } else if (event.kind === 'stall') this.#stalled(event);
    else if (event.kind === 'answered') this.#answered(event);
    else if (event.kind === 'unanswered' && event.why === 'faulted') {
      if (this.#quotas.has(event.detail)) this.#failed++;
    }
  }

  /** In a replay a stall without a fault is divergence's to tell. */
  #stalled(event: StallEvent): void {
    const alone = this.#lasting !== undefined && !this.#misled;
    if (this.#fault !== undefined || alone) this.#stall ??= event;
    this.#waited = true;
  }

  #injected(event: InjectedEvent): void {
    this.#misled ||= event.synthetic && !event.refused;
    if (event.refused || event.synthetic) return;
    this.#fault ??= event;
    if (event.at === 'call' && this.#holding.has(event.rule)) this.#met++;
    if (!LACKING.has(event.fate)) return;
    this.#lacked = true;
    if (event.at === 'call' || event.fate === 'may-fail') return;
    this.#holding.add(event.rule);
    this.#quotas.add(event.text);
  }

  /** What was asked while it lacked something is not told of here if it failed. */
  #answered({ index, opcode, expected, actual }: AnsweredEvent): void {
    if (!this.#lacked || this.#holding.size > 0) return;
    this.#after++;
    if (expected === actual || !SHORTAGE.has(actual)) return;
    this.#still.add(`request ${index} ${opName(opcode)}: ${actual}  in the capture ${expected}`);
  }

  findings(): Finding[] {
    const check = this.name;
    if (this.#fault === undefined && this.#lasting === undefined) return [];
    const findings: Finding[] = [];
    if (this.#stall !== undefined) {
      const how = this.#stall.proven ? ' (proven)' : '';
      const text = `the server lives and answers nothing any more${how}`;
      const details = [
        this.#fault === undefined
          ? this.#stall.detail
          : `after ${this.#fault.text}: ${this.#stall.detail}`,
        'why: clients wait for ever; a server that cannot go on must fail requests, or end',
      ];
      findings.push({ check, verdict: 'fail', text, details });
    }
    if (this.#still.count > 0) {
      const n = this.#still.count;
      const text = `the server does not recover: ${n} requests fail although nothing is lacking any more`;
      findings.push({ check, verdict: 'fail', text, details: this.#still.list() });
    }
    findings.push(...(this.#lasting?.findings(check) ?? []));
    if (findings.length > 0) return findings;
    if (this.#fault === undefined) {
      const text = this.#waited
        ? 'who waited did so for a synthetic fault'
        : 'nobody waited in vain';
      return [{ check, verdict: 'pass', text, details: [] }];
    }
    return [{ check, verdict: 'pass', text: this.#recovery(), details: [] }];
  }

  /** What became of a server that has again what it lacked. */
  #recovery(): string {
    if (this.#released === 0) return 'goes on, or ends';
    const requests = this.#lasting?.failed ?? this.#failed;
    const after = this.#lasting?.after ?? this.#after;
    if (requests === 0 && this.#met === 0)
      return 'nothing to recover from: what was left was enough';
    if (requests === 0) {
      return `no request failed for what it lacked, which it met ${this.#met} times; goes on after it was given back`;
    }
    const failed = `${requests} requests failed for what it lacked`;
    if (after === 0) return `recovery not seen: ${failed}, none came after it was given back`;
    return `recovered: ${failed}, none of the ${after} after it was given back`;
  }
}
