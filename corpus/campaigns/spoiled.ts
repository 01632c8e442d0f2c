/**
 * One replay of a spoiled capture: the rig may call it anything, but it must end, in bounded time,
 * with an exit code of its table, no stack trace, and nothing left.
 */
import { fileURLToPath } from 'node:url';
import { CaptureReader } from '../../recorder/capture/reader.ts';
import { CaptureWriter } from '../../recorder/capture/writer.ts';
import type { BeginEvent, EndEvent, SessionEvent } from '../../rig/events.ts';
import { Prng } from '../prng.ts';
import { builtProgram, run } from '../run.ts';
import { Ground, RIG } from './ground.ts';
import type { Transport } from './moment_servers.ts';
import { mutate } from './mutate.ts';

/**
 * A real capture of the reference server's memory file system: sixty requests of many kinds. Its
 * command, directory and environment were taken out.
 */
export const SMALL = fileURLToPath(
  new URL(
    import.meta.url.includes('/dist/')
      ? '../../../corpus/campaigns/small.fusecap'
      : 'small.fusecap',
    import.meta.url,
  ),
);
/** 3 s for an answer that never comes, 10 s for a server that does not end; and a slow machine. */
const LIMIT_S = 60;
/** Exit codes a replay of a bad capture may have: not 4, the rig's own failure. */
const CODES = [0, 1, 2, 3, 6];

export interface Spoiled {
  seed: number;
  mutations: string[];
  wrong: string[];
  code: number | null;
}

type Middle = Exclude<SessionEvent, BeginEvent | EndEvent>;

/** Writes the spoiled capture of a seed; returns what was done to it. */
export function writeSpoiled(seed: number, path: string): string[] {
  const reader = CaptureReader.open(SMALL);
  const events = [...reader.events()].slice(1, -1);
  const mutations = mutate(events, new Prng(seed));
  const writer = CaptureWriter.create(path, reader.begin);
  for (const event of events) writer.write(event as Middle);
  writer.close({ kind: 'end', t: 0, reason: 'server-exit', requests: 0, replies: 0 });
  reader.close();
  return mutations;
}

/** `transport`: that of the server, which the capture's own need not be. */
export async function replaySpoiled(
  seed: number,
  transport: Transport = 'device',
): Promise<Spoiled> {
  const ground = new Ground();
  const spoiled: Spoiled = { seed, mutations: [], wrong: [], code: null };
  try {
    const file = ground.file('spoiled.fusecap');
    spoiled.mutations = writeSpoiled(seed, file);
    const server = builtProgram('fuse-rig-server') ?? 'fuse-rig-server';
    const how = transport === 'ring' ? ['--transport', 'ring'] : [];
    const words = [...RIG, 'replay', file, '--', server, '--fs', 'memory', ...how, '{mountpoint}'];
    const ran = await run(words[0] as string, words.slice(1), {
      cwd: ground.dir,
      env: ground.env,
      timeoutS: LIMIT_S,
    });
    spoiled.code = ran.code;
    if (ran.ended !== 'itself') spoiled.wrong.push(`did not end in ${LIMIT_S} s`);
    else if (ran.code === null || !CODES.includes(ran.code)) {
      spoiled.wrong.push(`exit ${ran.code ?? ran.signal}: ${ran.stderr.trim()}`);
    }
    if (/^ {4}at /m.test(ran.stderr)) spoiled.wrong.push(`stack trace: ${ran.stderr}`);
    spoiled.wrong.push(...ground.leftovers().map((what) => `left: ${what}`));
  } finally {
    await ground.remove();
  }
  return spoiled;
}
