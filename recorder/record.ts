/**
 * The recorder: runs the server in front of the real kernel and writes down what both say. It ends
 * when the last process of the server has ended, by whatever cause.
 */
import { native } from '../native/load.ts';
import type { BeginEvent, EndEvent, SessionEvent } from '../rig/events.ts';
import { errnoName } from '../rig/protocol/errno.ts';
import { launch, serverStart } from '../rig/seam/launch.ts';
import { NOISE_MAX, NOISE_NS, Noise } from '../rig/seam/noise.ts';
import { type Director, Session } from '../rig/session.ts';
import { CaptureError } from './capture/error.ts';
import { CaptureWriter } from './capture/writer.ts';
import { hostFacts } from './host.ts';
import { keepFixture } from './keep_fixture.ts';
import type { RecordHooks, RecordOptions, RecordProgress, RecordResult } from './options.ts';
import { RealKernel } from './relay.ts';
import { rootedForRecord } from './rooted.ts';
import { Mounts } from './unmounting.ts';

const PROGRESS_NS = 100e6;
/** After Ctrl-C, or when it was told to end: how long the server may take to end by itself before it is killed. */
const STOP_MS = 10_000;
const SIGTERM = 15;

class Recorder implements Director {
  readonly counts: RecordProgress = { requests: 0, replies: 0, bytes: 0, mounted: undefined };
  exit: RecordResult['exit'] = null;
  opened = false;
  mountFailed: RecordResult['mountFailed'];
  noise: RecordResult['noise'];
  reason: EndEvent['reason'] = 'server-exit';
  readonly mounts = new Mounts();
  readonly #noise = new Noise();
  #stopped = 0;
  #stopAt = 0;
  #lastProgress = Number.NEGATIVE_INFINITY;
  readonly #session: Session;
  readonly #hooks: RecordHooks;

  constructor(session: Session, hooks: RecordHooks) {
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
    if (ending && now - this.#stopAt > STOP_MS * 1e6) this.#kill();
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
    native.sendSignal(tid, SIGTERM);
  }

  idle(): void {
    this.pump();
  }

  /** Ctrl-C: unmount first, so that the server ends as it would; twice: kill. */
  control(): void {
    if (this.#hooks.stops() <= this.#stopped) return;
    this.#stopped = this.#hooks.stops();
    this.reason = 'interrupt';
    if (this.#stopped > 1) {
      this.#kill();
      return;
    }
    this.#stopAt = this.#session.now();
    if (!this.mounts.unmountNext(this.#session)) native.sendSignal(this.#session.pid, SIGTERM);
  }

  #kill(): void {
    this.#stopAt = Number.MAX_SAFE_INTEGER;
    this.#session.killing.all();
  }
}

export async function record(options: RecordOptions, hooks: RecordHooks): Promise<RecordResult> {
  const begin: BeginEvent = {
    kind: 'begin',
    t: 0,
    ...hostFacts(),
    server: serverStart(options),
    ...(options.mountpoint === undefined ? {} : { mountpoint: options.mountpoint }),
    ...(options.fixture === undefined ? {} : { fixture: options.fixture }),
  };
  const writer = CaptureWriter.create(options.output, begin, { force: options.force });
  try {
    if (options.fixture !== undefined) {
      await keepFixture(writer, options.fixture, () => hooks.stops() > 0);
    }
    return await recordInto(writer, options, hooks);
  } catch (error) {
    // Nothing was captured, or recordInto has closed it and kept what was.
    writer.discard();
    throw error;
  }
}

async function recordInto(
  writer: CaptureWriter,
  options: RecordOptions,
  hooks: RecordHooks,
): Promise<RecordResult> {
  const launched = launch({ ...options, ...rootedForRecord(options.root, options.fixture) });
  const kernel = new RealKernel();
  let recorder: Recorder | undefined;
  const session = new Session(launched, kernel, (event) => {
    if (recorder?.isNoise(event)) return;
    if (event.kind !== 'begin' && event.kind !== 'end') writer.write(event);
    recorder?.note(event);
  });
  recorder = new Recorder(session, hooks);
  const { seam, mounts } = session;
  kernel.connect({
    seam,
    watch: (fd, action) => session.watches.add(fd, action),
    watchNext: (tag) => session.watches.next(tag),
    unwatch: (tag) => session.watches.remove(tag),
    onMounted: (handle, result) => session.mounts.finishWaiting(handle, result),
    onUnmounted: (target, result) => session.mounts.finishUnmount(target, result),
  });
  const { mounts: made } = recorder;
  const rooted = options.root !== undefined;
  mounts.announce = (target, tid) => made.announce(session, target, rooted ? tid : undefined);
  session.output.full = () => hooks.outputFull();
  hooks.started(session.seam.wakeFd);
  try {
    session.run(recorder);
  } catch (error) {
    if (recorder.counts.requests > 0 || error instanceof CaptureError) writer.abandon();
    throw error;
  } finally {
    kernel.closeAll();
    await session.close();
  }
  const { mounted, ...counted } = recorder.counts;
  const { requests, replies } = counted;
  const { reason, mountFailed, exit, noise } = recorder;
  const kept = requests > 0 || mounted !== undefined;
  if (kept) writer.close({ kind: 'end', t: session.now(), reason, requests, replies });
  else writer.discard();
  hooks.progress(recorder.counts);
  return {
    reason,
    ...counted,
    exit,
    neverOpened: !recorder.opened,
    mountFailed,
    noise,
    survivors: session.killing.survivors,
    kept,
    seconds: session.now() / 1e9,
  };
}
