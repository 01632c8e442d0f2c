/**
 * The reference server on a real mount. Whatever touches the mount runs in a process of its own
 * under timeout(1), so that nothing can hang the tests; what a test leaves mounted is detached.
 */
import { accessSync, constants, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { nativePath } from '../../load.ts';
import { childOf, type Exit, SERVER } from './server.ts';

const LIFE_S = '60';

/** Why nothing can be mounted here; undefined if it can. */
export function whyNoMount(): string | undefined {
  if (process.getuid?.() !== 0) return 'mounting needs root';
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
    return undefined;
  } catch (error) {
    return `/dev/fuse cannot be opened: ${String(error)}`;
  }
}

/** Whether something of ours is mounted on `dir`. Does not touch it. */
export function mounted(dir: string): boolean {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return lines.some((line) => line.split(' ')[4] === dir && line.includes('fuse'));
}

/** A directory with everything of one test: `mnt`, `mnt2`, `back`, `plain`. */
export class Bench {
  readonly dir = mkdtempSync(join(tmpdir(), 'fuse-rig-live-'));

  path(name: string): string {
    return join(this.dir, name);
  }

  async run(...argv: string[]): Promise<{ code: number | undefined; out: string }> {
    const [command, ...args] = ['timeout', '-s', 'KILL', LIFE_S, ...argv];
    const { exitCode, all } = await execa(command ?? '', args, { reject: false, all: true });
    return { code: exitCode, out: all };
  }

  /** A shell script; `$1` is the bench. */
  async sh(script: string): Promise<{ code: number | undefined; out: string }> {
    return await this.run('sh', '-c', script, 'sh', this.dir);
  }

  /** The lines of the workload in one of the directories. */
  async workload(name: string, entries = 1000): Promise<string[]> {
    const { out } = await this.run(
      nativePath('fuse-rig-workload'),
      this.path(name),
      String(entries),
    );
    return out.split('\n');
  }

  /** Detaches and removes everything. */
  async clear(): Promise<void> {
    for (const name of ['mnt', 'mnt2']) {
      if (mounted(this.path(name))) await this.run('umount', '-l', this.path(name));
    }
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** Nothing is mounted and the directory below is as empty as it was. */
  left(): string[] {
    const names = ['mnt', 'mnt2'].map((name) => this.path(name));
    return names.flatMap((dir) => (mounted(dir) ? [`${dir} is mounted`] : readdirSync(dir)));
  }
}

/** A server that has mounted. */
export interface LiveServer {
  pid: number;
  kill(signal: NodeJS.Signals): void;
  exit: Promise<Exit>;
  /** What it printed, once it has ended. */
  stdout: Promise<string>;
}

/** Starts `argv` (a server's command line) and waits until it has mounted on all of `dirs`. */
export async function start(argv: readonly string[], ...dirs: string[]): Promise<LiveServer> {
  const child = execa('timeout', ['--foreground', '-s', 'KILL', LIFE_S, ...argv], {
    stdin: 'ignore',
    reject: false,
  });
  let over = false;
  const exit = child.then(({ exitCode, signal, stderr }) => {
    over = true;
    return { code: exitCode, signal, stderr };
  });
  while (!dirs.every(mounted)) {
    if (over) throw new Error(`the server did not mount: ${JSON.stringify(await exit)}`);
    await sleep(10);
  }
  const pid = childOf(child.pid);
  const stdout = child.then((result) => String(result.stdout));
  return { pid, kill: (signal) => void process.kill(pid, signal), exit, stdout };
}

export const serverAt = (bench: Bench, options: readonly string[]): Promise<LiveServer> =>
  start([SERVER, ...options, bench.path('mnt')], bench.path('mnt'));
