/** What this machine has for a real ring, and whether it may be used. */
import { readFileSync } from 'node:fs';

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
