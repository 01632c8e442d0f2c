/**
 * The end of a replay: the session is torn down as asked, and the server is judged by whether it
 * ends. No timeout decides that: when every thread waits and nothing can wake any, it never will.
 */
import { native } from '../native/load.ts';
import type { HangEvent, ReplaySink, TeardownEvent } from '../rig/events.ts';
import type { Feed } from '../rig/kernel/feed.ts';
import { cpuMsBelow, runningBelow } from '../rig/seam/cpu_time.ts';
import type { Noise } from '../rig/seam/noise.ts';
import { lookQuiet, type Quiet, sleepsInKernel } from '../rig/seam/quiescence.ts';
import { takeStacks } from '../rig/seam/stacks.ts';
import { waitsOn } from '../rig/seam/waits_on.ts';
import type { Session } from '../rig/session.ts';

export type EndHow = TeardownEvent['how'];

/** Signals that end a session, by how it ends. */
const SIGNALS: Partial<Record<EndHow, number>> = { sigterm: 15, sigint: 2, sigkill: 9 };
/** A server in a timed wait may still end by itself: it gets this long. Never called proven. */
const STALL_MS = 10_000;
/** One that sleeps in the kernel's own work, or that nobody runs, gets this long. */
const KERNEL_MS = 60_000;
/** Running without a single call of ours for this long is a spin, */
const SPIN_MS = 10_000;
/** if it ran: on a loaded machine nobody may have run it. */
const SPIN_CPU_MS = 4_000;

/** Whose connections are ended. */
export type EndedFeed = Pick<Feed, 'connected' | 'shutdown' | 'abort' | 'forceUnmount'>;

export class Ending {
  /** Set once the teardown has begun. */
  begun = false;
  /** The server was found not to end, or the rig was stopped: it is killed. */
  #judged = false;
  readonly #stacks: boolean;
  /** Connections whose unmount has begun. */
  #unmounted: readonly number[] = [];
  /** How long nothing had happened at the last look at a busy server, and its CPU time at the first. */
  #idleMs = 0;
  #usedBefore = 0;
  readonly #session: Session;
  readonly #feed: EndedFeed;
  readonly #keeperPid: number;
  readonly #emit: ReplaySink;

  /** `stacks`: a server that hangs is asked for its user stacks. */
  constructor(
    session: Session,
    feed: EndedFeed,
    keeperPid: number,
    emit: ReplaySink,
    stacks = false,
  ) {
    this.#stacks = stacks;
    this.#session = session;
    this.#feed = feed;
    this.#keeperPid = keeperPid;
    this.#emit = emit;
  }

