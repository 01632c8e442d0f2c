/**
 * The replayer: feeds a capture to the server program as it is, in front of the model kernel, and
 * says what came of it. No kernel FUSE, no mount, no privilege.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { CaptureReader } from '../recorder/capture/reader.ts';
import { restoreFixture } from '../recorder/fixture/restore.ts';
import { removeScratch } from '../recorder/fixture/scratch.ts';
import type { Check } from '../rig/checks/finding.ts';
import { Termination } from '../rig/checks/termination.ts';
import type { Decider } from '../rig/decider.ts';
import { isEmitted, type ReplayEvent } from '../rig/events.ts';
import { ModelKernel } from '../rig/kernel/model.ts';
import { recordedSwitches } from '../rig/kernel/versions.ts';
import { backingFile } from '../rig/seam/backing_calls.ts';
import { possibleCpus, ShownCpus } from '../rig/seam/cpus.ts';
import {
  type LaunchOptions,
  launch,
  makeScratch,
  type Scratch,
  scratchIn,
} from '../rig/seam/launch.ts';
import { InterruptError, Session } from '../rig/session.ts';
import type { Backing } from './backing.ts';
import { lookForPoison, watchBuffers } from './buffers.ts';
import { CanonicalLog, LOGGED } from './canonical.ts';
import { CapturedOnly } from './captured_only.ts';
import { checksOf } from './checks.ts';
import { fillCommand, placeOfFixture, recordedCommand } from './command.ts';
import { Crashes, NAMING } from './crashes.ts';
import { Cursor } from './cursor.ts';
import { Ending } from './ending.ts';
import { injectInto } from './injecting.ts';
import { keeper } from './kept.ts';
import { makeMountpoint, targetKind } from './mountpoint.ts';
import type { OwnerMap } from './normal.ts';
import type { ReplayHooks, ReplayOptions, ReplayResult } from './options.ts';
import { fixturePieces, offerWith, type Prologue, prologue } from './prologue.ts';
import { Replayer } from './replayer.ts';
import { Routes } from './routes.ts';
import { ownersFor, withPlaces, workingDirectory } from './surroundings.ts';
import { Watched } from './watched.ts';

export type * from './options.ts';

/** What the termination check looks at. */
const ENDS = [
  'exit',
  'crash',
  'hang',
  'stacks',
  'unkillable',
  'teardown',
  'register',
  'injected',
] as const;

/** `decider`: what is asked for faults, with the plan of `options.faults`. */
export async function replay(
  options: ReplayOptions,
  hooks: ReplayHooks,
  decider?: Decider,
): Promise<ReplayResult> {
  const reader = CaptureReader.open(options.capture);
  let kept: Scratch | undefined;
  try {
    kept = options.place === undefined ? makeScratch('replay') : scratchIn(options.place);
    const scratch = kept.path;
    const before = prologue(reader);
    const place = placeOfFixture(options.keepFixture, before) ?? join(scratch, 'fixture');
    const allowDevices = options.allowDevices === true;
    const restored =
      before.fixture === undefined
        ? undefined
        : await restoreFixture(untilStopped(fixturePieces(reader), hooks), place, { allowDevices });
    const mountpoint = join(scratch, 'mnt');
    makeMountpoint(mountpoint, before.root);
    const paths = { mountpoint, fixture: restored?.path };
    const command =
      options.command.length > 0
        ? fillCommand(options.command, paths)
        : recordedCommand(reader.begin, before.mountpoint, paths);
    const cwd = workingDirectory(options, reader.begin, scratch);
    const owners = ownersFor(reader.begin, restored);
    const backing = restored && { path: restored.path, since: statSync(mountpoint).ctimeMs };
    const root = withPlaces(options.root, [scratch, ...(restored ? [restored.path] : [])]);
    const all = { ...options, command, cwd, backing, decider, ...root };
    return await run(reader, all, hooks, before, owners);
  } finally {
    reader.close();
    if (kept !== undefined) {
      removeScratch(kept.path);
      await kept.close();
    }
  }
}

function* untilStopped(pieces: Iterable<Uint8Array>, hooks: ReplayHooks): Generator<Uint8Array> {
  for (const piece of pieces) {
    if (hooks.stops() > 0) throw new InterruptError('stopped while the fixture was restored');
    yield piece;
  }
}

/** What the model tells those around it. */
function listen(model: ModelKernel, session: Session, cursor: Cursor, watched: Watched): void {
  model.onInit = (conn) => {
    cursor.initialised(conn, model.negotiated(conn));
    watched.count();
  };
  model.onMounted = (handle, result) => session.mounts.finishWaiting(handle, result);
  model.onUnmounted = (target, result) => session.mounts.finishUnmount(target, result);
  session.mounts.mounted = (target) => session.seam.allowPath(target);
}

