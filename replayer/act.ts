/**
 * One act of a replay: a server is started and served until it has ended. A replay has one, or with a
 * fault that starts the server again one more each time: it goes on where the one before was cut off.
 */
import type { CaptureReader } from '../recorder/capture/reader.ts';
import type { CaptureWriter } from '../recorder/capture/writer.ts';
import type { Check, Finding } from '../rig/checks/finding.ts';
import { Termination } from '../rig/checks/termination.ts';
import type { Decider } from '../rig/decider.ts';
import { isEmitted, type ReplayEvent, type ReplaySink, type SessionEvent } from '../rig/events.ts';
import { ModelKernel } from '../rig/kernel/model.ts';
import type { Switches } from '../rig/kernel/versions.ts';
import { opcodeOf, uniqueOf } from '../rig/protocol/header.ts';
import { OP } from '../rig/protocol/opcodes.ts';
import { backingFile } from '../rig/seam/backing_calls.ts';
import type { ShownCpus } from '../rig/seam/cpus.ts';
import { type Launched, type LaunchOptions, launch } from '../rig/seam/launch.ts';
import type { Starter } from '../rig/seam/starter.ts';
import { Session } from '../rig/session.ts';
import type { Backing } from './backing.ts';
import { lookForPoison, watchBuffers } from './buffers.ts';
import { type CanonicalLog, LOGGED } from './canonical.ts';
import { CapturedOnly } from './captured_only.ts';
import { checksOf } from './checks.ts';
import { Crashes, NAMING } from './crashes.ts';
import { Cursor } from './cursor.ts';
import { Ending } from './ending.ts';
import type { Injected } from './injected.ts';
import { injectInto } from './injecting.ts';
import type { Looking } from './looking.ts';
import { targetKind } from './mountpoint.ts';
import type { OwnerMap } from './normal.ts';
import type { ReplayHooks, ReplayOptions } from './options.ts';
import { offerWith, type Prologue } from './prologue.ts';
import { Repeats } from './repeats.ts';
import { Replayer } from './replayer.ts';
import { Routes } from './routes.ts';
import { Succession } from './succession.ts';
import { Watched } from './watched.ts';

export interface ActOptions extends ReplayOptions {
  cwd: string;
  backing: Backing | undefined;
  decider: Decider | undefined;
  starter: Starter;
}

/** What all acts have in common. */
export interface Stage {
  readonly reader: CaptureReader;
  readonly options: ActOptions;
  readonly hooks: ReplayHooks;
  readonly before: Prologue;
  readonly owners: OwnerMap;
  readonly cpus: number;
  readonly shown: ShownCpus;
  readonly start: LaunchOptions;
  /** Rings are offered. */
  readonly ring: boolean;
  readonly switches: Switches;
  readonly writer: CaptureWriter | undefined;
  readonly injected: Injected;
  readonly log: CanonicalLog;
  /** This run is made to see where the server crashes. */
  readonly looking: Looking | undefined;
  readonly scratch: string;
}

export interface Act {
  readonly session: Session;
  readonly cursor: Cursor;
  readonly replayer: Replayer;
  readonly checks: readonly Check[];
  /** What the termination check is to look at. */
  readonly ends: readonly ReplayEvent[];
}

const ENDS = [
  ...(['exit', 'crash', 'hang', 'stacks', 'unkillable'] as const),
  ...(['teardown', 'register', 'injected'] as const),
] as const;

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

/** The captured INITs with their replies, before `until`: a session begins with them. */
function inits(reader: CaptureReader, until: number): SessionEvent[] {
  const found: SessionEvent[] = [];
  const asked = new Set<string>();
  for (const event of reader.events()) {
    if (event.t >= until) break;
    if (event.kind === 'request' && opcodeOf(event.bytes) === OP.INIT.opcode) {
      asked.add(`${event.conn}/${uniqueOf(event.bytes)}`);
      found.push({ ...event, bytes: event.bytes.slice() });
    } else if (event.kind === 'reply' && event.bytes.length >= 16) {
      if (!asked.delete(`${event.conn}/${uniqueOf(event.bytes)}`)) continue;
      found.push({ ...event, bytes: event.bytes.slice() });
    }
  }
  return found;
}

/** What an act plays: the capture, or INIT and what the one before has left of it. */
function* script(
  { reader }: Stage,
  last: Act | undefined,
  repeats: Repeats,
  begun: () => void,
): Generator<SessionEvent> {
  if (last === undefined) {
    yield* repeats.events();
    return;
  }
  const opening = inits(reader, last.cursor.passedUntil);
  yield* opening;
  if (opening.length > 0) begun();
  yield* last.cursor.rest();
}

function cursorOf(
  stage: Stage,
  model: ModelKernel,
  routes: Routes,
  succession: Succession,
  last: Act | undefined,
): Cursor {
  const { owners, cpus, options, reader } = stage;
  const mounted = (conn: number) => succession.mounted.has(conn);
  const repeats = new Repeats(reader, options.sessions ?? 1, mounted);
  const index = last?.cursor.index ?? 0;
  // With no INIT to begin with it has begun before there is a cursor.
  let cursor: Cursor | undefined;
  const events = succession.through(
    script(stage, last, repeats, () => cursor?.passedBefore(index)),
  );
  const serial = options.serial === true;
  const emit: ReplaySink = (event) => routes.emit(repeats.marked(event));
  cursor = new Cursor(events, model, owners, emit, { cpus, serial });
  return cursor;
}

