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
import type {
  HangEvent,
  InjectedEvent,
  ReplayEvent,
  StacksEvent,
  TeardownEvent,
  ThreadState,
  UnkillableEvent,
} from '../events.ts';
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
/** The two that a server is to obey. */
const ASKED: Partial<Record<TeardownEvent['how'], string>> = {
  sigterm: 'SIGTERM',
  sigint: 'SIGINT',
};

/** What a finding says of a process that died of a signal. */
export const CRASHED = 'the server crashed';

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
  #stacks: StacksEvent | undefined;
  #unkillable: UnkillableEvent | undefined;
  readonly #crashes: string[] = [];
  #died: { signal: number; main: boolean } | undefined;
  #torn = false;
  /** What it was last asked to end by, if that was a signal. */
  #signalled: string | undefined;
  #ring = false;

  /** `expectedCode` undefined: any will do. */
  constructor(expectedCode: number | undefined) {
    this.#expected = expectedCode;
  }

  take(event: ReplayEvent): void {
    if (event.kind === 'hang') this.#hang = event;
    // Behind the exit that it is of: no word on one that is allowed.
    if (event.kind === 'crash' && this.#crashes.length > 0) this.#crashes.push(`  ${event.said}`);
    if (event.kind === 'stacks') this.#stacks = event;
    if (event.kind === 'unkillable') this.#unkillable = event;
    if (event.kind === 'teardown') this.#teardown(event);
    if (event.kind === 'injected' && !event.refused) this.#injected(event);
    if (event.kind === 'register' && event.result === 0) this.#ring = true;
    if (event.kind !== 'exit' || this.#hang !== undefined) return;
    if (event.main) this.#exit = event;
    if (event.signal !== null && !this.#allowed.has(event.signal)) {
      this.#died ??= { signal: event.signal, main: event.main };
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
    this.#signalled = ASKED[how];
    const signal = SIGNALS[how];
    if (signal === undefined) return;
    this.#allowed.add(signal);
    this.#anyCode = true;
  }

  /** The first process that died of a signal nobody sent. */
  get crash(): { signal: number; main: boolean } | undefined {
    return this.#died;
  }

  findings(): Finding[] {
    const left = this.#unkillable === undefined ? [] : [this.#notKilled(this.#unkillable)];
    return [...left, ...this.#ended()];
  }

  #ended(): Finding[] {
    const crashed = this.#crashes.length > 0 ? [this.#crashed()] : [];
    if (this.#hang !== undefined) return [...crashed, this.#hung(this.#hang)];
    if (crashed.length > 0) return crashed;
    const code = this.#exit?.code;
    if (this.#exit === undefined) {
      return this.#unkillable === undefined ? [this.#fail('the server never ended', [])] : [];
    }
    if (code !== null && !this.#anyCode && code !== (this.#expected ?? code)) {
      return [this.#fail(`exit code ${code}, expected ${this.#expected}`, [])];
    }
    const how = code === null ? `ended by signal ${this.#exit.signal}` : `exit ${code}`;
    if (this.#unkillable !== undefined) return [];
    return [{ check: this.name, verdict: 'pass', text: `${how}, nothing left`, details: [] }];
  }

  #crashed(): Finding {
    const why =
      'why: whatever a client or the kernel does, a server ends by exit: nobody unmounts for it else';
    return this.#fail(CRASHED, [...this.#crashes, why]);
  }

  #notKilled({ processes }: UnkillableEvent): Finding {
    const details = processes.map(
      ({ pid, comm, state, wchan, call }) =>
        `process ${pid} ${comm}: state ${state}, ${call || 'no system call'}${wchan && ` in ${wchan}`}`,
    );
    details.push(
      'why: a thread in an uninterruptible sleep ends only when what it waits for does, such as the answer',
      "of another file system's server; its keeper waits for it and goes then",
    );
    return this.#fail('a process of the server survives SIGKILL', details);
  }

  #hung(hang: HangEvent): Finding {
    const details = hang.threads.flatMap((thread) => this.#waits(thread));
    if (hang.threads.length === 0) {
      details.push(
        ...(this.#stacks?.stacks ?? []).flatMap(({ tid, frames }) => [
          `thread ${tid} runs`,
          ...frames.map((frame) => `  ${frame}`),
        ]),
      );
    }
    details.push(...(hang.calls ?? []));
    const held = this.#ring ? ', held ring commands complete with -ENOTCONN' : '';
    const why = hang.unended
      ? 'the unmount waits for the reply to DESTROY before it ends the connection: umount(8) never returns'
      : `after the end of the connection read gives ENODEV${held}; the server must end`;
    details.push(
      this.#signalled
        ? `why: it was sent ${this.#signalled}, which is how service managers and terminals ask a program to end`
        : `why: ${why}`,
    );
    if (hang.threads.length > 0 && this.#stacks === undefined) {
      details.push('where: user stacks are shown where gdb or eu-stack (elfutils) is installed');
    }
    if (hang.verdict === 'stalled') {
      details.push(
        `stalled after ${hang.seconds.toFixed(1)} s: no proof, for a wait above may end by itself or from outside`,
      );
    }
    return this.#fail(`${HANG_TEXT[hang.verdict]} (${hang.verdict})`, details);
  }

  #waits({ comm, tid, on }: ThreadState): string[] {
    const frames = this.#stacks?.stacks.find((stack) => stack.tid === tid)?.frames ?? [];
    return [`${comm} (thread ${tid}): ${on}`, ...frames.map((frame) => `  ${frame}`)];
  }

  #fail(text: string, details: string[]): Finding {
    return { check: this.name, verdict: 'fail', text, details };
  }
}
