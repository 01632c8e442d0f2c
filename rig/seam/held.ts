/** What the processes of a server hold, from /proc: what must not grow from one session to the next. */
import { readdirSync, readFileSync } from 'node:fs';
import { childrenOf } from './cpu_time.ts';

export interface Held {
  descriptors: number;
  threads: number;
  mappings: number;
  /** Bytes that are locked (VmLck). */
  locked: number;
  /** Bytes of memory that no file backs (RssAnon, RssShmem). */
  memory: number;
}

function text(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function descriptorsOf(pid: string): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return 0;
  }
}

/** Of all descendants of `pid` together; what cannot be read counts as nothing. */
export function heldBelow(pid: number): Held {
  const sum: Held = { descriptors: 0, threads: 0, mappings: 0, locked: 0, memory: 0 };
  const add = (more: Held) => {
    for (const key of Object.keys(sum) as (keyof Held)[]) sum[key] += more[key];
  };
  for (const child of childrenOf(pid)) {
    const status = text(`/proc/${child}/status`);
    const field = (name: string) =>
      Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
    add({
      descriptors: descriptorsOf(child),
      threads: field('Threads'),
      mappings: text(`/proc/${child}/maps`).split('\n').length - 1,
      locked: field('VmLck') * 1024,
      memory: (field('RssAnon') + field('RssShmem')) * 1024,
    });
    add(heldBelow(Number(child)));
  }
  return sum;
}
