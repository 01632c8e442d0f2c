/**
 * The replayer: feeds a capture to the server program as it is, in front of the model kernel, and
 * says what came of it. No kernel FUSE, no mount, no privilege.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CaptureReader } from '../recorder/capture/reader.ts';
import { type RestoredFixture, restoreFixture } from '../recorder/fixture/restore.ts';
import { removeScratch } from '../recorder/fixture/scratch.ts';
import { Conformance } from '../rig/checks/conformance.ts';
import { Content } from '../rig/checks/content.ts';
import { Divergence } from '../rig/checks/divergence.ts';
import type { Check, Finding } from '../rig/checks/finding.ts';
import { Guarded } from '../rig/checks/guarded.ts';
import { Termination } from '../rig/checks/termination.ts';
import type { BeginEvent, MountEvent, ReplayEvent } from '../rig/events.ts';
import { ModelKernel } from '../rig/kernel/model.ts';
import { launch, makeScratch, type Scratch } from '../rig/seam/launch.ts';
import { type Director, InterruptError, Session } from '../rig/session.ts';
import { CanonicalLog } from './canonical.ts';
import { fillCommand, recordedCommand } from './command.ts';
import { Cursor } from './cursor.ts';
import { type EndHow, Ending } from './ending.ts';
import { type OwnerMap, SAME_OWNERS } from './normal.ts';
import { fixturePieces, type Prologue, prologue } from './prologue.ts';

export interface ReplayOptions {
  capture: string;
  /** With placeholders; empty: the recorded command. */
  command: readonly string[];
  end: EndHow;
  /** Where the server is started; the recorded directory if that exists, else the scratch one. */
  cwd?: string;
  /** Restore device nodes of the fixture: only for captures whose author is trusted. */
  allowDevices?: boolean;
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
  /** Requests answered here that the capture never answered; informative. */
  news: number;
}

/** How long nothing may come, with a server in a timed wait, before an answer counts as missing. */
const MISSING_MS = 3000;
const PROGRESS_NS = 100e6;
/** Calls, but no request taken and no answer given for this long: the server gets nowhere. */
const NOWHERE_NS = 3e9;
/** Failed calls in a row on a dead device: the server spins on it. */
const DEAD_READS_MAX = 1000;
const OUTPUT_MAX = 64 << 10;
const SIGTERM = 15;

class Replayer implements Director {
  exit: ReplayResult['exit'] = null;
  news = 0;
  output = '';
  #deadReads = 0;
  #progressAt = 0;
  #movedAt = 0;
  #finished = false;
  readonly #conns = new Set<number>();
  readonly #session: Session;
  readonly #cursor: Cursor;
  readonly #ending: Ending;
  readonly #end: EndHow;
  readonly #hooks: ReplayHooks;
  readonly #outputMax: number;

  constructor(
    session: Session,
    cursor: Cursor,
    ending: Ending,
    options: ReplayOptions,
    hooks: ReplayHooks,
  ) {
    this.#session = session;
    this.#cursor = cursor;
    this.#ending = ending;
    this.#end = options.end;
    this.#hooks = hooks;
    this.#outputMax = options.outputMax ?? OUTPUT_MAX;
  }

  get done(): boolean {
    return this.#finished;
  }

  take(event: ReplayEvent): void {
    if (event.kind === 'reply') this.#cursor.replied(event);
    else if (event.kind === 'mount') this.#mounted(event);
    else if (event.kind === 'news') this.news++;
    else if (event.kind === 'output') this.#print(event.bytes);
    else if (event.kind === 'exit' && event.main) {
      this.exit = { code: event.code, signal: event.signal };
    }
    this.#countDead(event);
    if (event.kind === 'request' || event.kind === 'answered') {
      this.#deadReads = 0;
      this.#movedAt = this.#session.now();
    }
  }

  /** Reads of a dead device fail, and after the teardown writes do. */
  #countDead(event: ReplayEvent): void {
    const read = event.kind === 'transport' && event.result < 0;
    const write = event.kind === 'reply' && event.result < 0 && this.#ending.begun;
    if ((read || write) && ++this.#deadReads > DEAD_READS_MAX) this.#ending.spin();
  }

