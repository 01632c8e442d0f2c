/**
 * Whether a call that a server is about to make must meet a limit that the kernel keeps for its process, from
 * the limit and from what /proc says the process has. Another thread of it may give something back between
 * this look and the call; arguments that are wrong in another way are taken for right.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { QuotaName } from '../decider.ts';
import { ERRNO } from '../protocol/errno.ts';
import type { Trap } from './traps.ts';

const { EAGAIN, EINVAL, EMFILE, ENOMEM, EPERM } = ERRNO;

/** Limits of the kernel's, as /proc/PID/limits has them. */
const NAMES = {
  fds: 'Max open files',
  memory: 'Max address space',
  locked: 'Max locked memory',
} as const;
export type Limited = keyof typeof NAMES & QuotaName;

const KIB = 1024;
const PAGE = 4096;
const pages = (bytes: number): number => Math.ceil(bytes / PAGE) * PAGE;

/** By their numbers. */
const CALL = { mmap: 9, brk: 12, mremap: 25, dup: 32, fcntl: 72, mlockall: 151 } as const;
const MLOCK: ReadonlySet<number> = new Set([149, 325]);
/** pipe, socketpair, pipe2. */
const PAIRS: ReadonlySet<number> = new Set([22, 53, 293]);
const MAP_FIXED = 0x10;
const MAP_LOCKED = 0x2000;
const MREMAP_DONTUNMAP = 4;
const MCL_CURRENT = 1;

