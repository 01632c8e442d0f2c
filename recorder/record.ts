/**
 * The recorder: runs the server in front of the real kernel and writes down what both say. It ends
 * when the last process of the server has ended, by whatever cause.
 */
import type { BeginEvent, SessionEvent } from '../rig/events.ts';
import { launch, serverStart } from '../rig/seam/launch.ts';
import { Session } from '../rig/session.ts';
import type { Alongside } from './alongside.ts';
import { CaptureError } from './capture/error.ts';
import { CaptureWriter } from './capture/writer.ts';
import { hostFacts } from './host.ts';
import { keepFixture } from './keep_fixture.ts';
import type { RecordHooks, RecordOptions, RecordResult } from './options.ts';
import { Recorder } from './recorder.ts';
import { RealKernel } from './relay.ts';
import { rootedForRecord } from './rooted.ts';

/** `alongside`: faults and their judge, of a live session. */
export async function record(
  options: RecordOptions,
  hooks: RecordHooks,
  alongside?: Alongside,
): Promise<RecordResult> {
  const begin: BeginEvent = {
    kind: 'begin',
    t: 0,
    ...hostFacts(),
    server: serverStart(options),
    ...(options.mountpoint === undefined ? {} : { mountpoint: options.mountpoint }),
    ...(options.fixture === undefined ? {} : { fixture: options.fixture }),
    ...(options.root === undefined ? {} : { root: options.root.dir }),
  };
  const { output, force } = options;
  const writer = output === undefined ? undefined : CaptureWriter.create(output, begin, { force });
  try {
    if (options.fixture !== undefined && writer !== undefined) {
      await keepFixture(writer, options.fixture, () => hooks.stops() > 0);
    }
    return await recordInto(writer, options, hooks, alongside);
  } catch (error) {
    // Nothing was captured, or recordInto has closed it and kept what was.
    writer?.discard();
    throw error;
  }
}

async function recordInto(
  writer: CaptureWriter | undefined,
  options: RecordOptions,
  hooks: RecordHooks,
  alongside: Alongside | undefined,
): Promise<RecordResult> {
  const launched = launch({ ...options, ...rootedForRecord(options.root, options.fixture) });
  const kernel = new RealKernel();
  let recorder: Recorder | undefined;
  const emit = (event: SessionEvent) => {
    if (recorder?.isNoise(event)) return;
    if (event.kind !== 'begin' && event.kind !== 'end') writer?.write(event);
    recorder?.note(event);
    alongside?.take(event);
  };
  const session = new Session(launched, kernel, emit, undefined, alongside?.decider);
  recorder = new Recorder(session, hooks, alongside);
  const { keeperPid, base } = launched;
  alongside?.begin({ session, kernel, recorder, keeperPid, base });
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
    if (recorder.counts.requests > 0 || error instanceof CaptureError) writer?.abandon();
    throw error;
  } finally {
    kernel.closeAll();
    hooks.closing?.();
    await session.close();
  }
  const { mounted, ...counted } = recorder.counts;
  const { requests, replies } = counted;
  const { reason, mountFailed, exit, noise } = recorder;
  const kept = requests > 0 || mounted !== undefined;
  if (kept) writer?.close({ kind: 'end', t: session.now(), reason, requests, replies });
  else writer?.discard();
  hooks.progress(recorder.counts);
  return {
    reason,
    mounted,
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
