/**
 * The recorder's director: counts what comes, shows progress, ends what does not end, and obeys Ctrl-C.
 */
import { native } from '../native/load.ts';
import type { EndEvent, SessionEvent } from '../rig/events.ts';
import { errnoName } from '../rig/protocol/errno.ts';
import { NOISE_MAX, NOISE_NS, Noise } from '../rig/seam/noise.ts';
import type { Director, Session } from '../rig/session.ts';
import type { Alongside } from './alongside.ts';
import type { RecordHooks, RecordProgress } from './options.ts';
import { Mounts } from './unmounting.ts';

const PROGRESS_NS = 100e6;
/** After Ctrl-C, or when it was told to end: how long the server may take to end by itself before it is killed. */
const STOP_MS = 10_000;
const SIGTERM = 15;

export class Recorder implements Director {
  readonly counts: RecordProgress = { requests: 0, replies: 0, bytes: 0, mounted: undefined };
  /** How the server's first process ended; null while unknown. */
  exit: { code: number | null; signal: number | null } | null = null;
  opened = false;
  /** The last mount(2) that failed. */
  mountFailed: { target: string; errno: string } | undefined;
  /** Calls that it made in vain until it was told to end. */
  noise: string[] | undefined;
  reason: EndEvent['reason'] = 'server-exit';
  readonly mounts = new Mounts();
  readonly #noise = new Noise();
  #stopped = 0;
  #stopAt = 0;
  #lastProgress = Number.NEGATIVE_INFINITY;
  readonly #session: Session;
  readonly #hooks: RecordHooks;

  readonly #alongside: Alongside | undefined;

  constructor(session: Session, hooks: RecordHooks, alongside?: Alongside) {
    this.#alongside = alongside;
    this.#session = session;
    this.#hooks = hooks;
  }

  get done(): boolean {
    return this.#session.empty;
  }

  /** Whether the event is only more of the same noise, not worth keeping: calls, and complaints of them. */
  isNoise(event: SessionEvent): boolean {
    const failed = this.#noise.take(event);
    const complaint = event.kind === 'output' && this.#noise.dead && this.noise === undefined;
    return (failed || complaint) && this.#noise.count > NOISE_MAX;
  }

  /** Keeps count of what the session emits. */
  note(event: SessionEvent): void {
    if (event.kind === 'request') {
      this.counts.requests++;
      this.counts.bytes += event.bytes.length;
    } else if (event.kind === 'reply') {
      this.counts.replies++;
      this.counts.bytes += event.bytes.length;
    } else if (event.kind === 'open') this.opened = true;
    else if (event.kind === 'mount') {
      if (event.result === 0 && event.target !== '') {
        this.counts.mounted = event.target;
        this.mounts.made(event.target);
      } else if (event.result !== 0) {
        this.mountFailed = { target: event.target, errno: errnoName(event.result) };
      }
    }
    if (event.kind === 'exit' && event.main) {
      this.exit = { code: event.code, signal: event.signal };
    } else if (event.kind === 'output') this.#hooks.output(event.fd, event.bytes);
  }

  pump(): void {
    const now = this.#session.now();
    if (now - this.#lastProgress >= PROGRESS_NS) {
      this.#lastProgress = now;
      this.#hooks.progress(this.counts);
    }
    this.#endNoise(now);
    const ending = this.#stopped > 0 || this.noise !== undefined;
    if (ending && now - this.#stopAt > STOP_MS * 1e6) this.#kill('time');
  }

  /**
   * The connection is gone and the server only makes calls that fail: left alone, some do so for ever.
   * A signal lets it end as it would, and bring what it holds to its files.
   */
  #endNoise(now: number): void {
    const { dead, count, since, tid } = this.#noise;
    if (this.noise !== undefined || !dead || count <= NOISE_MAX || now - since < NOISE_NS) return;
    this.noise = this.#noise.describe();
    if (this.reason === 'server-exit') this.reason = 'unmount';
    this.#stopAt = now;
    if (this.#alongside !== undefined) this.#alongside.spins(this.#noise);
    else native.sendSignal(tid, SIGTERM);
  }

  idle(idleMs: number): void {
    this.pump();
    this.#alongside?.idle(idleMs);
  }

  /** Ctrl-C: unmount first, so that the server ends as it would; twice: kill. */
  control(): void {
    if (this.#hooks.stops() <= this.#stopped) return;
    this.#stopped = this.#hooks.stops();
    this.reason = 'interrupt';
    if (this.#stopped > 1) {
      this.#kill('asked');
      return;
    }
    this.#stopAt = this.#session.now();
    this.#alongside?.stopping();
    if (this.mounts.unmountNext(this.#session)) return;
    if (this.#alongside !== undefined) this.#alongside.unmounted();
    else native.sendSignal(this.#session.pid, SIGTERM);
  }

  #kill(why: 'asked' | 'time'): void {
    this.#stopAt = Number.MAX_SAFE_INTEGER;
    if (this.#alongside !== undefined) {
      this.#alongside.killing(why);
      return;
    }
    this.#session.killing.all();
  }
}