function startOf(
  { command, cwd, root, decider }: ReplayOptions & { cwd: string; decider: Decider | undefined },
  reader: CaptureReader,
  shown: ShownCpus,
): LaunchOptions {
  const calls = [...new Set([...shown.calls, ...(decider?.calls ?? [])])];
  const env = { ...(process.env as Record<string, string>) };
  const { umask } = reader.begin.server;
  return { command, cwd, env, umask, calls, ...(root === undefined ? {} : { root }) };
}

async function run(
  reader: CaptureReader,
  options: ReplayOptions & {
    cwd: string;
    backing: Backing | undefined;
    decider: Decider | undefined;
  },
  hooks: ReplayHooks,
  before: Prologue,
  owners: OwnerMap,
): Promise<ReplayResult> {
  const { command } = options;
  const cpus = options.cpus ?? reader.begin.cpus ?? possibleCpus();
  const shown = new ShownCpus(cpus);
  const start = startOf(options, reader, shown);
  const ring = options.transport !== 'device';
  const switches = recordedSwitches(reader.begin, options.kernel);
  const played = { kernel: options.kernel ?? reader.begin.kernel, switches, ring };
  const writer = options.keep === undefined ? undefined : keeper(options.keep, start, cpus, played);
  const launched = launch(start);
  const offer = offerWith(before.offer, ring);
  const model = new ModelKernel({
    offer: (conn) => replayer.changes?.offer(conn, offer) ?? offer,
    ring: { enabled: ring, cpus },
    switches,
    uniqueBase: options.uniqueBase ?? 0n,
    world: { target: targetKind, busy: (conn) => cursor.busy(conn), backingFile },
  });
  const log = new CanonicalLog(options.logLine, options.decider && (() => cursor.moment));
  const checks = checksOf(cpus);
  const routes = new Routes();
  const { emit } = routes;
  routes.add((e) => log.take(e), LOGGED);
  if (writer !== undefined) routes.add((e) => isEmitted(e) && writer.write(e));
  const decider = options.decider && new CapturedOnly(options.decider, () => cursor);
  const session = new Session(launched, model, emit, shown, decider);
  const poison = watchBuffers(session, options.poison ?? 'used', emit);
  const cursor = new Cursor(reader.events(true), model, owners, emit, {
    cpus,
    serial: options.serial === true,
  });
  const watched = new Watched(session, launched, emit);
  listen(model, session, cursor, watched);
  cursor.onStop = () => log.cut();
  const ending = new Ending(session, model, launched.keeperPid, emit, options.stacks);
  const replayer = new Replayer(session, cursor, ending, options, hooks);
  replayer.stalled = emit;
  injectInto({ session, model, cursor, ending, replayer, cpus }, emit);
  replayer.queuesMissing = (conn) => model.rings.missingQueues(conn);
  for (const check of checks) routes.add((e) => check.take(e), check.kinds);
  // The recorded exit code is known only when the cursor has passed it: the check is made last.
  const ends: ReplayEvent[] = [];
  routes.add((e) => watched.take(e), ['teardown', 'answered']);
  routes.add((e) => ends.push(e), ENDS);
  const crashes = new Crashes(emit);
  routes.add((e) => crashes.take(e), NAMING);
  // Last: a reply may make requests due, and be still on its way when they are delivered.
  routes.add((e) => replayer.take(e));
  hooks.started(session.seam.wakeFd);
  try {
    session.run(replayer);
    lookForPoison(poison, options.backing, session.now());
  } finally {
    await session.close();
    crashes.close();
    const t = session.now();
    const { survivors } = session.killing;
    if (survivors.length > 0) emit({ kind: 'unkillable', t, processes: [...survivors] });
    const counts = { requests: cursor.index, replies: replayer.replies };
    writer?.close({ kind: 'end', t, reason: 'server-exit', ...counts });
  }
  if (hooks.stops() > 0) throw new InterruptError('stopped: nothing is concluded');
  cursor.finish();
  return conclude(command, { session, cursor, replayer, log }, checks, ends);
}

interface Parts {
  session: Session;
  cursor: Cursor;
  replayer: Replayer;
  log: CanonicalLog;
}

/** What came of it. `ends`: what the termination check is to look at. */
function conclude(
  command: readonly string[],
  { session, cursor, replayer, log }: Parts,
  checks: readonly Check[],
  ends: readonly ReplayEvent[],
): ReplayResult {
  log.planned(replayer.injected.lines());
  const termination = new Termination(cursor.capturedExit?.code ?? 0);
  for (const event of ends) termination.take(event);
  return {
    command: [...command],
    requests: cursor.index,
    log: log.digest(),
    findings: [...checks, termination].flatMap((check) => check.findings()),
    output: replayer.output,
    seconds: session.now() / 1e9,
    exit: replayer.exit,
    ring: session.rings.emitter.shape,
    news: replayer.news,
    overlaps: cursor.overlaps,
    plan: replayer.injected.rules,
    unsupported: replayer.unsupported,
  };
}
