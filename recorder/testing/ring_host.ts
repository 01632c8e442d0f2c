/** What this machine has for a real ring, and what stands for a session's waiting. */
import { readFileSync } from 'node:fs';
import { native } from '../../native/load.ts';

export const CPUS =
  Number(readFileSync('/sys/devices/system/cpu/possible', 'utf8').split('-')[1] ?? 0) + 1;

/** Why no ring can be had here; undefined if it can. */
export function whyNoRing(): string | undefined {
  if (process.getuid?.() !== 0) return 'mounting needs root';
  try {
    const on = readFileSync('/sys/module/fuse/parameters/enable_uring', 'utf8').startsWith('Y');
    return on ? undefined : '/sys/module/fuse/parameters/enable_uring is N: echo Y there';
  } catch {
    return 'this kernel has no FUSE over io_uring';
  }
}

/** Whether a promise has come to its end. */
export function settled(promise: Promise<unknown>): () => boolean {
  let over = false;
  const end = () => {
    over = true;
  };
  promise.then(end, end);
  return () => over;
}

const POLLIN = 1;

/** Descriptors with what to do when one is readable, as a session's epoll has them. */
export class Polled {
  readonly #watched = new Map<number, { fd: number; action: () => void }>();
  #tag = 0;

  add(fd: number, action: () => void): number {
    this.#watched.set(++this.#tag, { fd, action });
    return this.#tag;
  }

  remove(tag: number): void {
    this.#watched.delete(tag);
  }

  /** A ring's action must leave nothing: an edge-triggered epoll would not tell again. */
  look(): void {
    for (const { fd, action } of [...this.#watched.values()]) {
      if ((native.pollFd(fd) & POLLIN) !== 0) action();
    }
  }
}
