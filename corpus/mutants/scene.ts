/**
 * A scene: what clients do on a live mount of the clean reference server, and the capture of it. The
 * captures of the mutants' cases are made so, on this machine, whenever they are wanted.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { CaptureReader } from '../../recorder/capture/reader.ts';
import { Ground, RIG } from '../campaigns/ground.ts';
import { builtProgram, killGroup, run } from '../run.ts';
import { startServer, until } from '../servers/live.ts';

export interface Scene {
  name: string;
  /** Options of the server that is recorded, without the mountpoint; `{fixture}` is a directory. */
  server: readonly string[];
  /** Fills the directory. */
  prepare?(fixture: string): void;
  /** Operations of fuse-rig-client, which works in the root of the mount. */
  client: readonly string[];
  /**
   * The server is killed while the client still has its files open and its children still wait: the
   * capture ends in the middle.
   */
  killed?: true;
}

const CLIENT_S = 60;

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
async function work(dir: string, lines: readonly string[], held?: () => Promise<void>): Promise<string[]> {
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
      command: [SERVER(), ...scene.server, '{mountpoint}'],
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
    return said;
  } finally {
    await ground.remove();
  }
}
