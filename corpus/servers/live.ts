/**
 * A server on a real mount, with nothing of ours between (or with a command of ours in front): start
 * it, wait for the mount and the answer to INIT, end it, and see that nothing is left.
 */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { scheduler } from 'node:timers/promises';
import { execa } from 'execa';
import { fuseMounts } from '../../recorder/mountinfo.ts';
import { killGroup, run } from '../run.ts';
import { type Places, type Recipe, substitute, type Variant } from './recipe.ts';

export interface StartOptions {
  /** With placeholders. */
  command: readonly string[];
  places: Places;
  /** Words before the command: a recorder, strace. */
  prefix?: readonly string[];
  daemon?: boolean;
  /** An unmount from outside does not end it: `end` sends this. */
  end?: 'sigterm';
  /** Seconds until the mount must stand; 20 if not given. */
  timeoutS?: number;
}

export interface Ended {
  /** Of the process we started; null after a signal. */
  code: number | null;
  signal: string | null;
  /** What all of its processes printed. */
  output: string;
  /** What should not have been: a mount, or processes, that had to be removed. */
  leftovers: string[];
}

export interface LiveServer {
  places: Places;
  /** The connection's number, in fusectl and in the kernel's tracepoints. */
  dev: number;
  pid: number;
  /** Unmounts from outside, or ends the server as its kind wants it, and waits for it. */
  end(): Promise<Ended>;
  /** SIGTERM instead of an unmount. */
  terminate(): Promise<Ended>;
  /** Waits for the server, which somebody else ends. */
  wait(): Promise<Ended>;
}

const LOOK_MS = 20;
/** A recorder on a busy machine needs its time for what it has not yet taken in. */
const GONE_S = 60;

/** The connection mounted last on `mountpoint`, or undefined. */
function mountedAt(mountpoint: string): number | undefined {
  return fuseMounts('self').findLast((line) => line.target === mountpoint)?.dev;
}

/** Ends a connection whatever its server does; requests that wait for it fail. */
export function abortConnection(dev: number): void {
  try {
    writeFileSync(`/sys/fs/fuse/connections/${dev}/abort`, '1');
  } catch {
    // Not there any more, or not ours.
  }
}

/**
 * Whether the kernel still waits for the answer to INIT. It is queued before the mount can be seen, and
 * until it is answered every call on the mount sleeps: the second one in a directory not even killable
 * (fuse_lock_inode, as PARALLEL_DIROPS is not known yet). Where fusectl cannot be read: no.
 */
function initPending(dev: number): boolean {
  try {
    return Number(readFileSync(`/sys/fs/fuse/connections/${dev}/waiting`, 'utf8')) > 0;
  } catch {
    return false;
  }
}

/** Looks until `found` gives something, at most `seconds`. */
export async function until<T>(
  seconds: number,
  found: () => T | undefined,
): Promise<T | undefined> {
  for (let looks = (seconds * 1000) / LOOK_MS; looks > 0; looks--) {
    const value = found();
    if (value !== undefined) return value;
    await scheduler.wait(LOOK_MS);
  }
  return undefined;
}

/** Processes, other than ours, that carry the mark in their environment: daemons included. */
function marked(mark: string): number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      return readFileSync(`/proc/${name}/environ`, 'latin1').includes(mark) ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone since it was looked for.
  }
}

/** The server itself among its processes: neither what stands in front of it nor its helpers. */
function serverAmong(pids: readonly number[], program: string | undefined): number | undefined {
  return pids.find((pid) => {
    try {
      const [first = ''] = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
      return basename(first) === basename(program ?? '');
    } catch {
      return false;
    }
  });
}

export async function startServer(options: StartOptions): Promise<LiveServer> {
  const { places } = options;
  const words = [...(options.prefix ?? []), ...substitute(options.command, places)];
  const mark = `FUSE_RIG_LIVE=${places.mountpoint}`;
  const child = execa(words[0] ?? '', words.slice(1), {
    cwd: places.fixture,
    env: { FUSE_RIG_LIVE: places.mountpoint },
    stdin: 'ignore',
    all: true,
    reject: false,
    detached: true,
  });
  let exited = false;
  void child.then(() => {
    exited = true;
  });
  // A daemon's first process may still be looking at the mount; it must see it.
  const dev = await until(options.timeoutS ?? 20, () => {
    const at = mountedAt(places.mountpoint);
    if (at === undefined) return exited && options.daemon !== true ? 0 : undefined;
    return options.daemon === true && !exited ? undefined : at;
  });
  if (dev === undefined || dev === 0) {
    killGroup(child.pid);
    const { all, exitCode, message } = await child;
    throw new Error(`${words[0]} did not mount (exit ${exitCode}): ${all || message}`);
  }
  await until(options.timeoutS ?? 20, () => (initPending(dev) ? undefined : true));
  const wait = async (): Promise<Ended> => {
    const clean = await until(GONE_S, () => (marked(mark).length === 0 ? true : undefined));
    const leftovers = clean ? [] : marked(mark).map((pid) => `process ${pid}`);
    if (mountedAt(places.mountpoint) !== undefined) {
      leftovers.push(`mount ${places.mountpoint}`);
      abortConnection(dev);
      await run('umount', ['-l', places.mountpoint]);
    }
    for (const pid of marked(mark)) killIfThere(pid);
    const { exitCode, signal, all } = await child;
    return { code: exitCode ?? null, signal: signal ?? null, output: all ?? '', leftovers };
  };
  const terminate = async (): Promise<Ended> => {
    const { prefix = [], daemon } = options;
    const pids = prefix.length > 0 || daemon ? marked(mark) : [];
    const pid = serverAmong(pids, words[prefix.length]) ?? (daemon ? pids[0] : child.pid);
    if (pid !== undefined) process.kill(pid, 'SIGTERM');
    return wait();
  };
  return {
    places,
    dev,
    pid: child.pid ?? 0,
    wait,
    end: async () => {
      if (options.end === 'sigterm') return terminate();
      await unmount(places.mountpoint);
      return wait();
    },
    terminate,
  };
}

/** umount(8), again while somebody's last close is still on its way. */
async function unmount(mountpoint: string): Promise<void> {
  const [program, args] =
    process.getuid?.() === 0 ? ['umount', [mountpoint]] : ['fusermount3', ['-u', mountpoint]];
  for (let tries = 0; tries < 20; tries++) {
    const ran = await run(program as string, args as string[], { timeoutS: 20 });
    if (ran.code === 0 || !/busy/.test(ran.stderr)) return;
    await scheduler.wait(50);
  }
}

/** Makes a directory with a fixture of the recipe and a mount point; `remove` takes it away. */
export async function preparePlaces(
  recipe: Recipe,
  parent = tmpdir(),
): Promise<Places & { remove(): void }> {
  const dir = mkdtempSync(join(parent, `fuse-rig-${recipe.name}-`));
  const places = { fixture: join(dir, 'fixture'), mountpoint: join(dir, 'mnt') };
  mkdirSync(places.fixture);
  if (recipe.root === 'file') writeFileSync(places.mountpoint, '');
  else mkdirSync(places.mountpoint);
  await recipe.prepare(places.fixture);
  return { ...places, remove: () => rmSync(dir, { recursive: true, force: true }) };
}

/** Starts a variant of a recipe, the plain one if none is named. */
export function startVariant(
  variant: Variant,
  places: Places,
  prefix: readonly string[] = [],
): Promise<LiveServer> {
  return startServer({
    command: variant.command,
    places,
    prefix,
    daemon: variant.daemon ?? false,
    ...(variant.end === undefined ? {} : { end: variant.end }),
  });
}
