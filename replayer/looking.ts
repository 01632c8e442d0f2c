/**
 * Where a server crashed: it is played again with its threads watched by their keeper, who holds the one
 * that is about to die; its signal and stack are looked at, and the run is ended. Nothing else of that
 * run is of any use, and nothing of it is kept.
 */
import { join } from 'node:path';
import { CRASHED } from '../rig/checks/termination.ts';
import type { Decider } from '../rig/decider.ts';
import { errnoName } from '../rig/protocol/errno.ts';
import { writeCore } from '../rig/seam/core_file.ts';
import { type CrashSeen, crashWords, placed, readCrash } from '../rig/seam/crash_seen.ts';
import type { Launched } from '../rig/seam/launch.ts';
import { takeCoreStack } from '../rig/seam/stacks.ts';
import { KEEPER } from '../rig/seam/traps.ts';
import type { Director, Session } from '../rig/session.ts';
import type { ReplayHooks, ReplayOptions, ReplayResult } from './options.ts';

const SIGKILL = 9;

/** What a second run is made for. */
export class Looking {
  seen: CrashSeen | undefined;
  /** Why nobody could watch. */
  refused: string | undefined;
  /** A tool reads the stack: nobody is to judge the server meanwhile. */
  #reading = false;

  /** Before the server is told to start. `scratch`: where the core file may lie. */
  watch(session: Session, { pid, seam }: Launched, scratch: string): void {
    seam.keeperSend(KEEPER.watch, `${pid} ${process.pid}`);
    session.keeperSaid = (type, tid, status) => {
      if (type === KEEPER.watchBegun && status !== 0) this.refused = errnoName(-status);
      if (type !== KEEPER.crash || this.seen !== undefined) return;
      this.#look(session, readCrash(tid, status, new Uint8Array(seam.data)), scratch);
    };
  }

  #look(session: Session, { seen, held }: ReturnType<typeof readCrash>, scratch: string): void {
    this.seen = seen;
    const core = join(scratch, 'core');
    try {
      writeCore(core, held);
    } catch {
      // It is gone, or may not be read: its signal is known.
      session.killing.all();
      return;
    }
    this.#reading = true;
    takeCoreStack(session.watches, { pid: held.pid, core }, (frames, tool) => {
      this.#reading = false;
      this.seen = {
        ...seen,
        frames: placed(frames, held),
        ...(tool === undefined ? {} : { tool }),
      };
      session.killing.all();
    });
  }

  /** Who drives the session, but for a silence that is ours. */
  over(director: Director): Director {
    const reading = () => this.#reading;
    return {
      pump: () => director.pump(),
      idle: (ms) => void (reading() || director.idle(ms)),
      control: () => director.control(),
      get done() {
        return director.done && !reading();
      },
    };
  }
}

type Play = (
  options: ReplayOptions,
  hooks: ReplayHooks,
  decider: Decider | undefined,
  looking?: Looking,
) => Promise<ReplayResult>;

/** A replay and, where the server crashed in it and `stacks` is asked for, the second look. */
export async function playAndLook(
  play: Play,
  options: ReplayOptions,
  hooks: ReplayHooks,
  decider: () => Decider | undefined,
): Promise<ReplayResult> {
  const result = await play(options, hooks, decider());
  const { crash } = result;
  // Of SIGKILL no tracer is told.
  const lookable = crash !== undefined && crash.signal !== SIGKILL;
  if (!lookable || options.stacks !== true || hooks.stops() > 0) return result;
  const { logLine: _, keep: __, keepFixture: ___, ...again } = options;
  const looking = new Looking();
  let failed: string | undefined;
  try {
    await play(again, hooks, decider(), looking);
  } catch (error) {
    failed = (error as Error).message;
  }
  const { seen } = looking;
  const lines = wordsOf(crash.signal, looking, failed);
  const at = result.findings.findIndex(({ text }) => text.startsWith(CRASHED));
  // Behind what is known of its end, before why that is wrong.
  const findings = result.findings.map((finding, n) =>
    n === at ? { ...finding, details: finding.details.toSpliced(-1, 0, ...lines) } : finding,
  );
  return { ...result, findings, crash: { ...crash, ...(seen === undefined ? {} : { seen }) } };
}

function wordsOf(signal: number, { seen, refused }: Looking, failed: string | undefined): string[] {
  const looked = 'played again to be looked at, it';
  if (seen?.signal === signal) return crashWords(seen);
  if (seen !== undefined) return [`${looked} died of another signal:`, ...crashWords(seen)];
  if (refused !== undefined) return [`it could not be looked at: ptrace: ${refused}`];
  if (failed !== undefined) return [`it could not be looked at: ${failed}`];
  return [`${looked} did not crash again`];
}
