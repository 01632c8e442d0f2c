/**
 * Quiescence instead of timeouts: when every thread of the server waits and nothing is deliverable,
 * nothing will ever happen again, unless a wait ends by itself. This file says which waits do.
 */
import { readFileSync } from 'node:fs';
import { type NativeSeam, native, type SleepingThread } from '../../native/load.ts';
import { isSysmonSleep } from './go_runtime.ts';
import { hasNoLimit, ringsAreQuiet } from './ring_waits.ts';
import { epollSource, type Source, sourceOf } from './wait_sources.ts';

/** How a thread's wait can end. */
export type Wait =
  | 'held' // by the rig: it waits for what the rig will not give
  | 'forever' // only by another thread of the tree
  | 'stopped' // by SIGCONT: only another process of the tree, in its session, would send one
  | 'timed' // by itself, later
  | 'runtime' // by itself, but only to look after a language's runtime: nobody of the server wakes
  | 'outside'; // by somebody outside: a disk, a network peer, a child we do not see

export interface WaitingThread extends SleepingThread {
  wait: Wait;
  /** Number of the system call, -1 outside any. */
  nr: number;
}

const NR = {
  poll: 7,
  select: 23,
  nanosleep: 35,
  futex: 202,
  restart_syscall: 219,
  epoll_wait: 232,
  clock_nanosleep: 230,
  waitid: 247,
  pselect6: 270,
  ppoll: 271,
  epoll_pwait: 281,
  rt_sigtimedwait: 128,
  rt_sigsuspend: 130,
  pause: 34,
  wait4: 61,
  io_uring_enter: 426,
  epoll_pwait2: 441,
  read: 0,
  readv: 19,
  recvfrom: 45,
  recvmsg: 47,
  accept: 43,
  accept4: 288,
} as const;

const FUTEX_CMD_MASK = 0x7f;
const FUTEX_LOCK_PI = 6;
const IORING_ENTER_EXT_ARG = 8;

const low = (word: string | undefined): number => Number(BigInt.asIntN(32, BigInt(word ?? '0')));
const isZero = (word: string | undefined): boolean => BigInt(word ?? '0') === 0n;

/** Whether a wait's timeout argument means for ever (the argument rules of each call). */
function endless(nr: number, args: string[]): boolean | undefined {
  switch (nr) {
    case NR.futex:
      return isZero(args[3]) || (low(args[1]) & FUTEX_CMD_MASK) === FUTEX_LOCK_PI;
    case NR.epoll_wait:
    case NR.epoll_pwait:
      return low(args[3]) < 0;
    case NR.epoll_pwait2:
      return isZero(args[3]);
    case NR.poll:
      return low(args[2]) < 0;
    case NR.ppoll:
      return isZero(args[2]);
    case NR.select:
    case NR.pselect6:
      return isZero(args[4]);
    case NR.rt_sigtimedwait:
      return isZero(args[2]);
    case NR.io_uring_enter:
      return (low(args[3]) & IORING_ENTER_EXT_ARG) === 0;
    case NR.pause:
    case NR.rt_sigsuspend:
    case NR.wait4:
    case NR.waitid:
      return true;
    case NR.nanosleep:
    case NR.clock_nanosleep:
    case NR.restart_syscall:
      return false;
    default:
      return undefined;
  }
}

const RECEIVES: ReadonlySet<number> = new Set([
  NR.read,
  NR.readv,
  NR.recvfrom,
  NR.recvmsg,
  NR.accept,
  NR.accept4,
]);

export function classify(thread: SleepingThread): WaitingThread {
  const nr = Number(thread.call[0] ?? -1);
  const args = thread.call.slice(1, 7);
  let wait: Wait;
  // A receive is held only until its socket has something (native/addon/seam_handover.cc).
  if (thread.wchan === 'do_signal_stop') wait = 'stopped';
  else if (thread.wchan.startsWith('seccomp_do_user_notification')) {
    wait = nr === NR.recvmsg ? bySources(thread.pid, nr, low(args[0])) : 'held';
  } else {
    const forEver = endless(nr, args);
    // In the call, but asleep for another reason (a page that is read in, a lock): it goes on.
    const inItsWait = WAITS.test(thread.wchan);
    if (forEver === true) wait = inItsWait ? 'forever' : 'outside';
    else if (forEver === false) wait = isSysmonSleep(thread.pid, thread.call) ? 'runtime' : 'timed';
    else wait = RECEIVES.has(nr) && isQuietWait(thread.wchan) ? 'forever' : 'outside';
    if (wait === 'forever') wait = bySources(thread.pid, nr, low(args[0]));
  }
  return { ...thread, nr, wait };
}

