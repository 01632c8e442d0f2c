/**
 * Who watches a live session: faults are asked for and done, checks are told what happened, and a server
 * that clients wait for in vain, or that does not end, is found.
 */
import type { Alongside, Stand } from '../../recorder/alongside.ts';
import { isMounted } from '../../recorder/mountinfo.ts';
import { Ending } from '../../replayer/ending.ts';
import { Injected, type Unseen } from '../../replayer/injected.ts';
import { waits } from '../../replayer/silence.ts';
import { Watched } from '../../replayer/watched.ts';
import type { Check, Finding } from '../checks/finding.ts';
import type { Decider } from '../decider.ts';
import type { ReplayEvent, ReplaySink, SessionEvent } from '../events.ts';
import { PASS } from '../kernel/kernel.ts';
import { ERRNO } from '../protocol/errno.ts';
import { BufferMisfits } from '../seam/buffer_misfits.ts';
import type { Noise } from '../seam/noise.ts';
import type { Quiet } from '../seam/quiescence.ts';
import { checksOf } from './checks.ts';
import type { LiveOptions } from './options.ts';
import { LiveTeardowns } from './teardowns.ts';
import { Waiting } from './waiting.ts';

/** A server that was told to end and has requests to answer gets this long. */
const TOLD_MS = 10_000;
/** Clients wait, and nothing has happened for this long: a server that cannot answer is given up, */
const PROVEN_MS = 5_000;
/** and one of which that is not certain. */
const UNPROVEN_MS = 60_000;
const NS_PER_MS = 1e6;

export class Judge implements Alongside {
  readonly decider: Decider | undefined;
  readonly injected: Injected;
  readonly checks: readonly Check[];
  /** Clients waited in vain, and the connection was aborted for it. */
  stalled = false;
  #stand: Stand | undefined;
  #ending: Ending | undefined;
  #teardowns: LiveTeardowns | undefined;
  #watched: Watched | undefined;
  readonly #waiting = new Waiting();
  #mounted = false;
  /** INIT is answered. */
  #served = false;
  #toldAt = 0;
  /** A signal ended a process of the server. */
  #crashed = false;
  readonly #own: string[] = [];
  readonly #stacks: boolean;

  constructor(options: LiveOptions, decider: Decider | undefined) {
    this.decider = decider;
    this.injected = new Injected(options.faults);
    this.#stacks = options.stacks;
    this.checks = checksOf(options);
  }

