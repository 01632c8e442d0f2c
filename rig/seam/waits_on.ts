/**
 * What a sleeping thread waits on, in words for people: its call, and what is behind the descriptors
 * it names. Read from /proc, and for poll(2) from the thread's memory; what cannot be read is not said.
 */
import { closeSync, openSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import { BY_DESCRIPTOR, callName } from './call_names.ts';
import type { WaitingThread } from './quiescence.ts';

/** How a wait can end, in words. */
const ENDS: Record<WaitingThread['wait'], string> = {
  held: 'held by the rig, which has nothing for it',
  forever: 'until another thread of the server wakes it',
  stopped: 'stopped by a signal, until one lets it go on',
  timed: 'until its time is over',
  runtime: "until its language's runtime looks again",
  outside: 'until somebody outside, or the kernel, wakes it',
};

/** At most so many descriptors of a set are named. */
const NAMED_MAX = 6;
/** sizeof(struct pollfd). */
const POLLFD = 8;

/** Whether a descriptor number of a process is the device: its file is a placeholder of the rig's. */
export type IsDevice = (fd: number) => boolean;

function link(pid: number, fd: number): string {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`).replace(/^anon_inode:\[?([^\]]*)\]?$/, '$1');
  } catch {
    return 'closed';
  }
}

const named = (pid: number, fd: number, isDevice: IsDevice): string =>
  `${fd} ${isDevice(fd) ? '/dev/fuse' : link(pid, fd)}`;

function several(fds: readonly number[], name: (fd: number) => string): string {
  const more = fds.length > NAMED_MAX ? `, and ${fds.length - NAMED_MAX} more` : '';
  return `${fds.slice(0, NAMED_MAX).map(name).join(', ')}${more}`;
}

/** Descriptors of an epoll set (ep_show_fdinfo). */
function epollSet(pid: number, epoll: number): number[] {
  try {
    const info = readFileSync(`/proc/${pid}/fdinfo/${epoll}`, 'latin1');
    return [...info.matchAll(/^tfd:\s+(\d+)/gm)].map(([, fd]) => Number(fd));
  } catch {
    return [];
  }
}

/** The descriptors of an array of struct pollfd. */
function polled(pid: number, address: string, count: number): number[] {
  const bytes = Buffer.alloc(Math.min(count, NAMED_MAX + 1) * POLLFD);
  let memory: number | undefined;
  try {
    memory = openSync(`/proc/${pid}/mem`, 'r');
    readSync(memory, bytes, 0, bytes.length, BigInt(address) as never);
  } catch {
    return [];
  } finally {
    if (memory !== undefined) closeSync(memory);
  }
  return Array.from({ length: bytes.length / POLLFD }, (_, n) => bytes.readInt32LE(n * POLLFD));
}

/** `read(1000 /dev/fuse)`, `epoll_wait(4: 5 eventfd, 7 socket:[11])`, `futex(0x7f3c)`. */
function callWords(thread: WaitingThread, isDevice: IsDevice): string {
  const { pid, nr, call } = thread;
  if (nr < 0) return 'no system call';
  const name = callName(nr);
  const [, first = '0', second = '0'] = call;
  const fd = Number(BigInt.asIntN(32, BigInt(first)));
  const one = (n: number) => named(pid, n, isDevice);
  if (name.startsWith('epoll')) return `${name}(${fd}: ${several(epollSet(pid, fd), one)})`;
  if (name === 'poll' || name === 'ppoll') {
    return `${name}(${several(polled(pid, first, Number(BigInt(second))), one)})`;
  }
  if (name === 'futex') return `futex(${first})`;
  return BY_DESCRIPTOR.has(name) ? `${name}(${one(fd)})` : name;
}

/** The whole of it: call, kernel function, and what would end the wait. */
export const waitsOn = (thread: WaitingThread, isDevice: IsDevice): string =>
  `${callWords(thread, isDevice)} in ${thread.wchan}, ${ENDS[thread.wait]}`;
