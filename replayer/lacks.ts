/** Requests that a server may answer with an error: it lacks something, or was told to stop. */
import type { AnsweredEvent, Fate, InjectedEvent } from '../rig/events.ts';
import type { Flight } from './flight.ts';

const MAY_FAIL: ReadonlySet<Fate> = new Set(['may-fail', 'lacking', 'may-die']);
/** Until it is given back, or for ever. */
const LASTS: ReadonlySet<Fate> = new Set(['lacking', 'may-die']);
/** Nothing is different for the request. */
const UNTOUCHED: ReadonlySet<Fate> = new Set(['none', 'whole', 'altered']);

/** A request with such a fault is still to be answered. */
export const mustBeAnswered = (fate: Fate): boolean =>
  MAY_FAIL.has(fate) || ['kept', 'garbled', 'reordered', 'whole'].includes(fate);

/** It failed while the server lacked something, or was asked another thing than in the capture. */
export function failed({ fault, outcome }: Flight, { expected, actual }: AnsweredEvent): boolean {
  if (fault === undefined || expected === actual) return false;
  return fault.fate === 'garbled' || (MAY_FAIL.has(fault.fate) && (outcome?.error ?? 0) < 0);
}

export class Lacks {
  /** By rule. */
  readonly #lacking = new Map<number, InjectedEvent>();
  readonly #inFlight: () => Iterable<Flight>;

  constructor(inFlight: () => Iterable<Flight>) {
    this.#inFlight = inFlight;
  }

  /** A fault was injected; `flight` is the request it is about. */
  take(event: InjectedEvent, flight: Flight | undefined): void {
    if (event.refused) return;
    if (LASTS.has(event.fate)) this.#lacking.set(event.rule, event);
    if (flight !== undefined && !UNTOUCHED.has(event.fate)) flight.fault = event;
    // Which request a call is made for is the server's secret: its threads may share the work.
    if (!MAY_FAIL.has(event.fate) || (event.at !== 'call' && !LASTS.has(event.fate))) return;
    for (const one of this.#inFlight()) one.fault ??= event;
  }

  /** A request is asked. */
  asked(flight: Flight): void {
    for (const event of this.#lacking.values()) flight.fault = event;
  }

  released(rule: number): void {
    this.#lacking.delete(rule);
  }
}
