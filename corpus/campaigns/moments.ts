/**
 * One violent moment: somebody is killed with SIGKILL at a time a seed decides, and then it is looked
 * at what is left. Nothing captured may be lost but the frame being written, no process, no mount and
 * no temporary file may stay, and no client of the mount may hang.
 */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { scheduler } from 'node:timers/promises';
import { execa } from 'execa';
import { CaptureReader } from '../../recorder/capture/reader.ts';
import type { SessionEvent } from '../../rig/events.ts';
import { Prng } from '../prng.ts';
import { builtProgram, run } from '../run.ts';
import { type Client, load, startClient } from './client.ts';
import { Ground, killQuietly, RIG, until } from './ground.ts';
import { reference, serverCommand, type Transport } from './moment_servers.ts';

/** Whom the moment kills. */
export const KINDS = ['recorder', 'server', 'replay'] as const;
export type Kind = (typeof KINDS)[number];

export interface Moment {
  kind: Kind;
  seed: number;
  transport: Transport;
  /** What is wrong, one line each; empty: nothing. */
  wrong: string[];
  /** Frames that were there after the kill. */
  frames: number;
  /** The kill came before there was anything to keep. */
  early: boolean;
  /** Seconds until nothing was left, and until the client of the mount was free. */
  cleanS: number;
  clientS: number;
}

/** Everything must be gone, and every client free, in this time. */
const LIMIT_S = 15;
const MOUNT_S = 20;

function startRig(ground: Ground, args: readonly string[]) {
  return execa(RIG[0] as string, [...RIG.slice(1), ...args], {
    cwd: ground.dir,
    env: ground.env,
    stdin: 'ignore',
    all: true,
    reject: false,
  });
}

const recordArgs = (prng: Prng, ground: Ground, { transport }: Moment) => {
  const command = serverCommand(prng, ground, transport);
  return { args: ['record', '-q', '-o', ground.file('x.fusecap'), '--', ...command], command };
};

/** Nothing of them is left within the limit; else names what is. */
async function gone(ground: Ground, moment: Moment): Promise<void> {
  const took = await until(LIMIT_S, () => ground.leftovers().length === 0);
  moment.cleanS = moment.clientS + (took ?? LIMIT_S);
  if (took === undefined) moment.wrong.push(...ground.leftovers().map((what) => `left: ${what}`));
}

async function clientsFree(clients: Client[], moment: Moment): Promise<void> {
  const took = await until(LIMIT_S, () => clients.every((c) => c.done));
  moment.clientS = took ?? LIMIT_S;
  if (took === undefined) moment.wrong.push(`a client of the mount hangs for ${LIMIT_S} s`);
}

/** Events of a capture that must be whole. */
function eventsOf(path: string): SessionEvent[] {
  const reader = CaptureReader.open(path);
  const events = [...reader.events()];
  reader.close();
  return events;
}

/** `fuse-rig recover` keeps every whole frame of what the kill left. */
async function recovers(ground: Ground, moment: Moment): Promise<void> {
  const [file, partial] = [ground.file('x.fusecap'), ground.file('x.fusecap.partial')];
  if (!existsSync(partial)) {
    // Before the first frame, or after the last: then it has its name already.
    if (existsSync(file)) moment.frames = eventsOf(file).length;
    else moment.early = true;
    return;
  }
  const { whole, behind } = wholeFrames(partial);
  if (whole === 0) {
    moment.early = true;
    return;
  }
  const { code, stderr, stdout } = await run(RIG[0] as string, [
    ...RIG.slice(1),
    'recover',
    partial,
  ]);
  if (code !== 0) {
    moment.wrong.push(`recover: exit ${code}: ${stderr.trim()}`);
    return;
  }
  moment.frames = whole;
  const size = statSync(partial).size;
  const said = `kept ${whole} frames, ${behind} bytes; dropped ${size - behind} bytes`;
  if (!stdout.includes(said))
    moment.wrong.push(`recover said: ${stdout.trim()}; there is: ${said}`);
  const events = eventsOf(file);
  const end = events.at(-1);
  if (events.length < whole || end?.kind !== 'end') {
    moment.wrong.push(`recovered ${events.length} events of ${whole}, the last a ${end?.kind}`);
  }
}

/** Frames up to the first that is not whole, by a reader of its own. */
function wholeFrames(partial: string): { whole: number; behind: number } {
  let whole = 0;
  let behind = 0;
  try {
    const reader = CaptureReader.open(partial, { partial: true });
    try {
      for (const frame of reader.frames()) {
        whole++;
        behind = frame.next;
      }
    } finally {
      reader.close();
    }
  } catch {
    // The frame that was being written.
  }
  return { whole, behind };
}

