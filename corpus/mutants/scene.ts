/**
 * A scene: what clients do on a live mount of the clean reference server, and the capture of it. The
 * captures of the mutants' cases are made so, on this machine, whenever they are wanted.
 */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { CaptureReader } from '../../recorder/capture/reader.ts';
import { CaptureWriter } from '../../recorder/capture/writer.ts';
import { type ReplayOptions, replay } from '../../replayer/replay.ts';
import { type EmittedEvent, isEmitted } from '../../rig/events.ts';
import { Ground, RIG } from '../campaigns/ground.ts';
import { builtProgram, killGroup, run } from '../run.ts';
import { startServer, until } from '../servers/live.ts';

export interface Scene {
  name: string;
  /** Options of the server that is recorded, without the mountpoint; `{fixture}` is a directory. */
  server: readonly string[];
  /** Words before the server: what limits it. */
  before?: readonly string[];
  /** Fills the directory. */
  prepare?(fixture: string): void;
  /** Operations of fuse-rig-client, which works in the root of the mount. */
  client: readonly string[];
  /**
   * The server is killed while the client still has its files open and its children still wait: the
   * capture ends in the middle.
   */
  killed?: true;
  /**
   * What is wanted is that capture replayed into the clean server with these options, and kept: what
   * the real kernel here does not do, or not always.
   */
  again?: { server: readonly string[]; replay: Partial<ReplayOptions> };
  /** Changes the events between the first and the last: what no kernel sends. */
  edit?(events: EmittedEvent[]): void;
}

const CLIENT_S = 60;
export const NO_HOOKS = { progress: () => {}, stops: () => 0, started: () => {} };

/** Operations of a process beside. */
export const beside = (name: string, ...lines: string[]): string[] => [
  `spawn ${name}`,
  ...lines,
  'end',
];

export const SERVER = (): string => {
  const program = builtProgram('fuse-rig-server');
  if (program === undefined) throw new Error('fuse-rig-server is not built: npm run build');
  return program;
};

/** The thread that opened the device, while the recording goes on. */
function serverOf(capture: string): number {
  const reader = CaptureReader.open(`${capture}.partial`, { partial: true });
  try {
    for (const event of reader.events()) if (event.kind === 'open') return event.tid;
  } finally {
    reader.close();
  }
  throw new Error('the server never opened the device');
}

/** Runs the client's operations; kills it, and its children, after `held` if that is given. */
async function work(
  dir: string,
  lines: readonly string[],
  held?: () => Promise<void>,
): Promise<string[]> {
  const program = builtProgram('fuse-rig-client') ?? 'fuse-rig-client';
  if (held === undefined) {
    const ran = await run(program, [dir], { input: `${lines.join('\n')}\n`, timeoutS: CLIENT_S });
    if (ran.code !== 0) throw new Error(`the client failed: ${ran.stderr}`);
    return ran.stdout.trim().split('\n');
  }
  const signal = join(dir, '../signal');
  writeFileSync(signal, '');
  const all = [`open signal ${signal} RDONLY`, ...lines, 'await signal go'];
  const child = execa(program, [dir], {
    input: `${all.join('\n')}\n`,
    lines: true,
    buffer: false,
    reject: false,
    detached: true,
  });
  const said: string[] = [];
  child.stdout.on('data', (bytes: Buffer) => said.push(...bytes.toString().trim().split('\n')));
  const last = lines.at(-1) ?? '';
  await until(CLIENT_S, () => said.some((line) => line.startsWith(last)) || undefined);
  await held();
  killGroup(child.pid);
  await child;
  return said;
}

/** The clean server, with placeholders. */
export const commandOf = (
  { before = [] }: Pick<Scene, 'before'>,
  options: readonly string[],
): string[] => [...before, SERVER(), ...options, '{mountpoint}'];

function editCapture(capture: string, edit: NonNullable<Scene['edit']>): void {
  const reader = CaptureReader.open(capture);
  const events = [...reader.events()].filter(isEmitted);
  const begin = reader.begin;
  reader.close();
  edit(events);
  const writer = CaptureWriter.create(capture, begin, { force: true });
  for (const event of events) writer.write(event);
  writer.close({ kind: 'end', t: 0, reason: 'server-exit', requests: 0, replies: 0 });
}

async function keepAgain(
  scene: Scene,
  { server, replay: options }: NonNullable<Scene['again']>,
  capture: string,
): Promise<void> {
  const first = `${capture}.first`;
  renameSync(capture, first);
  const command = commandOf(scene, server);
  await replay({ capture: first, command, end: 'unmount', ...options, keep: capture }, NO_HOOKS);
  rmSync(first);
}

/** Records the scene into `capture`; what the client said. */
export async function recordScene(scene: Scene, capture: string): Promise<string[]> {
  const ground = new Ground();
  try {
    const fixture = join(ground.dir, 'fixture');
    mkdirSync(fixture);
    scene.prepare?.(fixture);
    rmSync(capture, { force: true });
    const words = ['record', '-q', '--force', '-o', capture];
    if (scene.prepare !== undefined) words.push('--fixture', fixture);
    const server = await startServer({
      command: commandOf(scene, scene.server),
      places: { fixture, mountpoint: ground.mountpoint },
      prefix: [...RIG, ...words, '--'],
    });
    // The client goes when the capture is closed: nothing of its end gets in.
    const kill = async () => {
      process.kill(serverOf(capture), 'SIGKILL');
      await until(CLIENT_S, () => existsSync(capture) || undefined);
    };
    const said = await work(ground.mountpoint, scene.client, scene.killed ? kill : undefined);
    const ended = scene.killed ? await server.wait() : await server.end();
    if (!scene.killed && ended.code !== 0) throw new Error(`recording failed: ${ended.output}`);
    if (scene.edit !== undefined) editCapture(capture, scene.edit);
    if (scene.again !== undefined) await keepAgain(scene, scene.again, capture);
    return said;
  } finally {
    await ground.remove();
  }
}
