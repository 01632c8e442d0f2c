/**
 * The replayer: feeds a capture to the server program as it is, in front of the model kernel, and
 * says what came of it. No kernel FUSE, no mount, no privilege.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { CaptureReader } from '../recorder/capture/reader.ts';
import { restoreFixture } from '../recorder/fixture/restore.ts';
import { removeScratch } from '../recorder/fixture/scratch.ts';
import type { Decider } from '../rig/decider.ts';
import { InterruptError } from '../rig/interrupt_error.ts';
import { recordedSwitches } from '../rig/kernel/versions.ts';
import { possibleCpus, ShownCpus } from '../rig/seam/cpus.ts';
import type { LaunchOptions } from '../rig/seam/launch.ts';
import { makeScratch, type Scratch, scratchIn } from '../rig/seam/scratch.ts';
import { type Act, type ActOptions, act, foundIn, type Stage } from './act.ts';
import { CanonicalLog } from './canonical.ts';
import { CommandError, fillCommand, placeOfFixture, recordedCommand } from './command.ts';
import { Injected, type Unseen } from './injected.ts';
import { keeper } from './kept.ts';
import { type Looking, playAndLook } from './looking.ts';
import { makeMountpoint } from './mountpoint.ts';
import type { ReplayHooks, ReplayOptions, ReplayResult } from './options.ts';
import { fixturePieces, prologue } from './prologue.ts';
import { ownersFor, withPlaces, workingDirectory } from './surroundings.ts';

export type * from './options.ts';

/** A rule that starts the server again, as text. */
const RESTART = /(^|:)restart\b/;

/** `decider`: what is asked for faults, with the plan of `options.faults`. A crash is not looked at. */
export const replay = (
  options: ReplayOptions,
  hooks: ReplayHooks,
  decider?: Decider,
): Promise<ReplayResult> => play(options, hooks, decider);

/** A replay for a person, who is told where a server crashed; `decider` makes one for each run. */
export const replayAndLook = (
  options: ReplayOptions,
  hooks: ReplayHooks,
  decider: () => Decider | undefined,
): Promise<ReplayResult> => playAndLook(play, options, hooks, decider);

async function play(
  options: ReplayOptions,
  hooks: ReplayHooks,
  decider?: Decider,
  looking?: Looking,
): Promise<ReplayResult> {
  if ((options.sessions ?? 1) > 1 && options.faults?.some((rule) => RESTART.test(rule))) {
    const remedy = 'leave out --sessions, or the rule';
    throw new CommandError(`--sessions: a restart begins another process; ${remedy}`);
  }
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
    const { starter } = kept;
    const all: ActOptions = { ...options, command, cwd, backing, decider, starter, ...root };
    return await run({ reader, options: all, hooks, before, owners, looking, scratch });
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

function startOf(
  { command, cwd, root, decider, starter }: ActOptions,
  reader: CaptureReader,
  shown: ShownCpus,
): LaunchOptions {
  const calls = [...new Set([...shown.calls, ...(decider?.calls ?? [])])];
  const env = { ...(process.env as Record<string, string>) };
  const { umask } = reader.begin.server;
  return { command, cwd, env, umask, calls, starter, ...(root === undefined ? {} : { root }) };
}

type Set = Pick<
  Stage,
  'reader' | 'options' | 'hooks' | 'before' | 'owners' | 'looking' | 'scratch'
>;

async function run(set: Set): Promise<ReplayResult> {
  const { reader, options, hooks, looking } = set;
  const cpus = options.cpus ?? reader.begin.cpus ?? possibleCpus();
  const shown = new ShownCpus(cpus);
  const start = startOf(options, reader, shown);
  const ring = options.transport !== 'device';
  const switches = recordedSwitches(reader.begin, options.kernel);
  const played = { kernel: options.kernel ?? reader.begin.kernel, switches, ring };
  const writer = options.keep === undefined ? undefined : keeper(options.keep, start, cpus, played);
  const injected = new Injected(options.faults ?? []);
  const log = new CanonicalLog(options.logLine);
  const stage: Stage = {
    ...{ ...set, cpus, shown, start, ring, switches },
    ...{ writer, injected, log },
  };
  const acts: Act[] = [];
  try {
    do acts.push(await act(stage, acts.at(-1)));
    while (acts.at(-1)?.cursor.halted && hooks.stops() === 0 && looking?.seen === undefined);
  } finally {
    writer?.close({ kind: 'end', t: endOf(acts), reason: 'server-exit', ...countsOf(acts) });
  }
  if (hooks.stops() > 0) throw new InterruptError('stopped: nothing is concluded');
  const { root } = reader.begin;
  const elsewhere = root === undefined || options.root !== undefined ? {} : { recordedRoot: root };
  return { ...conclude(options.command, acts, log, injected), ...elsewhere };
}

const endOf = (acts: readonly Act[]): number => acts.at(-1)?.session.now() ?? 0;

const countsOf = (acts: readonly Act[]) => ({
  requests: acts.at(-1)?.cursor.index ?? 0,
  replies: acts.reduce((sum, { replayer }) => sum + replayer.replies, 0),
});

function hangOf({ session, ends }: Act): ReplayResult['hang'] {
  const hang = ends.find((event) => event.kind === 'hang');
  return hang && { at: session.t0 + hang.t, idleMs: hang.seconds * 1000 };
}

function unseenBy(acts: readonly Act[]): Unseen {
  const emitters = acts.map(({ session }) => session.rings.emitter);
  const rings = emitters.reduce((sum, { made }) => sum + made, 0);
  const crashed = ({ ends }: Act) => ends.some((e) => e.kind === 'exit' && e.signal !== null);
  return { rings, asked: emitters.flatMap(({ asked }) => asked), crashed: acts.some(crashed) };
}

/** What came of it. */
function conclude(
  command: readonly string[],
  acts: readonly Act[],
  log: CanonicalLog,
  injected: Injected,
): ReplayResult {
  const last = acts.at(-1) as Act;
  last.cursor.finish();
  log.planned(injected.lines());
  injected.concluded(unseenBy(acts));
  const hung = hangOf(last);
  const found = acts.map(foundIn);
  const crash = found.find((one) => one.crash !== undefined)?.crash;
  const sum = (of: (act: Act) => number) => acts.reduce((total, one) => total + of(one), 0);
  return {
    command: [...command],
    requests: last.cursor.index,
    log: log.digest(),
    findings: found.flatMap(({ findings }) => findings),
    output: acts.map(({ replayer }) => replayer.printed.text).join(''),
    seconds: endOf(acts) / 1e9,
    exit: last.replayer.exit,
    ...(hung === undefined ? {} : { hang: hung }),
    ...(crash === undefined ? {} : { crash }),
    ring: last.session.rings.emitter.shape,
    news: sum(({ replayer }) => replayer.news),
    overlaps: sum(({ cursor }) => cursor.overlaps),
    plan: injected.rules,
    unsupported: acts.flatMap(({ replayer }) => replayer.unsupported),
  };
}
