/** Processes of a tree and their CPU time, from /proc: what tells a program that works from one that nobody runs. */
import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ of x86-64: what utime and stime of /proc/PID/stat count in. */
const TICK_MS = 10;
const UTIME = 11;
const STIME = 12;

function text(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** Processes of which `pid` is the parent. */
export function childrenOf(pid: number): string[] {
  try {
    const tids = readdirSync(`/proc/${pid}/task`);
    return tids.flatMap((tid) =>
      text(`/proc/${pid}/task/${tid}/children`).split(' ').filter(Boolean),
    );
  } catch {
    return [];
  }
}

/** The descendants of `pid` that run: of a keeper, all that the server is. */
export function runningBelow(pid: number): number[] {
  const state = (child: string): string => {
    const stat = text(`/proc/${child}/stat`);
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
  };
  const children = childrenOf(pid).filter((child) => !['', 'Z', 'X'].includes(state(child)));
  return children.flatMap((child) => [Number(child), ...runningBelow(Number(child))]);
}

/**
 * Milliseconds that the descendants of `pid` have run; children that ended, and that were waited for,
 * do not count any more.
 */
export function cpuMsBelow(pid: number): number {
  let sum = 0;
  for (const child of childrenOf(pid)) {
    const stat = text(`/proc/${child}/stat`);
    // The fields behind the name, which may hold anything, begin with the state.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    sum += (Number(fields[UTIME] ?? 0) + Number(fields[STIME] ?? 0)) * TICK_MS;
    sum += cpuMsBelow(Number(child));
  }
  return sum;
}