/** Divergence is one for all acts: it knows which faults explain what. */
function checksIn({ cpus }: Stage, last: Act | undefined): Check[] {
  const checks = checksOf(cpus);
  return last === undefined ? checks : [...last.checks.slice(0, 1), ...checks.slice(1)];
}

function routed(stage: Stage, checks: readonly Check[]): Routes {
  const { writer, log } = stage;
  const routes = new Routes();
  routes.add((e) => log.take(e), LOGGED);
  if (writer !== undefined) routes.add((e) => isEmitted(e) && writer.write(e));
  for (const check of checks) routes.add((e) => check.take(e), check.kinds);
  return routes;
}

interface Played {
  readonly launched: Launched;
  readonly session: Session;
  readonly cursor: Cursor;
  readonly model: ModelKernel;
  readonly succession: Succession;
}

/** Who drives the session. */
function directed(stage: Stage, played: Played, routes: Routes) {
  const { options, hooks, injected } = stage;
  const { launched, session, cursor, model, succession } = played;
  const watched = new Watched(session, launched, routes.emit);
  listen(model, session, cursor, watched);
  const ending = new Ending(session, model, launched.keeperPid, routes.emit, options.stacks);
  const replayer = new Replayer(session, cursor, ending, options, hooks, injected);
  replayer.stalled = routes.emit;
  injectInto({ session, model, cursor, ending, replayer, cpus: stage.cpus }, routes.emit);
  replayer.queuesMissing = (conn) => model.rings.missingQueues(conn);
  routes.add((e) => watched.take(e), ['teardown', 'answered']);
  const { keeperPid } = launched;
  replayer.settled = (late) => succession.settled(session, keeperPid, late);
  succession.mountedAgain = () => ending.begin('sigterm', []);
  routes.add((e) => succession.take(e, session, keeperPid), ['mount', 'teardown']);
  return replayer;
}

/** Starts the server and serves it to its end; `last`: the act that was cut off. */
export async function act(stage: Stage, last?: Act): Promise<Act> {
  const { options, before, ring, cpus, switches, shown, hooks, looking } = stage;
  if (last !== undefined) options.decider?.restarted?.();
  const checks = checksIn(stage, last);
  const routes = routed(stage, checks);
  const { emit } = routes;
  const launched = launch(stage.start);
  const offer = offerWith(before.offer, ring);
  const model = new ModelKernel({
    offer: (conn) => replayer.changes?.offer(conn, offer) ?? offer,
    ring: { enabled: ring, cpus },
    switches,
    uniqueBase: options.uniqueBase ?? 0n,
    world: { target: targetKind, busy: (conn) => cursor.busy(conn), backingFile },
  });
  const decider = options.decider && new CapturedOnly(options.decider, () => cursor);
  const session = new Session(launched, model, emit, shown, decider, last?.session.t0);
  const poison = watchBuffers(session, options.poison ?? 'used', emit);
  const succession = new Succession(model, emit, (options.sessions ?? 1) > 1);
  const cursor = cursorOf(stage, model, routes, succession, last);
  succession.pause = () => {
    cursor.paused = true;
  };
  if (options.decider !== undefined) stage.log.follow(() => cursor.moment);
  cursor.onStop = () => stage.log.cut();
  const replayer = directed(stage, { launched, session, cursor, model, succession }, routes);
  // The recorded exit code is known only when the cursor has passed it: the check is made last.
  const ends: ReplayEvent[] = [];
  routes.add((e) => ends.push(e), ENDS);
  const crashes = new Crashes(emit, session.t0);
  routes.add((e) => crashes.take(e), NAMING);
  // Last: a reply may make requests due, and be still on its way when they are delivered.
  routes.add((e) => replayer.take(e));
  hooks.started(session.seam.wakeFd);
  try {
    looking?.watch(session, launched, stage.scratch);
    session.run(looking?.over(replayer) ?? replayer);
    lookForPoison(poison, options.backing, session.now());
  } finally {
    hooks.closing?.();
    await session.close();
    const { survivors } = session.killing;
    const t = session.now();
    if (survivors.length > 0) emit({ kind: 'unkillable', t, processes: [...survivors] });
  }
  return { session, cursor, replayer, checks, ends };
}

/** What the checks found, and what is known of a crash; `n`: how often the server was started before. */
export function foundIn({ cursor, checks, ends }: Act, n: number) {
  const termination = new Termination(cursor.halted ? undefined : (cursor.capturedExit?.code ?? 0));
  for (const event of ends) termination.take(event);
  const all = [...(n === 0 ? checks : checks.slice(1)), termination].flatMap((c) => c.findings());
  const again = (one: Finding) => ({ ...one, text: `${one.text}, started again` });
  return { findings: n === 0 ? all : all.map(again), crash: termination.crash };
}