/**
 * Where the calls with a timeout argument, or with none, sleep when they wait for their event; not where
 * any of them may sleep for a page or a lock (submit_bio_wait, folio_wait_bit_common).
 */
const WAITS =
  /futex|ep_poll|epoll|poll_schedule_timeout|do_select|sigtimedwait|sigsuspend|pause|\bdo_wait\b|io_cqring|hrtimer_nanosleep/;

/** A wait without a limit, held against what it waits on. */
function bySources(pid: number, nr: number, fd: number): Wait {
  let source: Source = 'inside';
  if (RECEIVES.has(nr)) source = sourceOf(pid, fd);
  else if (nr === NR.epoll_wait || nr === NR.epoll_pwait || nr === NR.epoll_pwait2) {
    source = epollSource(pid, fd);
  }
  return source === 'inside' ? 'forever' : source === 'timer' ? 'timed' : 'outside';
}

/** A read that sleeps on a pipe, an eventfd or a local socket, not on a disk. */
function isQuietWait(wchan: string): boolean {
  return /pipe_read|eventfd|do_wait_intr_irq|unix_|__skb_wait|signalfd/.test(wchan);
}

/** A receive on a socket with SO_RCVTIMEO ends by itself; no argument of the call shows it. */
function timedReceive({ wait, nr, tid, call }: WaitingThread, seam: NativeSeam): boolean {
  if (wait !== 'forever' || !RECEIVES.has(nr)) return false;
  const fd = seam.getFd(tid, low(call[1]));
  if (fd < 0) return false;
  const limit = native.receiveTimeout(fd);
  native.closeFd(fd);
  return limit > 0;
}

/**
 * Whether a thread sleeps where no signal wakes it: in the kernel's own work (a disk, a lock), which
 * comes to its end however long a loaded machine takes.
 */
export function sleepsInKernel({ pid, tid }: WaitingThread): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/task/${tid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2)[0] === 'D';
  } catch {
    return false;
  }
}

export interface Quiet {
  /** Nothing will happen by itself any more. */
  proven: boolean;
  threads: WaitingThread[];
}

/** Waits that end only by somebody inside the tree, or wake nobody there. */
const PROVING: ReadonlySet<Wait> = new Set(['held', 'forever', 'stopped', 'runtime']);

/**
 * An io_uring_enter whose argument structure names no limit, or an idle worker of a ring: both wait for
 * what a ring brings.
 */
function waitsForRing(
  { wait, nr, tid, comm, wchan, call }: WaitingThread,
  seam: NativeSeam,
): boolean {
  if (comm.startsWith('iou-wrk-')) return wchan.startsWith('io_wq_worker');
  if (wait !== 'timed' || nr !== NR.io_uring_enter || !WAITS.test(wchan)) return false;
  return hasNoLimit(seam, tid, BigInt(call[5] ?? '0'));
}

/** Name of a process that has not become the server yet. */
const LAUNCHER = 'fuse-rig-launch';

/**
 * Looks once. Undefined: somebody ran, was born, or has made a call that the rig has not yet taken: a
 * thread in such a call sleeps like one whose call is held.
 */
export function lookQuiet(keeperPid: number, seam: NativeSeam): Quiet | undefined {
  const threads = native.lookQuiet(keeperPid)?.map(classify);
  if (threads === undefined || seam.busy()) return undefined;
  // Before its exec the server waits for the keeper, who is outside of what we look at.
  if (threads.some((t) => t.comm === LAUNCHER)) return undefined;
  for (const thread of threads) {
    if (timedReceive(thread, seam)) thread.wait = 'timed';
    if (waitsForRing(thread, seam)) thread.wait = 'forever';
  }
  const waits = threads.length > 0 && threads.every((t) => PROVING.has(t.wait));
  const proven = waits && ringsAreQuiet(seam);
  return { proven, threads };
}
