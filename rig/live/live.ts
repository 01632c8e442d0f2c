/**
 * A server at work on a real mount, with faults: the recorder's relay in front of the real kernel, the
 * plan of a replay, and its checks of what needs no capture. Not deterministic, for clients and kernel
 * have their own time; with a capture kept, a replay with the same plan is.
 */
import type { Alongside, Stand } from '../../recorder/alongside.ts';
import type { RecordHooks, RecordOptions, RecordResult } from '../../recorder/options.ts';
import { record } from '../../recorder/record.ts';
import { Ending } from '../../replayer/ending.ts';
import { Injected, type RuleResult, type Unseen } from '../../replayer/injected.ts';
import { Conformance } from '../checks/conformance.ts';
import type { Check, Finding } from '../checks/finding.ts';
import { Guarded } from '../checks/guarded.ts';
import { Negotiation } from '../checks/negotiation.ts';
import { Ownership } from '../checks/ownership.ts';
import { Termination } from '../checks/termination.ts';
import type { Decider } from '../decider.ts';
import type { ReplayEvent, ReplaySink, SessionEvent } from '../events.ts';
import { ERRNO } from '../protocol/errno.ts';
import { possibleCpus } from '../seam/cpus.ts';
import { LiveTeardowns } from './teardowns.ts';

export interface LiveOptions extends RecordOptions {
  /** The rules of the plan, as text. */
  faults: readonly string[];
  /** User stacks of a server that does not end. */
  stacks: boolean;
}

export interface LiveResult extends RecordResult {
  findings: Finding[];
  plan: RuleResult[];
  /** Teardowns that the kernel refused. */
  notes: string[];
  ring: { queues: number; depth: number; requests: number };
}

/** A server that was told to end and has requests to answer gets this long. */
const TOLD_MS = 10_000;
const NS_PER_MS = 1e6;

class Judge implements Alongside {
  readonly decider: Decider | undefined;
  readonly injected: Injected;
  readonly checks: readonly Check[];
  #stand: Stand | undefined;
  #ending: Ending | undefined;
  #teardowns: LiveTeardowns | undefined;
  #toldAt = 0;
  readonly #stacks: boolean;
  /** A signal ended a process of the server. */
  #crashed = false;

  constructor({ faults, stacks }: LiveOptions, decider: Decider | undefined) {
    this.decider = decider;
    this.injected = new Injected(faults);
    this.#stacks = stacks;
    const own = [new Conformance(), new Negotiation(), new Ownership(possibleCpus())];
    // Without a fault the server is to end well; of another end the fault is the reason.
    this.checks = [...own, new Termination(0)].map((check) => new Guarded(check));
  }

  get notes(): string[] {
    return this.#teardowns?.notes ?? [];
  }

  get ring(): LiveResult['ring'] {
    return this.#stand?.session.rings.emitter.shape ?? { queues: 0, depth: 0, requests: 0 };
  }

  get unseen(): Unseen {
    const { made: rings = 0, asked = [] } = this.#stand?.session.rings.emitter ?? {};
    return { rings, asked, crashed: this.#crashed };
  }

  begin(stand: Stand): void {
    this.#stand = stand;
    const { session, keeperPid } = stand;
    // Nothing is done to a model: what ends the connection is done to the real one.
    const nothing = () => {};
    const feed = {
      connected: () => false,
      shutdown: nothing,
      abort: nothing,
      forceUnmount: nothing,
    };
    this.#ending = new Ending(session, feed, keeperPid, this.#emit, this.#stacks);
    this.#teardowns = new LiveTeardowns(stand, this.#ending);
    const { injection } = session;
    if (injection === undefined) return;
    injection.teardowns = this.#teardowns;
    injection.released = ({ rule, text }) =>
      this.#look({ kind: 'released', t: session.now(), rule, text });
  }

  readonly #emit: ReplaySink = (event) => this.#look(event);

  take(event: SessionEvent): void {
    if (event.kind === 'injected') this.injected.take(event, 0);
    if (event.kind === 'exit') this.#crashed ||= event.signal !== null;
    if (!this.#crossed(event)) this.#look(event);
  }

  /**
   * A commit that the relay had taken, and said as a reply, when the connection ended: the kernel's
   * refusal of it is no second commit.
   */
  #crossed(event: SessionEvent): boolean {
    if (event.kind !== 'completion' || event.commitId === '') return false;
    return event.result === -ERRNO.ENOTCONN && this.#ending?.begun === true;
  }

  #look(event: ReplayEvent): void {
    if (event.kind === 'teardown') this.#toldAt = event.t;
    for (const check of this.checks) {
      if (check.kinds === undefined || check.kinds.includes(event.kind)) check.take(event);
    }
  }

  idle(idleMs: number): void {
    const [stand, ending] = [this.#stand, this.#ending];
    if (stand === undefined || ending?.begun !== true) return;
    // While a connection lives a client may still come, and wake the server.
    if (stand.kernel.dead) ending.idle(idleMs);
    else if ((stand.session.now() - this.#toldAt) / NS_PER_MS > TOLD_MS) ending.overdue(TOLD_MS);
  }

  stopping(): void {
    if (this.#ending?.begun === false) this.#ending.begin('unmount', []);
  }

  findings(): Finding[] {
    const { survivors } = this.#stand?.session.killing ?? { survivors: [] };
    if (survivors.length > 0) this.#look({ kind: 'unkillable', t: 0, processes: [...survivors] });
    return this.checks.flatMap((check) => check.findings());
  }
}

/** `decider`: what is asked for faults, with the plan of `options.faults`. */
export async function live(
  options: LiveOptions,
  hooks: RecordHooks,
  decider?: Decider,
): Promise<LiveResult> {
  const judge = new Judge(options, decider);
  const calls = [...(options.calls ?? []), ...(decider?.calls ?? [])];
  const result = await record({ ...options, calls }, hooks, judge);
  const { notes, ring, injected } = judge;
  injected.concluded(judge.unseen);
  return { ...result, findings: judge.findings(), plan: injected.rules, notes, ring };
}
