/**
 * FUSE over io_uring on this machine: what keeps it from working, how to allow it for a while, and
 * the proof, from the kernel, that a server's requests came through its rings.
 */
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { onPath } from '../run.ts';

const PARAMETER = '/sys/module/fuse/parameters/enable_uring';
const DISABLED = '/proc/sys/kernel/io_uring_disabled';

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
};

/** Why this kernel could never serve a ring, or undefined: no switch helps. */
export function missingRingKernel(): string | undefined {
  if (!existsSync(PARAMETER)) return `no FUSE over io_uring in this kernel: no ${PARAMETER}`;
  const disabled = read(DISABLED);
  if (disabled === '2' || (disabled === '1' && process.getuid?.() !== 0)) {
    return `io_uring is disabled here: ${DISABLED} is ${disabled}`;
  }
  return undefined;
}

/** Why a server started now would not get a ring, or undefined. */
export function missingRing(): string | undefined {
  const never = missingRingKernel();
  if (never !== undefined || read(PARAMETER) === 'Y') return never;
  return `FUSE over io_uring is switched off: echo Y > ${PARAMETER}`;
}

/**
 * Who keeps the parameter on: everybody with a shared lock on this file. It holds the value that the
 * last of them puts back.
 */
const LOCK = join(tmpdir(), 'fuse-rig-enable-uring');
const SWITCH_ON = `
[ "$(cat ${PARAMETER})" = Y ] || { echo N > ${LOCK}; echo Y > ${PARAMETER}; }
echo on
cat`;
const SWITCH_BACK = `[ "$(cat ${LOCK})" != N ] || { echo N > ${PARAMETER}; : > ${LOCK}; }`;

/**
 * Switches the module's parameter on until the function it gives is called; whoever is last, here or
 * in another process, leaves it as it was. Only new mounts ask for it: a ring that serves goes on.
 */
export async function allowRings(): Promise<() => Promise<void>> {
  const never = missingRingKernel();
  if (never !== undefined) throw new Error(never);
  if (process.getuid?.() !== 0) throw new Error(`only root can switch ${PARAMETER} on`);
  if (onPath('flock') === undefined) throw new Error('flock(1) not installed: util-linux');
  // The lock goes with the holder, and the holder with us, however we end: its stdin closes.
  const holder = execa('flock', ['--shared', LOCK, 'sh', '-c', SWITCH_ON], {
    reject: false,
    buffer: false,
  });
  await Promise.race([once(holder.stdout, 'data'), holder]);
  if (read(PARAMETER) !== 'Y') throw new Error(`${PARAMETER} cannot be switched on`);
  return async () => {
    holder.stdin.end();
    await holder;
    // Not got when others still hold it: they will.
    await execa('flock', ['--nonblock', LOCK, 'sh', '-c', SWITCH_BACK], { reject: false });
  };
}

/** One ring of a process, as /proc/PID/fdinfo shows it (io_uring_show_fdinfo). */
export interface RingState {
  fd: number;
  /** Entries submitted since the ring was made. */
  submitted: number;
  /** Completions posted since. */
  completed: number;
  /** Registered files, as paths. */
  files: readonly string[];
}

const numberOf = (text: string, field: string): number =>
  Number(new RegExp(`^${field}:\\s*(\\d+)$`, 'm').exec(text)?.[1] ?? Number.NaN);

/** The rings of a process. */
export function ringsOf(pid: number): RingState[] {
  const fds = readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`) === 'anon_inode:[io_uring]';
    } catch {
      return false;
    }
  });
  return fds.map((fd) => {
    const text = read(`/proc/${pid}/fdinfo/${fd}`);
    return {
      fd: Number(fd),
      submitted: numberOf(text, 'SqTail'),
      completed: numberOf(text, 'CqTail'),
      files: [...text.matchAll(/^\s+\d+: (.+)$/gm)].map((match) => match[1] ?? ''),
    };
  });
}

/** Requests a process's rings have brought so far: completions of rings that hold a FUSE device. */
export function ringRequests(pid: number): number {
  return ringsOf(pid)
    .filter(({ files }) => files.includes('/dev/fuse'))
    .reduce((sum, { completed }) => sum + completed, 0);
}
