/** How many descriptors the processes of a server have open, from /proc. */
import { readdirSync } from 'node:fs';
import { childrenOf } from './cpu_time.ts';

/** Of all descendants of `pid` together; a process whose descriptors cannot be read has none. */
export function descriptorsBelow(pid: number): number {
  let count = 0;
  for (const child of childrenOf(pid)) {
    try {
      count += readdirSync(`/proc/${child}/fd`).length;
    } catch {
      // Gone, or somebody else's.
    }
    count += descriptorsBelow(Number(child));
  }
  return count;
}