/** kill -9 of the recorder: one time in four while it starts, else under load. */
async function killRecorder(ground: Ground, prng: Prng, moment: Moment): Promise<void> {
  const rig = startRig(ground, recordArgs(prng, ground, moment).args);
  const clients: Client[] = [];
  if (prng.below(4) === 0) await scheduler.wait(prng.below(500));
  else {
    if ((await until(MOUNT_S, () => ground.mounted)) === undefined) moment.wrong.push('no mount');
    for (const n of [1, 2]) clients.push(startClient(ground, load(prng, 4000), n));
    await scheduler.wait(prng.below(1200));
  }
  if (rig.pid !== undefined) killQuietly(rig.pid);
  await clientsFree(clients, moment);
  await rig;
  await gone(ground, moment);
  for (const client of clients) {
    const last = client.last() ?? '';
    if (last !== '' && !/\bE[A-Z]+\b/.test(last)) moment.wrong.push(`client saw no error: ${last}`);
  }
  await recovers(ground, moment);
}

/** kill -9 of the server: the recorder ends by itself, with a whole capture that says so. */
async function killServer(ground: Ground, prng: Prng, moment: Moment): Promise<void> {
  const { args, command } = recordArgs(prng, ground, moment);
  const rig = startRig(ground, args);
  if ((await until(MOUNT_S, () => ground.mounted)) === undefined) moment.wrong.push('no mount');
  const clients = [1, 2].map((n) => startClient(ground, load(prng, 4000), n));
  await scheduler.wait(prng.below(1200));
  const name = (command[0] as string).split('/').at(-1)?.slice(0, 15) ?? '';
  const pids = ground.processes(name);
  if (pids.length === 0) moment.wrong.push('no server to kill');
  for (const pid of pids) killQuietly(pid);
  await clientsFree(clients, moment);
  const ended = await Promise.race([rig, scheduler.wait(LIMIT_S * 1000)]);
  if (ended === undefined) moment.wrong.push('the recorder does not end');
  else if (ended.exitCode !== 0)
    moment.wrong.push(`recorder: exit ${ended.exitCode}: ${ended.all}`);
  await gone(ground, moment);
  if (existsSync(ground.file('x.fusecap.partial'))) moment.wrong.push('left: x.fusecap.partial');
  const events = eventsOf(ground.file('x.fusecap'));
  moment.frames = events.length;
  const exit = events.find((event) => event.kind === 'exit' && event.main);
  if (exit?.kind !== 'exit' || exit.signal !== 9) moment.wrong.push('no signal 9 in the capture');
  if (events.at(-1)?.kind !== 'end') moment.wrong.push('no end in the capture');
}

/** kill -9 of a replay, at any moment from its start to beyond its end. */
async function killReplay(ground: Ground, prng: Prng, moment: Moment): Promise<void> {
  await recordOne(ground, moment.transport);
  const rig = startRig(ground, ['replay', ground.file('x.fusecap')]);
  await scheduler.wait(prng.below(700));
  moment.early = rig.pid === undefined || !killedWhileRunning(rig.pid);
  await rig;
  await gone(ground, moment);
  moment.frames = eventsOf(ground.file('x.fusecap')).length;
}

function killedWhileRunning(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}

/** A capture with a fixture: what a replay has to restore and to remove. */
async function recordOne(ground: Ground, transport: Transport): Promise<void> {
  const script = ground.file('script');
  writeFileSync(script, load(new Prng(1), 100));
  writeFileSync(ground.file('src/big'), Buffer.alloc(3 << 20, 7));
  const command = reference(ground, transport);
  const args = ['record', '-q', '-o', ground.file('x.fusecap'), '--fixture', ground.source];
  const rig = startRig(ground, [...args, '--', ...command]);
  if ((await until(MOUNT_S, () => ground.mounted)) === undefined) throw new Error('no mount');
  await run(builtProgram('fuse-rig-client') ?? '', [ground.mountpoint], {
    input: readFileSync(script, 'utf8'),
  });
  rig.kill('SIGINT');
  const { exitCode, all } = await rig;
  if (exitCode !== 0) throw new Error(`cannot record: exit ${exitCode}: ${all}`);
}

const ACTS = { recorder: killRecorder, server: killServer, replay: killReplay };

export async function oneMoment(
  kind: Kind,
  seed: number,
  transport: Transport = 'device',
): Promise<Moment> {
  const ground = new Ground();
  const nothing = { wrong: [], frames: 0, early: false, cleanS: 0, clientS: 0 };
  const moment: Moment = { kind, seed, transport, ...nothing };
  try {
    await ACTS[kind](ground, new Prng(seed), moment);
  } catch (error) {
    moment.wrong.push(`the look at it failed: ${(error as Error).message}`);
  } finally {
    await ground.remove();
  }
  return moment;
}
