/**
 * Limits that hold for a server from some moment on. Those that the kernel knows for a process are set
 * from outside (prlimit(2)), soft ones alone, so that they can be raised again; what the kernel counts for
 * a user or a disk, where others count too, is counted here, call by call.
 */
import { native } from '../../native/load.ts';
import type { Denial, Quota, Quotas } from '../decider.ts';
import { ERRNO } from '../protocol/errno.ts';
import { runningBelow } from './cpu_time.ts';
import { entriesOf, type Limited, mappingsIn, refusal, statusOf } from './limits.ts';
import type { PortWiring } from './port_handle.ts';
import { bytesWritten } from './written.ts';

const { EAGAIN, EPERM, ENOMEM, ENOSPC, ESRCH } = ERRNO;

/** RLIMIT_* of include/uapi/asm-generic/resource.h. */
const LIMITS: Record<Limited, number> = { fds: 7, locked: 8, memory: 9 };
const isLimited = (name: Quota['name']): name is Limited => name in LIMITS;

const CAP_IPC_LOCK = 14n;
const KIB = 1024;

const FORKS: ReadonlySet<number> = new Set([56, 57, 58, 435]);
/** mmap, mremap. */
const MAPS: ReadonlySet<number> = new Set([9, 25]);

/** The limit below which `amount` numbers are free. */
function fdLimit(pid: number, base: number, amount: number): number {
  const used = new Set(entriesOf(`/proc/${pid}/fd`).filter((fd) => fd < base));
  let limit = Math.max(-1, ...used) + 1;
  let free = limit - used.size;
  // Holes are filled first: an open takes the lowest number.
  for (; free < amount; free++) limit++;
  while (free > amount) {
    limit--;
    if (!used.has(limit)) free--;
  }
  return limit;
}

export class ServerQuotas implements Quotas {
  readonly #w: PortWiring;
  readonly #keeperPid: number;
  /** What the soft limits were before any quota. */
  readonly #were = new Map<Limited, number>();
  /** Two of one kind: the later counts, and it is over when both are given back. */
  readonly #holding = new Set<Quota>();
  #threads = Number.POSITIVE_INFINITY;
  #space = Number.POSITIVE_INFINITY;
  #backing = Number.POSITIVE_INFINITY;
  /** By process: one that is new has no limit. */
  readonly #mappings = new Map<number, number>();

  constructor(wiring: PortWiring, keeperPid: number) {
    this.#w = wiring;
    this.#keeperPid = keeperPid;
  }

  impose(quota: Quota): number {
    const refused = this.#impose(quota);
    if (refused === 0) this.#holding.add(quota);
    return refused;
  }

  #impose({ name, amount }: Quota): number {
    if (isLimited(name)) return this.#limit(name, amount);
    if (name === 'processes') this.#threads = this.#running() + amount;
    else if (name === 'space') this.#space = amount;
    else if (name === 'backing-files') this.#backing = amount;
    else
      for (const pid of runningBelow(this.#keeperPid))
        this.#mappings.set(pid, mappingsIn(pid) + amount);
    return 0;
  }

  release(quota: Quota): void {
    const { name } = quota;
    this.#holding.delete(quota);
    for (const other of this.#holding) if (other.name === name) return;
    if (isLimited(name)) {
      const was = this.#were.get(name);
      if (was === undefined) return;
      this.#were.delete(name);
      for (const pid of runningBelow(this.#keeperPid)) native.softLimit(pid, LIMITS[name], was);
    } else if (name === 'processes') this.#threads = Number.POSITIVE_INFINITY;
    else if (name === 'space') this.#space = Number.POSITIVE_INFINITY;
    else if (name === 'backing-files') this.#backing = Number.POSITIVE_INFINITY;
    else this.#mappings.clear();
  }

  #limit(name: Limited, amount: number): number {
    const pids = runningBelow(this.#keeperPid);
    if (name === 'locked' && pids.some(locksFreely)) return -EPERM;
    for (const pid of pids) {
      const was = native.softLimit(pid, LIMITS[name], this.#softFor(pid, name, amount));
      if (was < 0 && was !== -ESRCH) return was;
      if (was >= 0 && !this.#were.has(name)) this.#were.set(name, was);
    }
    return this.#were.has(name) ? 0 : -ESRCH;
  }

  #softFor(pid: number, name: Limited, amount: number): number {
    if (name === 'fds') return fdLimit(pid, this.#w.base, amount);
    const field = name === 'memory' ? 'VmSize' : 'VmLck';
    return Number(statusOf(pid, field) || 0) * KIB + amount;
  }

  #running(): number {
    const pids = runningBelow(this.#keeperPid);
    return pids.reduce((sum, pid) => sum + entriesOf(`/proc/${pid}/task`).length, 0);
  }

  denied(nr: number, tid: number): Denial | undefined {
    if (this.#mappings.size > 0 && MAPS.has(nr) && this.#maps(tid)) {
      return this.#denial('mappings', -ENOMEM, false);
    }
    const result = this.#counted(nr, tid);
    if (result !== 0) return this.#denial(FORKS.has(nr) ? 'processes' : 'space', result, false);
    for (const { name, calls } of this.#holding) {
      const asked = isLimited(name) && calls.includes(nr);
      const refused = asked ? refusal(name, this.#w.trap, tid) : 0;
      if (refused !== 0) return this.#denial(name, refused, true);
    }
    return undefined;
  }

  /** Whether the thread's process has all the mappings it may have. */
  #maps(tid: number): boolean {
    const limit = this.#mappings.get(Number(statusOf(tid, 'Tgid')));
    return limit !== undefined && mappingsIn(tid) >= limit;
  }

  /** Of limits that are counted here. */
  #counted(nr: number, tid: number): number {
    if (FORKS.has(nr)) {
      return this.#threads !== Number.POSITIVE_INFINITY && this.#running() >= this.#threads
        ? -EAGAIN
        : 0;
    }
    if (this.#space === Number.POSITIVE_INFINITY) return 0;
    const bytes = bytesWritten(this.#w, nr, tid);
    if (bytes > this.#space) return -ENOSPC;
    this.#space -= bytes;
    return 0;
  }

  /** By the latest quota of that name. */
  #denial(name: Quota['name'], result: number, byKernel: boolean): Denial | undefined {
    const quota = [...this.#holding].findLast((one) => one.name === name);
    return quota && { quota, result, byKernel };
  }

  backing(change: 1 | -1): Denial | undefined {
    if (change > 0 && this.#backing <= 0) return this.#denial('backing-files', -ENOSPC, false);
    this.#backing -= change;
    return undefined;
  }
}

/** No limit holds for whoever has CAP_IPC_LOCK. */
const locksFreely = (pid: number): boolean =>
  ((BigInt(`0x${statusOf(pid, 'CapEff') || '0'}`) >> CAP_IPC_LOCK) & 1n) === 1n;