  #mounted(event: MountEvent): void {
    if (event.result !== 0) return;
    this.#conns.add(event.conn);
    this.#cursor.connected(event.conn);
  }

  #print(bytes: Uint8Array): void {
    const room = this.#outputMax - this.output.length;
    if (room > 0) this.output += Buffer.from(bytes).toString().slice(0, room);
  }

  pump(): void {
    this.#cursor.pump();
    if (this.#session.now() - this.#progressAt > PROGRESS_NS) {
      this.#progressAt = this.#session.now();
      this.#hooks.progress(this.#cursor.index);
    }
    if (this.#session.empty) this.#drain();
    else if (this.#session.now() - this.#movedAt > NOWHERE_NS) this.#nowhere();
  }

  /** The server is busy, but not with what it is asked. */
  #nowhere(): void {
    this.#movedAt = this.#session.now();
    if (this.#ending.begun) this.#ending.spin();
    else if (this.#cursor.done) this.#ending.begin(this.#end, this.#conns);
    else this.#cursor.giveUp('missing', `the server is busy for ${NOWHERE_NS / 1e9} s`);
  }

  /** The server is gone: what was still due is named, not asked. */
  #drain(): void {
    while (!this.#cursor.done) {
      if (!this.#cursor.giveUp('ended', 'the server had ended')) break;
      this.#cursor.pump();
    }
    this.#finished = true;
  }

  idle(idleMs: number): void {
    this.pump();
    if (this.#finished) return;
    if (this.#ending.begun) this.#ending.idle(idleMs);
    else if (this.#cursor.done) this.#settle(idleMs);
    else this.#waitingFor(idleMs);
  }

  /**
   * Everything was asked. What the capture leaves unanswered is to reach the server, and to have
   * whatever effect it has there, before the end.
   */
  #settle(idleMs: number): void {
    const settled = !this.#session.device.deliverable && this.#ending.look() !== undefined;
    if (settled || idleMs > MISSING_MS) this.#ending.begin(this.#end, this.#conns);
  }

  /** An answer does not come. */
  #waitingFor(idleMs: number): void {
    const quiet = this.#ending.look();
    if (quiet === undefined) return;
    if (!quiet.proven && idleMs < MISSING_MS) return;
    const detail = quiet.proven ? 'every thread of the server waits' : `none in ${MISSING_MS} ms`;
    this.#cursor.giveUp('missing', detail);
    this.#cursor.pump();
  }

  control(): void {
    if (this.#hooks.stops() > 0) this.#ending.kill();
  }
}

/** Where the server runs: the recorded working directory, if it is there. */
function workingDirectory(options: ReplayOptions, begin: BeginEvent, scratch: string): string {
  if (options.cwd !== undefined) return options.cwd;
  // With a command of the caller's own, relative paths are the caller's.
  if (options.command.length > 0) return process.cwd();
  return existsSync(begin.server.cwd) ? begin.server.cwd : scratch;
}

/** Owners of the capture as this run has them: a fixture's single owner becomes the current user. */
function ownersFor(begin: BeginEvent, restored: RestoredFixture | undefined): OwnerMap {
  const { server } = begin;
  const uid = restored?.ownerMap?.uid ?? [server.uid, process.geteuid?.() ?? server.uid];
  const gid = restored?.ownerMap?.gid ?? [server.gid, process.getegid?.() ?? server.gid];
  if (uid[0] === uid[1] && gid[0] === gid[1]) return SAME_OWNERS;
  return {
    uid: (id) => (id === uid[0] ? uid[1] : id),
    gid: (id) => (id === gid[0] ? gid[1] : id),
  };
}

export async function replay(options: ReplayOptions, hooks: ReplayHooks): Promise<ReplayResult> {
  const reader = CaptureReader.open(options.capture);
  let kept: Scratch | undefined;
  try {
    kept = makeScratch('replay');
    const scratch = kept.path;
    const before = prologue(reader);
    const restored =
      before.fixture === undefined
        ? undefined
        : await restoreFixture(
            untilStopped(fixturePieces(reader), hooks),
            join(scratch, 'fixture'),
            {
              allowDevices: options.allowDevices === true,
            },
          );
    const mountpoint = join(scratch, 'mnt');
    mkdirSync(mountpoint);
    const paths = { mountpoint, fixture: restored?.path };
    const command =
      options.command.length > 0
        ? fillCommand(options.command, paths)
        : recordedCommand(reader.begin, before.mountpoint, paths);
    const cwd = workingDirectory(options, reader.begin, scratch);
    const owners = ownersFor(reader.begin, restored);
    return await run(reader, { ...options, command, cwd }, hooks, before, owners);
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

async function run(
  reader: CaptureReader,
  options: ReplayOptions & { cwd: string },
  hooks: ReplayHooks,
  before: Prologue,
  owners: OwnerMap,
): Promise<ReplayResult> {
  const { command, cwd } = options;
  const launched = launch({
    command,
    cwd,
    env: { ...(process.env as Record<string, string>) },
    umask: reader.begin.server.umask,
  });
  const model = new ModelKernel(before.offer === undefined ? {} : { offer: before.offer });
  const log = new CanonicalLog(options.logLine);
  const checks: Check[] = [new Divergence(), new Conformance(), new Content()].map(
    (check) => new Guarded(check),
  );
  const consumers: ((event: ReplayEvent) => void)[] = [(e) => log.take(e)];
  const emit = (event: ReplayEvent) => {
    for (const take of consumers) take(event);
  };
  const session = new Session(launched, model, emit);
  const cursor = new Cursor(reader.events(true), model, owners, emit);
  model.onInit = (conn) => cursor.initialised(conn, model.negotiated(conn));
  model.onMounted = (handle, result) => session.mounts.finishWaiting(handle, result);
  model.onUnmounted = (target, result) => session.mounts.finishUnmount(target, result);
  const ending = new Ending(session, model, launched.keeperPid, emit);
  const replayer = new Replayer(session, cursor, ending, options, hooks);
  consumers.push((e) => replayer.take(e), ...checks.map((c) => (e: ReplayEvent) => c.take(e)));
  // The recorded exit code is known only when the cursor has passed it: the check is made last.
  const ends: ReplayEvent[] = [];
  consumers.push((e) => {
    if (e.kind === 'exit' || e.kind === 'hang' || e.kind === 'teardown') ends.push(e);
  });
  session.mounts.mounted = (target) => session.seam.allowPath(target);
  hooks.started(session.seam.wakeFd);
  try {
    session.run(replayer);
  } finally {
    await session.close();
  }
  if (hooks.stops() > 0) throw new InterruptError('stopped: nothing is concluded');
  cursor.finish();
  const recorded = cursor.capturedExit?.code ?? 0;
  const termination = new Termination(recorded, options.end === 'sigterm' ? [SIGTERM] : []);
  for (const event of ends) termination.take(event);
  return {
    command: [...command],
    requests: cursor.index,
    log: log.digest(),
    findings: [...checks, termination].flatMap((check) => check.findings()),
    output: replayer.output,
    seconds: session.now() / 1e9,
    exit: replayer.exit,
    news: replayer.news,
  };
}
