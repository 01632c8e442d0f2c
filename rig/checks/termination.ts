/**
 * termination: after the end of the session every process of the server ends by itself, as it did in
 * the capture.
 *
 * Verified: no process had to be killed; a server that hangs is named with what each of its threads
 * waits in, `proven` when nothing inside its process tree could ever wake one; no process died by a
 * signal, but one that the rig sent; the exit code is the recorded one (0 where the capture has none),
 * unless the rig ends the server by a signal or by a fault: many tell by their exit code that one came.
 * Not verified: how long ending takes, and what the server printed.
 */
import type { HangEvent, InjectedEvent, ReplayEvent, TeardownEvent } from '../events.ts';
import type { Check, Finding } from './finding.ts';

const HANG_TEXT = {
  proven: 'the server hangs: every thread waits and nothing can wake any',
  stalled: 'the server did not end, and was killed',
  spin: 'the server spins: it runs on without getting anywhere',
} as const;

const SIGNALS: Partial<Record<TeardownEvent['how'], number>> = {
  sigterm: 15,
  sigint: 2,
  sigkill: 9,
};

/** SIGABRT of who finds no memory, SIGSEGV of whose stack cannot grow. */
const OUT_OF_MEMORY = [6, 11];

export class Termination implements Check {
  readonly name = 'termination';
  readonly #expected: number | undefined;
  /** Signals the rig itself sent: dying of them is an answer. */
  readonly #allowed = new Set<number>();
  /** The server has a reason to end in another way than it did in the capture. */
  #anyCode = false;
  #exit: { code: number | null; signal: number | null } | undefined;
  #hang: HangEvent | undefined;
  readonly #crashes: string[] = [];
  #torn = false;
  #ring = false;

  /** `expectedCode` undefined: any will do. */
  constructor(expectedCode: number | undefined) {
    this.#expected = expectedCode;
  }

  take(event: ReplayEvent): void {
    if (event.kind === 'hang') this.#hang = event;
    if (event.kind === 'teardown') this.#teardown(event);
    if (event.kind === 'injected' && !event.refused) this.#injected(event);
    if (event.kind === 'register' && event.result === 0) this.#ring = true;
    if (event.kind !== 'exit' || this.#hang !== undefined) return;
    if (event.main) this.#exit = event;
    if (event.signal !== null && !this.#allowed.has(event.signal)) {
      const when = this.#torn ? 'after the teardown' : 'during the replay';
      this.#crashes.push(
        `process ${event.main ? '(main) ' : ''}died of signal ${event.signal} ${when}`,
      );
    }
  }

  #injected({ goesOn, fate }: InjectedEvent): void {
    if (!goesOn) this.#anyCode = true;
    if (fate === 'may-die') for (const signal of OUT_OF_MEMORY) this.#allowed.add(signal);
  }

  #teardown({ how }: TeardownEvent): void {
    this.#torn = true;
    const signal = SIGNALS[how];
    if (signal === undefined) return;
    this.#allowed.add(signal);
    this.#anyCode = true;
  }

  findings(): Finding[] {
    if (this.#hang !== undefined) return [this.#hung(this.#hang)];
    if (this.#crashes.length > 0) {
      return [this.#fail('the server crashed', this.#crashes)];
    }
    const code = this.#exit?.code;
    if (this.#exit === undefined) return [this.#fail('the server never ended', [])];
    if (code !== null && !this.#anyCode && code !== (this.#expected ?? code)) {
      return [this.#fail(`exit code ${code}, expected ${this.#expected}`, [])];
    }
    const how = code === null ? `ended by signal ${this.#exit.signal}` : `exit ${code}`;
    return [{ check: this.name, verdict: 'pass', text: `${how}, nothing left`, details: [] }];
  }

  #hung(hang: HangEvent): Finding {
    const details = hang.threads.map(
      (t) => `${t.comm} (thread ${t.tid}): ${t.wait}, system call ${t.nr}, in ${t.wchan}`,
    );
    details.push(...(hang.calls ?? []));
    const held = this.#ring ? ', held ring commands complete with -ENOTCONN' : '';
    details.push(
      `why: after the end of the connection read gives ENODEV${held}; the server must end`,
    );
    return this.#fail(`${HANG_TEXT[hang.verdict]} (${hang.verdict})`, details);
  }

  #fail(text: string, details: string[]): Finding {
    return { check: this.name, verdict: 'fail', text, details };
  }
}
