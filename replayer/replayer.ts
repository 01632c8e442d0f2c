/** Drives a replay: feeds what is due, sees when answers do not come, begins and watches the end. */
import type { ExitEvent, MountEvent, ReplayEvent, StallEvent } from '../rig/events.ts';
import { NOISE_MAX, NOISE_NS, Noise } from '../rig/seam/noise.ts';
import type { Director, Session } from '../rig/session.ts';
import type { ReplayChanges } from './changes.ts';
import type { Cursor } from './cursor.ts';
import type { EndHow, Ending } from './ending.ts';
import type { Injected } from './injected.ts';
import type { ReplayHooks, ReplayOptions, ReplayResult } from './options.ts';
import { Printed } from './printed.ts';
import { inKernel, isStill, notReady, waits } from './silence.ts';

/** How long nothing may come, with a server in a timed wait, before an answer counts as missing. */
const MISSING_MS = 3000;
const PROGRESS_NS = 100e6;
/** How long running without a call may go on before an answer counts as missing. */
const BUSY_MS = 30_000;

/** After the last request, for a server that is never idle. */
const RESTLESS_NS = 500e6;

export class Replayer implements Director {
  exit: ReplayResult['exit'] = null;
  news = 0;
  /** What the server wrote or committed. */
  replies = 0;
  readonly printed: Printed;
  readonly unsupported: string[] = [];
  /** What the plan has done. */
  readonly injected: Injected;
  /** Failing calls in a row, no request taken and no answer given. */
  readonly #noise = new Noise();
  /** Shown at once, then now and then. */
  #progressAt = Number.NEGATIVE_INFINITY;
  #movedAt = 0;
  #finished = false;
  /** Nothing had happened when the session came by last. */
  #wasIdle = false;
  readonly #conns = new Set<number>();
  /** What a plan holds back. */
  changes: ReplayChanges | undefined;
  /** Told when the server has done what the cursor paused for, or nothing more; whether this did something. */
  settled: (late: boolean) => boolean = () => false;
  /** Told of an answer that does not come. */
  stalled: (event: StallEvent) => void = () => {};
  /** Queues without an entry, for which the clients of a connection wait. */
  queuesMissing: (conn: number) => number[] = () => [];
  #busyMs = BUSY_MS;
  readonly #session: Session;
  readonly #cursor: Cursor;
  readonly #ending: Ending;
  readonly #end: EndHow;
  readonly #hooks: ReplayHooks;

  constructor(
    session: Session,
    cursor: Cursor,
    ending: Ending,
    options: ReplayOptions,
    hooks: ReplayHooks,
    injected: Injected,
  ) {
    this.injected = injected;
    this.#movedAt = session.now();
    this.#session = session;
    this.#cursor = cursor;
    this.#ending = ending;
    this.#end = options.end;
    this.#hooks = hooks;
    this.printed = new Printed(options.outputMax);
  }

  get done(): boolean {
    return this.#finished;
  }

  /** Connections that were mounted. */
  get conns(): ReadonlySet<number> {
    return this.#conns;
  }