  /** The end of the capture: what is still there is torn down. */
  finish(how: EndHow, conns: Iterable<number>): void {
    const signals = SIGNALS[how] !== undefined;
    const live = [...conns].filter((conn) => this.#feed.connected(conn));
    // A server that has ended by itself may or may not be gone yet: nothing is done to it, or said.
    if (live.length > 0 || signals) this.begin(how, live);
    this.begun = true;
  }

  /**
   * Tears the session down. `everybody`: a signal goes to every process of the server, as from a
   * terminal or a service manager.
   */
  begin(how: EndHow, conns: Iterable<number>, everybody = false): void {
    this.begun = true;
    this.#emit({ kind: 'teardown', t: this.#session.now(), how });
    const signal = SIGNALS[how];
    if (signal !== undefined) {
      for (const pid of this.#pids(everybody)) native.sendSignal(pid, signal);
      if (how === 'sigkill') this.#session.killing.began();
      return;
    }
    this.#unmounted = how === 'unmount' ? [...conns] : [];
    for (const conn of conns) {
      if (how === 'unmount') this.#feed.shutdown(conn);
      else if (how === 'abort') this.#feed.abort(conn);
      else this.#feed.forceUnmount(conn);
    }
  }

  /** The server's process; its daemon, once the first one has gone. */
  #pids(everybody: boolean): readonly number[] {
    const pids = runningBelow(this.#keeperPid);
    if (everybody && pids.length > 0) return pids;
    return pids.includes(this.#session.pid) || pids.length === 0 ? [this.#session.pid] : pids;
  }

  /** Whether a process of the server is left. */
  get lives(): boolean {
    return runningBelow(this.#keeperPid).length > 0;
  }

  /** One look at whether every thread waits. */
  look(): Quiet | undefined {
    const quiet = lookQuiet(this.#keeperPid, this.#session.seam);
    // A thread that was sent a signal since sleeps as one that was not, and has it to handle yet.
    return quiet !== undefined && this.#session.turns.signalled() ? undefined : quiet;
  }

  /** Looks at a server that does not end. */
  idle(idleMs: number): void {
    if (this.#judged) return;
    const quiet = this.look();
    if (quiet !== undefined && quiet.threads.length === 0) return;
    if (quiet?.proven) this.#hang('proven', idleMs, quiet);
    else if (quiet !== undefined && idleMs > STALL_MS) this.#stalled(idleMs, quiet);
    else if (quiet === undefined) this.#busy(idleMs);
  }

  /** It was told to end, and its connection lives: no proof, but it had its time. */
  overdue(ms: number): void {
    if (this.#judged) return;
    const quiet = this.look();
    if (quiet === undefined || quiet.threads.length > 0) this.#hang('stalled', ms, quiet);
  }

  /** A thread in the kernel's own work (a disk under load) has not come to where it can be judged. */
  #stalled(idleMs: number, quiet: Quiet): void {
    const busy = quiet.threads.some(sleepsInKernel);
    if (!busy || idleMs > KERNEL_MS) this.#hang('stalled', idleMs, quiet);
  }

  /** It runs, or waits for a CPU. */
  #busy(idleMs: number): void {
    const used = cpuMsBelow(this.#keeperPid);
    if (idleMs < this.#idleMs || this.#idleMs === 0) this.#usedBefore = used;
    this.#idleMs = idleMs;
    const spins = idleMs > SPIN_MS && used - this.#usedBefore > SPIN_CPU_MS;
    if (spins || idleMs > KERNEL_MS) this.#hang('spin', idleMs, undefined);
  }

  #hang(
    verdict: HangEvent['verdict'],
    idleMs: number,
    quiet: Quiet | undefined,
    calls?: string[],
  ): void {
    const isDevice = (fd: number) => this.#session.device.byDescriptor(fd) !== undefined;
    const threads = (quiet?.threads ?? []).map((thread) => {
      const { pid, tid, comm, wait, wchan, nr } = thread;
      return { pid, tid, comm, wait, wchan, nr, on: waitsOn(thread, isDevice) };
    });
    const t = this.#session.now();
    const spin = calls === undefined ? {} : { calls };
    // A block device's unmount waits for the server before the connection ends (fuse_kill_sb_blk()).
    const waited = this.#unmounted.some((conn) => this.#feed.connected(conn));
    const unended = waited ? { unended: waited } : {};
    this.#judged = true;
    this.#emit({ kind: 'hang', t, verdict, seconds: idleMs / 1000, threads, ...spin, ...unended });
    if (!this.#stacks) {
      this.kill();
      return;
    }
    takeStacks(this.#session.watches, runningBelow(this.#keeperPid), (stacks, tool) => {
      if (tool !== undefined) {
        this.#emit({ kind: 'stacks', t: this.#session.now(), tool, stacks });
      }
      this.kill();
    });
  }

  /** A server that calls the dead device for ever: reads that fail and are made again. */
  spin(noise: Noise): void {
    if (this.#judged) return;
    this.#hang('spin', (this.#session.now() - noise.since) / 1e6, undefined, noise.describe());
  }

  kill(): void {
    this.#judged = true;
    this.#session.killing.all();
  }
}
