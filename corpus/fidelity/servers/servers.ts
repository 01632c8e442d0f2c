/**
 * Whole servers: a workload in front of the real kernel, recorded, and the same requests in front of
 * the model; what the server saw and did must be the same under every way of ending.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { fuseMounts } from '../../../recorder/mountinfo.ts';
import { type Bench, onBench } from '../../../rig/testing/bench.ts';
import { run } from '../../run.ts';
import { abortConnection, until } from '../../servers/live.ts';
import { allowRings, missingRingKernel } from '../../servers/ring.ts';
import { type Session, sessionIn } from './seen.ts';
import { SUBJECTS, type Subject } from './subjects.ts';

/** Kinds of replies that any work makes at least. */
const LEAST = 5;

interface Ending {
  /** What `replay --end` calls it: the last reference to the superblock goes by either unmount. */
  readonly replayed: 'unmount' | 'force' | 'abort' | 'sigterm' | 'sigint' | 'sigkill';
  /** Does it in front of the kernel; absent: unmounts. */
  act?(bench: Bench, command: readonly string[]): Promise<void>;
}

const umount = (...options: string[]) => ({
  act: async (bench: Bench) => void (await run('umount', [...options, bench.mountpoint])),
});
const signal = (name: NodeJS.Signals) => ({
  act: async (bench: Bench, [program = '']: readonly string[]) => {
    for (const pid of bench.pidsOf(program)) process.kill(pid, name);
  },
});

const ENDINGS: Readonly<Record<string, Ending>> = {
  unmount: { replayed: 'unmount' },
  lazy: { replayed: 'unmount', ...umount('-l') },
  force: { replayed: 'force', ...umount('-f') },
  abort: {
    replayed: 'abort',
    act: async (bench) => {
      for (const mount of fuseMounts('self'))
        if (mount.target === bench.mountpoint) abortConnection(mount.dev);
    },
  },
  sigterm: { replayed: 'sigterm', ...signal('SIGTERM') },
  sigint: { replayed: 'sigint', ...signal('SIGINT') },
  sigkill: { replayed: 'sigkill', ...signal('SIGKILL') },
};

export interface Trial {
  readonly name: string;
  /** Where the two sessions differ; empty if they do not. */
  readonly found: readonly string[];
  /** Why it was not made. */
  readonly missing?: string;
}

/** One that ends at a signal may be gone before its last read returns. */
const isCutShort = (ending: Ending, kernel: Session, model: Session): boolean =>
  ending.replayed.startsWith('sig') && (kernel.calls.length === 0 || model.calls.length === 0);

/** Either code of a server that ends with one or another at a signal. */
function ofItsOwn({ codes }: Subject, session: Session): Session {
  const any = codes.map((code) => `code ${code}`);
  return any.includes(session.exit) ? { ...session, exit: any.sort().join(' or ') } : session;
}

function differences(ending: Ending, kernel: Session, model: Session): string[] {
  return (['replies', 'calls', 'commands', 'open', 'exit'] as const)
    .filter((part) => !isDeepStrictEqual(kernel[part], model[part]))
    .filter((part) => part !== 'calls' || !isCutShort(ending, kernel, model))
    .map((part) => {
      const shown = (session: Session) => JSON.stringify(session[part]);
      return `${part}\n  kernel  ${shown(kernel)}\n  model   ${shown(model)}`;
    });
}

/** Seconds until the last RELEASEs, which nobody waits for, must be answered. */
const ANSWERED_S = 10;

/** Waits until nothing is on its way: what crosses with the end is met as it happens. */
async function answered(bench: Bench): Promise<void> {
  const dev = fuseMounts('self').findLast(({ target }) => target === bench.mountpoint)?.dev;
  const waiting = `/sys/fs/fuse/connections/${dev}/waiting`;
  await until(ANSWERED_S, () => Number(readFileSync(waiting, 'utf8')) === 0 || undefined);
}

async function trial(subject: Subject, ending: Ending): Promise<string[]> {
  const { replayed, act } = ending;
  return await onBench(async (bench) => {
    await subject.prepare(bench);
    const work = async () => {
      const lines = await subject.work(bench);
      await answered(bench);
      await act?.(bench, subject.command);
      return lines;
    };
    const record = subject.record.map((word) => word.replace('{fixture}', bench.fixture));
    const end = act === undefined ? 'unmount' : 'itself';
    await bench.record(subject.command, work, end, record);
    const again = join(bench.dir, 'again.fusecap');
    const args = ['--keep', again, ...subject.replay];
    const ran = await bench.replay([], { end: replayed, once: true, args });
    if (ran.code === null || ran.log === '') return [`replay: ${ran.code}: ${ran.stderr}`];
    const kernel = sessionIn(bench.capture);
    if (Object.keys(kernel.replies).length < LEAST) return ['hardly anything was recorded'];
    const model = sessionIn(again);
    if (act === undefined || !replayed.startsWith('sig')) return differences(ending, kernel, model);
    return differences(ending, ofItsOwn(subject, kernel), ofItsOwn(subject, model));
  });
}

/** Every server, and every ending of it, whose names have all words; one after the other. */
export async function* askServers(words: readonly string[] = []): AsyncGenerator<Trial> {
  const release = missingRingKernel() === undefined ? await allowRings() : undefined;
  try {
    for (const subject of SUBJECTS) {
      const missing = subject.missing();
      for (const [ending, how] of Object.entries(ENDINGS)) {
        const name = `${subject.name}, ${ending}`;
        if (!words.every((word) => name.includes(word))) continue;
        if (missing !== undefined) yield { name, found: [], missing };
        else yield { name, found: await trial(subject, how) };
      }
    }
  } finally {
    await release?.();
  }
}
