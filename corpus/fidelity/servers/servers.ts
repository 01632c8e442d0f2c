/**
 * Whole servers: a workload in front of the real kernel, recorded, and the same requests in front of
 * the model; what the server saw and did must be the same under every way of ending.
 */
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { fuseMounts } from '../../../recorder/mountinfo.ts';
import { type Bench, built, onBench, SOME_WORK } from '../../../rig/testing/bench.ts';
import { run } from '../../run.ts';
import { abortConnection } from '../../servers/live.ts';
import { type Session, sessionIn } from './seen.ts';

const SERVER = built('fuse-rig-server');
const memory = (...options: string[]) => [SERVER, ...options, '{mountpoint}'];

/** Kinds of replies that SOME_WORK makes at least. */
const LEAST = 10;

/** The ways to the device that differ in what the kernel is asked. */
const SERVERS: Readonly<Record<string, readonly string[]>> = {
  'one thread': memory(),
  '4 threads': memory('--threads', '4'),
  'clone, 4 threads': memory('--clone', '--threads', '4'),
  splice: memory('--io', 'splice', '--reply', 'splice'),
  'clone, nonblock poll': memory('--clone', '--threads', '3', '--nonblock=poll'),
  'new mount calls': memory('--mount', 'newapi'),
};

/** How the session ends in front of the kernel, and what `replay --end` calls that. */
const ENDINGS = {
  unmount: async () => {},
  force: async (bench: Bench) => void (await run('umount', ['-f', bench.mountpoint])),
  abort: async (bench: Bench) => {
    for (const mount of fuseMounts('self'))
      if (mount.target === bench.mountpoint) abortConnection(mount.dev);
  },
  sigterm: async () => {},
} as const;
type Ending = keyof typeof ENDINGS;

export interface Trial {
  readonly name: string;
  /** Where the two sessions differ; empty if they do not. */
  readonly found: readonly string[];
}

function differences(kernel: Session, model: Session): string[] {
  return (['replies', 'calls', 'open', 'exit'] as const)
    .filter((part) => !isDeepStrictEqual(kernel[part], model[part]))
    .map((part) => {
      const shown = (session: Session) => JSON.stringify(session[part]);
      return `${part}\n  kernel  ${shown(kernel)}\n  model   ${shown(model)}`;
    });
}

async function trial(command: readonly string[], ending: Ending): Promise<string[]> {
  return await onBench(async (bench) => {
    const work = async () => {
      const lines = await bench.client(SOME_WORK);
      await ENDINGS[ending](bench);
      return lines;
    };
    const end = ending === 'unmount' || ending === 'sigterm' ? ending : 'itself';
    await bench.record(command, work, end);
    const again = join(bench.dir, 'again.fusecap');
    const args = ['--keep', again];
    const replayed = await bench.replay([], { end: ending, once: true, args });
    if (replayed.code !== 0) return [`replay: exit code ${replayed.code}: ${replayed.stderr}`];
    const kernel = sessionIn(bench.capture);
    if (Object.keys(kernel.replies).length < LEAST) return ['hardly anything was recorded'];
    return differences(kernel, sessionIn(again));
  });
}

/** Every server under every ending, one after the other. */
export async function* askServers(): AsyncGenerator<Trial> {
  for (const [name, command] of Object.entries(SERVERS)) {
    for (const ending of Object.keys(ENDINGS) as Ending[]) {
      yield { name: `${name}, ${ending}`, found: await trial(command, ending) };
    }
  }
}
