/** What it means that nothing happens, and why an answer does not come, in words. */
import { type Quiet, sleepsInKernel } from '../rig/seam/quiescence.ts';

/** What the threads wait in, each kind once: `bindfs read (held), bindfs futex_do_wait (forever)`. */
export const waits = (quiet: Quiet): string =>
  [...new Set(quiet.threads.map((t) => `${t.comm} ${t.wchan} (${t.wait})`))].join(', ');

/** At most so many queues are named. */
const NAMED_MAX = 8;

export const notReady = (queues: readonly number[]): string => {
  const more = queues.length > NAMED_MAX ? ` and ${queues.length - NAMED_MAX} more` : '';
  const named = queues.slice(0, NAMED_MAX).join(', ');
  return `the ring is not ready, no entry in queue ${named}${more}`;
};

/** How long a server must have been still that would go on by itself. */
const STILL_MS = 5;

/** Somebody sleeps in the kernel's own work, which comes to its end. */
export const inKernel = (quiet: Quiet | undefined): boolean =>
  quiet?.threads.some(sleepsInKernel) === true;

/** Nobody ran, and that is no pause between two things: nothing could go on, or nothing did. */
export const isStill = (quiet: Quiet | undefined, idleMs: number): boolean =>
  quiet !== undefined && (quiet.proven || idleMs >= STILL_MS);