function text(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** How many mappings a process has (mm->map_count). */
export const mappingsIn = (pid: number): number => text(`/proc/${pid}/maps`).split('\n').length - 1;

/** A field of /proc/PID/status; empty where the process is gone. */
export const statusOf = (pid: number, field: string): string =>
  new RegExp(`^${field}:\\s*(\\S+)`, 'm').exec(text(`/proc/${pid}/status`))?.[1] ?? '';

export function entriesOf(path: string): number[] {
  try {
    return readdirSync(path).map(Number);
  } catch {
    return [];
  }
}

/** The soft limit; Infinity where there is none, and where the process is gone. */
function softLimit(pid: number, name: Limited): number {
  const found = new RegExp(`^${NAMES[name]}\\s+(\\d+)`, 'm').exec(text(`/proc/${pid}/limits`));
  return found === null ? Number.POSITIVE_INFINITY : Number(found[1]);
}

interface Mapping {
  from: number;
  to: number;
  heap: boolean;
}

function mappingsOf(pid: number): Mapping[] {
  const lines = text(`/proc/${pid}/maps`).matchAll(/^([0-9a-f]+)-([0-9a-f]+) .*?(\[heap\])?$/gm);
  const address = (hex: string | undefined): number => Number.parseInt(hex ?? '0', 16);
  return [...lines].map(([, from, to, heap]) => ({
    ...{ from: address(from), to: address(to), heap: heap !== undefined },
  }));
}

/** Where the heap begins: field 47 of proc_pid_stat(5), counted from the state, which is the third. */
function startOfHeap(pid: number): number {
  const stat = text(`/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[47 - 3] ?? 0);
}

/** Bytes from `from` to `to` that are locked (VmFlags of /proc/PID/smaps). */
function lockedWithin(pid: number, from: number, to: number): number {
  let sum = 0;
  for (const part of text(`/proc/${pid}/smaps`).split(/^(?=[0-9a-f]+-)/m)) {
    const [, first, last] = /^([0-9a-f]+)-([0-9a-f]+) /.exec(part) ?? [];
    if (first === undefined || last === undefined || !/^VmFlags:.* lo\b/m.test(part)) continue;
    const end = Math.min(Number.parseInt(last, 16), to);
    sum += Math.max(0, end - Math.max(Number.parseInt(first, 16), from));
  }
  return sum;
}

/** The negative errno that a trapped call which takes from it must end with, or 0. */
export function refusal(name: Limited, trap: Trap, tid: number): number {
  if (name === 'fds') return fdsRefusal(trap, tid);
  return name === 'memory' ? memoryRefusal(trap, tid) : lockRefusal(trap, tid);
}

/** alloc_fd(): the lowest number that is free from `from` on must be below the limit. */
function fdsRefusal(trap: Trap, tid: number): number {
  const { nr } = trap;
  const limit = softLimit(tid, 'fds');
  const from = nr === CALL.fcntl ? trap.int(2) : 0;
  if (from >= limit) return -EINVAL;
  const open = new Set(entriesOf(`/proc/${tid}/fd`));
  if ((nr === CALL.dup || nr === CALL.fcntl) && !open.has(trap.int(0))) return 0;
  return freeNumbers(open, from, limit) < (PAIRS.has(nr) ? 2 : 1) ? -EMFILE : 0;
}

/** How many numbers from `from` on, and below `limit`, are none of `open`. */
function freeNumbers(open: ReadonlySet<number>, from: number, limit: number): number {
  let used = 0;
  for (const fd of open) if (fd >= from && fd < limit) used++;
  return limit - from - used;
}

/** may_expand_vm(): what is mapped and what is to be, together. */
function memoryRefusal(trap: Trap, tid: number): number {
  const more = growth(trap, tid);
  if (more <= 0) return 0;
  const limit = softLimit(tid, 'memory');
  const has = Number(statusOf(tid, 'VmSize') || 0) * KIB;
  return has + more > Math.floor(limit / PAGE) * PAGE ? -ENOMEM : 0;
}

/** Bytes by which the call makes the address space larger. */
function growth(trap: Trap, tid: number): number {
  const arg = (n: number): number => Number(trap.arg(n));
  if (trap.nr === CALL.mmap) {
    const length = pages(arg(1));
    return (arg(3) & MAP_FIXED) === 0 ? length : length - within(tid, arg(0), arg(0) + length);
  }
  if (trap.nr === CALL.mremap) {
    const stays = (arg(3) & MREMAP_DONTUNMAP) !== 0;
    return pages(arg(2)) - (stays ? 0 : pages(arg(1)));
  }
  if (trap.nr !== CALL.brk || arg(0) === 0) return 0;
  const end = mappingsOf(tid).findLast((one) => one.heap)?.to ?? pages(startOfHeap(tid));
  return pages(arg(0)) - end;
}

/** Bytes from `from` to `to` that are mapped. */
function within(tid: number, from: number, to: number): number {
  const parts = mappingsOf(tid).map((one) => Math.min(one.to, to) - Math.max(one.from, from));
  return parts.filter((part) => part > 0).reduce((sum, part) => sum + part, 0);
}

/** do_mlock(), apply_mlockall_flags(), mlock_future_ok(). */
function lockRefusal(trap: Trap, tid: number): number {
  const { nr } = trap;
  const arg = (n: number): number => Number(trap.arg(n));
  const mapped = nr === CALL.mmap && (arg(3) & MAP_LOCKED) !== 0;
  const all = nr === CALL.mlockall && (arg(0) & MCL_CURRENT) !== 0;
  if (!mapped && !all && !MLOCK.has(nr)) return 0;
  const limit = Math.floor(softLimit(tid, 'locked') / PAGE) * PAGE;
  if (limit === 0) return -EPERM;
  const field = all ? 'VmSize' : 'VmLck';
  const has = Number(statusOf(tid, field) || 0) * KIB;
  if (all) return has > limit ? -ENOMEM : 0;
  const from = arg(0) - (arg(0) % PAGE);
  const range = mapped ? pages(arg(1)) : pages(arg(0) - from + arg(1));
  if (has + range <= limit) return 0;
  if (mapped) return -EAGAIN;
  return has + range - lockedWithin(tid, from, from + range) > limit ? -ENOMEM : 0;
}