  /** Teardowns that the kernel refused, and what the judge itself had to do. */
  get notes(): string[] {
    return [...(this.#teardowns?.notes ?? []), ...this.#own];
  }

  get ring(): { queues: number; depth: number; requests: number } {
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
    this.#watched = new Watched(session, stand, this.#emit);
    session.rings.misfits = new BufferMisfits(this.#emit);
    session.mounts.umounting = (target, flags, tid, given) => {
      const result = given === PASS ? outcomeOf(target, tid) : given;
      this.#look({ kind: 'umount-call', t: session.now(), tid, target, flags, result });
    };
    const { injection } = session;
    if (injection === undefined) return;
    injection.teardowns = this.#teardowns;
    injection.released = ({ rule, text }) =>
      this.#look({ kind: 'released', t: session.now(), rule, text });
  }

  readonly #emit: ReplaySink = (event) => this.#look(event);

  take(event: SessionEvent): void {
    if (event.kind === 'injected') this.injected.take(event, 0);
    else if (event.kind === 'mount') this.#mounted ||= event.result === 0;
    else if (event.kind === 'exit') this.#crashed ||= event.signal !== null;
    this.#waiting.take(event);
    if (!this.#crossed(event)) {
      this.#seeEnd(event);
      this.#look(event);
    }
    if (event.kind !== 'reply') return;
    if (this.#served) this.#watched?.answered();
    else this.#watched?.count();
    this.#served = true;
  }

  /**
   * A commit that the relay had taken, and said as a reply, when the connection ended: the kernel's
   * refusal of it is no second commit.
   */
  #crossed(event: SessionEvent): boolean {
    if (event.kind !== 'completion' || event.commitId === '') return false;
    return event.result === -ERRNO.ENOTCONN && this.#stand?.kernel.dead === true;
  }

  /** Somebody else may end the connection (the workload, a user): what meets that is under way, not wrong. */
  #seeEnd(event: SessionEvent): void {
    const failed =
      (event.kind === 'reply' && event.result < 0) ||
      (event.kind === 'transport' && event.result === -ERRNO.ENODEV);
    if (!failed || this.#ending?.begun !== false) return;
    if (this.#stand?.kernel.dead === true) this.#ending.begin('unmount', []);
  }

  #look(event: ReplayEvent): void {
    if (event.kind === 'teardown') {
      this.#toldAt = event.t;
      this.#watched?.count();
    }
    for (const check of this.checks) {
      if (check.kinds === undefined || check.kinds.includes(event.kind)) check.take(event);
    }
  }

  idle(idleMs: number): void {
    const [stand, ending] = [this.#stand, this.#ending];
    if (stand === undefined || ending === undefined || !this.#mounted) return;
    const { dead } = stand.kernel;
    if (!ending.begun && dead) ending.begin('unmount', []);
    if (!ending.begun) this.#missed(stand, ending, idleMs);
    // While a connection lives a client may still come, and wake the server.
    else if (dead) ending.idle(idleMs);
    else if ((stand.session.now() - this.#toldAt) / NS_PER_MS > TOLD_MS) ending.overdue(TOLD_MS);
  }

  /** Clients wait, and nothing happens: they would for ever, unless another one comes. */
  #missed(stand: Stand, ending: Ending, idleMs: number): void {
    if (idleMs < PROVEN_MS) return;
    const { locks, stuck } = this.#waiting;
    const waiting = stand.kernel.waiting();
    if (waiting <= locks) return;
    const quiet = ending.look();
    if (quiet?.proven !== true && idleMs < UNPROVEN_MS) return;
    const vain = waiting - locks - stuck;
    if (vain > 0) this.#stall(stand, vain, idleMs, quiet);
    const why = vain > 0 ? 'clients waited in vain' : 'a fault left clients without an answer';
    this.#own.push(`abort: done by fuse-rig, for ${why}`);
    this.stalled = true;
    ending.begin('abort', []);
    if (stand.kernel.abort() === -ERRNO.ENOENT) ending.kill();
  }

  #stall({ session }: Stand, count: number, idleMs: number, quiet: Quiet | undefined): void {
    const proven = quiet?.proven === true;
    const who = count === 1 ? '1 request waits' : `${count} requests wait`;
    const server = quiet === undefined ? 'the server runs' : `the server waits: ${waits(quiet)}`;
    const detail = `${who}, none was answered in ${Math.round(idleMs / 1000)} s, and ${server}`;
    this.#look({ kind: 'stall', t: session.now(), proven, detail });
  }

  spins(noise: Noise): void {
    this.#ending?.spin(noise);
  }

  stopping(): void {
    if (this.#ending?.begun === false) this.#ending.begin('unmount', []);
  }

  /** Who has lost its connection ends by itself, and may have put its handlers of signals away. */
  unmounted(): void {
    if (!this.#mounted || this.#stand?.kernel.dead === false) this.#ending?.begin('sigterm', []);
  }

  killing(why: 'asked' | 'time'): void {
    if (why === 'time') this.#ending?.overdue(TOLD_MS);
    else this.#ending?.begin('sigkill', [], true);
    if (why === 'asked') this.#ending?.kill();
  }

  findings(): Finding[] {
    const { survivors } = this.#stand?.session.killing ?? { survivors: [] };
    if (survivors.length > 0) this.#look({ kind: 'unkillable', t: 0, processes: [...survivors] });
    return this.checks.flatMap((check) => check.findings());
  }
}

/** What the kernel is about to say to an umount2(2) that goes on to it, where it can be foreseen. */
function outcomeOf(target: string, tid: number): number {
  return isMounted(target, tid) ? 0 : -ERRNO.EINVAL;
}
