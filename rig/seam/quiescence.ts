/**
 * Quiescence instead of timeouts: when every thread of the server waits and nothing is deliverable,
 * nothing will ever happen again, unless a wait ends by itself. This file says which waits do.
 */
import { type NativeSeam, native, type SleepingThread } from '../../native/load.ts';

/** How a thread's wait can end. */
export type Wait =
  | 'held' // by the rig: it waits for what the rig will not give
  | 'forever' // only by another thread of the tree
  | 'timed' // by itself, later
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

const OPEN_ENDED: ReadonlySet<number> = new Set([
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
  if (thread.wchan.startsWith('seccomp_do_user_notification')) wait = 'held';
  else {
    const forEver = endless(nr, args);
    if (forEver === true) wait = 'forever';
    else if (forEver === false) wait = 'timed';
    else wait = OPEN_ENDED.has(nr) && isQuietWait(thread.wchan) ? 'forever' : 'outside';
  }
  return { ...thread, nr, wait };
}

/** A read that sleeps on a pipe, an eventfd or a local socket, not on a disk. */
function isQuietWait(wchan: string): boolean {
  return /pipe_read|anon_pipe|eventfd|unix_|signalfd|wait_woken|inotify/.test(wchan);
}

export interface Quiet {
  /** Nothing will happen by itself any more. */
  proven: boolean;
  threads: WaitingThread[];
}

/**
 * Looks once. Undefined: somebody ran, was born, or has made a call that the rig has not yet taken: a
 * thread in such a call sleeps like one whose call is held.
 */
export function lookQuiet(keeperPid: number, seam: NativeSeam): Quiet | undefined {
  const threads = native.lookQuiet(keeperPid)?.map(classify);
  if (threads === undefined || seam.busy()) return undefined;
  return { proven: threads.every((t) => t.wait === 'held' || t.wait === 'forever'), threads };
}
