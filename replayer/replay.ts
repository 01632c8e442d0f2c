/**
 * The replayer: feeds a capture to the server program as it is, in front of the model kernel, and
 * says what came of it. No kernel FUSE, no mount, no privilege.
 */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CaptureReader } from '../recorder/capture/reader.ts';
import { CaptureWriter } from '../recorder/capture/writer.ts';
import { restoreFixture } from '../recorder/fixture/restore.ts';
import { removeScratch } from '../recorder/fixture/scratch.ts';
import { hostFacts } from '../recorder/host.ts';
import type { Finding } from '../rig/checks/finding.ts';
import { Termination } from '../rig/checks/termination.ts';
import { type BeginEvent, isEmitted, type ReplayEvent } from '../rig/events.ts';
import { ModelKernel } from '../rig/kernel/model.ts';
import { recordedSwitches, type VersionName } from '../rig/kernel/versions.ts';
import { backingFile } from '../rig/seam/backing_calls.ts';
import { possibleCpus, ShownCpus } from '../rig/seam/cpus.ts';
import {
  type LaunchOptions,
  launch,
  makeScratch,
  type Scratch,
  serverStart,
} from '../rig/seam/launch.ts';
import type { PoisonExtent } from '../rig/seam/poison.ts';
import { InterruptError, Session } from '../rig/session.ts';
import type { Backing } from './backing.ts';
import { lookForPoison, watchBuffers } from './buffers.ts';
import { CanonicalLog, LOGGED } from './canonical.ts';
import { checksOf } from './checks.ts';
import { fillCommand, placeOfFixture, recordedCommand } from './command.ts';
import { Cursor } from './cursor.ts';
import { type EndHow, Ending } from './ending.ts';
import { makeMountpoint, targetKind } from './mountpoint.ts';
import type { OwnerMap } from './normal.ts';
import { ownersFor } from './owners.ts';
import { fixturePieces, offerWith, type Prologue, prologue } from './prologue.ts';
import { Replayer } from './replayer.ts';
import { Routes } from './routes.ts';
import { Watched } from './watched.ts';

export interface ReplayOptions {
  capture: string;
  /** With placeholders; empty: the recorded command. */
  command: readonly string[];
  end: EndHow;
  /** One request at a time, whatever was concurrent in the capture. */
  serial?: boolean;
  /** Where the server is started; the recorded directory if that exists, else the scratch one. */
  cwd?: string;
  /** How requests may come: `device` offers no ring. */
  transport?: 'any' | 'device';
  /** Possible CPUs, and so queues of a ring, that the server is shown. */
  cpus?: number;
  /** What kind of kernel it shall be; as the capture says by default. */
  kernel?: VersionName;
  /** Requests have uniques above this, as on a connection that is old. */
  uniqueBase?: bigint;
  /** What of a ring's buffers is poisoned while the kernel owns them; `used` by default. */
  poison?: PoisonExtent;
  /** Restore device nodes of the fixture: only for captures whose author is trusted. */
  allowDevices?: boolean;
  /** A capture of this run, for `fuse-rig show`: what the canonical log leaves out is there. */
  keep?: string;
  /** Directory, not there yet, in which the fixture is kept as the server leaves it. */
  keepFixture?: string;
  /** Lines of the canonical log. */
  logLine?: (line: string) => void;
  /** Bytes of the server's own output kept for the report. */
  outputMax?: number;
}

export interface ReplayHooks {
  progress(done: number): void;
  stops(): number;
  started(wakeFd: number): void;
}

export interface ReplayResult {
  command: string[];
  requests: number;
  /** SHA-256 of the canonical log, first 12 hex digits. */
  log: string;
  findings: Finding[];
  output: string;
  seconds: number;
  exit: { code: number | null; signal: number | null } | null;
  /** The ring the server made: its queues, the most entries of one, and requests that came over it. */
  ring: { queues: number; depth: number; requests: number };
  /** Requests answered here that the capture never answered; informative. */
  news: number;
  /** Requests asked while others were unanswered: their order in the server is its threads'. */
  overlaps: number;
  /** What the server asked for and the rig can neither do nor let the kernel do. */
  unsupported: string[];
}

const SIGTERM = 15;
/** What the termination check looks at. */
const ENDS = ['exit', 'hang', 'teardown', 'register'] as const;