  take(event: ReplayEvent): void {
    if (event.kind === 'reply') {
      this.replies++;
      this.#cursor.replied(event);
    } else if (event.kind === 'mount') this.#mounted(event);
    else if (event.kind === 'news') this.news++;
    else if (event.kind === 'unsupported') this.unsupported.push(event.what);
    else if (event.kind === 'output') this.printed.add(event.bytes);
    else if (event.kind === 'injected') this.injected.take(event, this.#cursor.injected(event));
    else if (event.kind === 'exit' && event.main) {
      this.exit = { code: event.code, signal: event.signal };
      this.#daemonized(event);
    }
    this.#countNoise(event);
    if (event.kind === 'request' || event.kind === 'answered') {
      this.#noise.reset();
      this.#movedAt = this.#session.now();
    }
  }

  /** Calls that fail: reads of a dead device, replies nobody asked for. */
  #countNoise(event: ReplayEvent): void {
    if (!this.#noise.take(event) || this.#noise.count <= NOISE_MAX) return;
    if (this.#ending.begun) this.#ending.spin(this.#noise);
    else if (this.#stillFor() > NOISE_NS) this.#nowhere();
  }

  /** A teardown between the exit of the first process and whatever its daemon does next. */
  #daemonized({ pid }: ExitEvent): void {
    const { injection } = this.#session;
    if (injection === undefined || !this.#ending.lives) return;
    const conn = [...this.#conns][0] ?? 0;
    injection.call('daemonized', 'device', { handle: 0, conn, tid: pid });
  }

  #mounted(event: MountEvent): void {
    if (event.result !== 0) return;
    this.#conns.add(event.conn);
    this.#cursor.connected(event.conn);
  }

  pump(): void {
    this.#advance();
    const idle = this.#wasIdle;
    this.#wasIdle = false;
    if (idle || this.#finished || this.#ending.begun || !this.#cursor.done) return;
    // Never idle, for signals interrupt its reads all the time, say; but nothing is left to take.
    const patience = this.#cursor.inFlight > 0 ? NOISE_NS : RESTLESS_NS;
    if (this.#stillFor() > patience && !this.#session.device.deliverable) {
      this.#ending.finish(this.#end, this.#conns);
    }
  }

  #advance(): void {
    this.#cursor.pump();
    this.changes?.pump();
    if (this.#cursor.detached && !this.#ending.begun) {
      this.#cursor.stop('the last open file of the detached mount was closed');
      this.#ending.begin('unmount', this.#conns);
    }
    if (this.#session.now() - this.#progressAt > PROGRESS_NS) {
      this.#progressAt = this.#session.now();
      this.#hooks.progress(this.#cursor.index);
    }
    if (this.#session.empty && this.#cursor.halted) this.#finished = true;
    else if (this.#session.empty) this.#drain();
  }

  /** Nanoseconds since a request was taken or answered. */
  #stillFor(): number {
    return this.#session.now() - this.#movedAt;
  }

  /** The server is busy, but not with what it is asked. */
  #nowhere(): void {
    this.#movedAt = this.#session.now();
    this.#goOn();
    if (this.#cursor.done) this.#ending.finish(this.#end, this.#conns);
    else this.#cursor.giveUp('missing', `${NOISE_MAX} failing calls and nothing else`);
  }

  /** The server is gone: what was still due is named, not asked. */
  #drain(): void {
    this.#goOn();
    this.#cursor.pump();
    while (!this.#cursor.done) {
      if (!this.#cursor.giveUp('ended', 'the server had ended')) break;
      this.#cursor.pump();
    }
    this.#finished = true;
  }

  idle(idleMs: number): void {
    const { paused } = this.#cursor;
    const { begun } = this.#ending;
    if (paused) this.#resume(idleMs);
    this.#advance();
    this.#wasIdle = true;
    // What is asked only now is not waited for yet, and of an end that begins now nobody has been told.
    const asks = paused && (!begun || this.#session.device.deliverable);
    if (this.#finished || asks || begun !== this.#ending.begun || this.#letGo(idleMs)) return;
    if (begun) this.#ending.idle(idleMs);
    else if (this.#cursor.done) this.#settle(idleMs);
    else this.#waitingFor(idleMs);
  }

  /** Nothing else is asked while a request is held back: it comes now. */
  #letGo(idleMs: number): boolean {
    if (!this.changes?.holds || this.#session.device.deliverable) return false;
    const quiet = isStill(this.#ending.look(), idleMs) || idleMs > MISSING_MS;
    return quiet && this.changes.releaseAll();
  }

  #goOn(): void {
    this.settled(false);
    this.#cursor.paused = false;
  }

  /** The server has done what it does after a fault, or goes on doing it. */
  #resume(idleMs: number): void {
    const settled = !this.#session.device.deliverable && isStill(this.#ending.look(), idleMs);
    if (settled || idleMs > MISSING_MS) this.#goOn();
  }

  /**
   * Everything was asked. What the capture leaves unanswered is to reach the server, and to have
   * whatever effect it has there, before the end.
   */
  #settle(idleMs: number): void {
    const quiet = this.#session.device.deliverable ? undefined : this.#ending.look();
    // With nothing in flight no more will come; else only a server that can answer no more is through.
    const settled = this.#cursor.inFlight === 0 ? isStill(quiet, idleMs) : quiet?.proven === true;
    const patience = inKernel(quiet) ? BUSY_MS : MISSING_MS;
    if (settled || idleMs > patience) this.#ending.finish(this.#end, this.#conns);
  }

  /**
   * An answer does not come. It may take as long as it took in the capture, and longer: only a server
   * that can never answer is given up at once.
   */
  #waitingFor(idleMs: number): void {
    const quiet = this.#ending.look();
    const patience = MISSING_MS + 2 * this.#cursor.recordedGapMs;
    const busy = quiet === undefined || (idleMs > patience && inKernel(quiet));
    // A server that has not mounted yet may be waiting for somebody we do not see.
    const proven = quiet?.proven === true && this.#conns.size > 0;
    if (busy) {
      if (idleMs < this.#busyMs + patience) return;
    } else if (!proven && idleMs < patience) return;
    if (this.#cursor.release() || this.changes?.releaseAll() || this.settled(true)) return;
    // One that was busy with something else all that time is not given as long again.
    if (busy) this.#busyMs = 0;
    const detail =
      quiet !== undefined && proven
        ? `every thread of the server waits: ${waits(quiet)}`
        : `none in ${Math.round(idleMs / 1000)} s`;
    const ring = [...this.#conns].flatMap((conn) => this.queuesMissing(conn));
    const why = ring.length === 0 ? detail : `${notReady(ring)}; ${detail}`;
    this.stalled({ kind: 'stall', t: this.#session.now(), proven, detail: why });
    this.#cursor.giveUp('missing', why);
    this.#cursor.pump();
  }

  control(): void {
    if (this.#hooks.stops() > 0) this.#ending.kill();
  }
}
