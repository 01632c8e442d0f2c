/**
 * Runs a program for a bounded time, as a process group of its own. Work on a mount happens only in
 * such children: a call on a FUSE mount whose server died or hangs cannot be ended from inside, and
 * would take Node's thread pool with it.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { scheduler } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

export interface RunOptions {
  cwd?: string;
  /** Added to the environment. */
  env?: Record<string, string>;
  /** What the program reads as stdin; without it: nothing. */
  input?: string;
  /** Seconds until the whole group is killed; 60 if not given. */
  timeoutS?: number;
}

export interface Ran {
  /** Exit code; null when a signal ended it or it could not be ended. */
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
  /** 'stuck': killed, and still there (it sleeps in a call that only its server can end). */
  ended: 'itself' | 'killed' | 'stuck';
}

const DEFAULT_S = 60;
/** How long a killed group may take to go. */
const GRACE_MS = 3000;

export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Ran> {
  const child = execa(command, args, {
    detached: true,
    reject: false,
    cleanup: true,
    stripFinalNewline: false,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { LC_ALL: 'C', ...options.env },
    ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
  });
  let ended: Ran['ended'] = 'itself';
  const watch = new AbortController();
  const bound = async (): Promise<undefined> => {
    await scheduler.wait((options.timeoutS ?? DEFAULT_S) * 1000, { signal: watch.signal });
    ended = 'killed';
    killGroup(child.pid);
    await scheduler.wait(GRACE_MS, { signal: watch.signal });
    ended = 'stuck';
    child.stdout?.destroy();
    child.stderr?.destroy();
    child.unref();
  };
  const result = await Promise.race([child, bound().catch(() => child)]);
  watch.abort();
  if (result === undefined) return { code: null, signal: null, stdout: '', stderr: '', ended };
  return {
    code: result.exitCode ?? null,
    signal: result.signal ?? null,
    stdout: result.stdout ?? '',
    stderr: result.stderr || (result.exitCode === undefined ? (result.message ?? '') : ''),
    ended,
  };
}

/** SIGKILL to every process of the group; no error if there is none. */
export function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}

/** Runs it and gives its output; throws with its first error line when it fails. */
export async function must(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const ran = await run(command, args, options);
  if (ran.code !== 0) {
    const why = ran.stderr.trim().split('\n')[0] ?? '';
    throw new Error(
      `${command} ${args[0] ?? ''} failed (${ran.code ?? ran.signal ?? ran.ended}): ${why}`,
    );
  }
  return ran.stdout;
}

/** Absolute path of a program on PATH, or undefined. */
export function onPath(program: string): string | undefined {
  for (const dir of [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin']) {
    if (dir !== '' && existsSync(join(dir, program))) return join(dir, program);
  }
  return undefined;
}

/** Path of a program that `npm run build` makes, from sources and from dist alike; or undefined. */
export function builtProgram(name: string): string | undefined {
  const here = dirname(fileURLToPath(import.meta.url));
  return [join(here, '../native', name), join(here, '../dist/native', name)].find(existsSync);
}