/** Where the server runs: the recorded working directory, if it is there. */
function workingDirectory(options: ReplayOptions, begin: BeginEvent, scratch: string): string {
  if (options.cwd !== undefined) return options.cwd;
  // With a command of the caller's own, relative paths are the caller's.
  if (options.command.length > 0) return process.cwd();
  return existsSync(begin.server.cwd) ? begin.server.cwd : scratch;
}

export async function replay(options: ReplayOptions, hooks: ReplayHooks): Promise<ReplayResult> {
  const reader = CaptureReader.open(options.capture);
  let kept: Scratch | undefined;
  try {
    kept = makeScratch('replay');
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
    return await run(reader, { ...options, command, cwd, backing }, hooks, before, owners);
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

/** The capture of a run begins as a recording does. */
function keeper(path: string, start: LaunchOptions, cpus: number): CaptureWriter {
  const begin = { kind: 'begin' as const, t: 0, ...hostFacts(), server: serverStart(start), cpus };
  return CaptureWriter.create(path, begin, { force: true });
}

async function run(
  reader: CaptureReader,
  options: ReplayOptions & { cwd: string; backing: Backing | undefined },
  hooks: ReplayHooks,
  before: Prologue,
  owners: OwnerMap,
): Promise<ReplayResult> {
  const { command, cwd } = options;
  const cpus = options.cpus ?? reader.begin.cpus ?? possibleCpus();
  const shown = new ShownCpus(cpus);
  const start = {
    command,
    cwd,
    env: { ...(process.env as Record<string, string>) },
    umask: reader.begin.server.umask,
    calls: shown.calls,
  };
  const writer = options.keep === undefined ? undefined : keeper(options.keep, start, cpus);
  const launched = launch(start);
  const enabled = options.transport !== 'device';
  const model = new ModelKernel({
    offer: offerWith(before.offer, enabled),
    ring: { enabled, cpus },
    switches: recordedSwitches(reader.begin, options.kernel),
    uniqueBase: options.uniqueBase ?? 0n,
    world: { target: targetKind, busy: (conn) => cursor.busy(conn), backingFile },
  });
  const log = new CanonicalLog(options.logLine);
  const checks = checksOf(cpus);
  const routes = new Routes();
  const { emit } = routes;
  routes.add((e) => log.take(e), LOGGED);
  if (writer !== undefined) routes.add((e) => isEmitted(e) && writer.write(e));
  const session = new Session(launched, model, emit, shown);
  const poison = watchBuffers(session, options.poison ?? 'used', emit);
  const cursor = new Cursor(reader.events(true), model, owners, emit, {
    cpus,
    serial: options.serial === true,
  });
  const watched = new Watched(session, launched, emit);
  model.onInit = (conn) => {
    cursor.initialised(conn, model.negotiated(conn));
    watched.count();
  };
  model.onMounted = (handle, result) => session.mounts.finishWaiting(handle, result);
  model.onUnmounted = (target, result) => session.mounts.finishUnmount(target, result);
  const ending = new Ending(session, model, launched.keeperPid, emit);
  const replayer = new Replayer(session, cursor, ending, options, hooks);
  replayer.queuesMissing = (conn) => model.rings.missingQueues(conn);
  for (const check of checks) routes.add((e) => check.take(e), check.kinds);
  // The recorded exit code is known only when the cursor has passed it: the check is made last.
  const ends: ReplayEvent[] = [];
  routes.add((e) => watched.take(e));
  routes.add((e) => ends.push(e), ENDS);
  // Last: a reply may make requests due, and be still on its way when they are delivered.
  routes.add((e) => replayer.take(e));
  session.mounts.mounted = (target) => session.seam.allowPath(target);
  hooks.started(session.seam.wakeFd);
  try {
    session.run(replayer);
    lookForPoison(poison, options.backing, session.now());
  } finally {
    await session.close();
    const t = session.now();
    const counts = { requests: cursor.index, replies: replayer.replies };
    writer?.close({ kind: 'end', t, reason: 'server-exit', ...counts });
  }
  if (hooks.stops() > 0) throw new InterruptError('stopped: nothing is concluded');
  cursor.finish();
  const recorded = cursor.capturedExit?.code ?? 0;
  const termination =
    options.end === 'sigterm' ? new Termination(undefined, [SIGTERM]) : new Termination(recorded);
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
    unsupported: replayer.unsupported,
  };
}
