/**
 * The backing store after a replay: files that the server has changed are searched for poison, which
 * only gets there out of a buffer that the kernel owned (rig/seam/poison.ts).
 */
import { closeSync, lstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';

/** What searches a piece of a file that begins at `base`. */
export type Search = (file: string, bytes: Uint8Array, base: number) => void;

const CHUNK = 1 << 20;
/** Pieces overlap by as much as is needed to know poison (two words, at any byte). */
const OVERLAP = 16;

/** -1 where we may not read what the server wrote: it cannot be searched then. */
function openReadable(path: string): number {
  try {
    return openSync(path, 'r');
  } catch {
    return -1;
  }
}

/** Names in a directory; none where we may not read it. */
function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** Regular files below `root` whose inode changed at `since` (ms, st_ctime) or later. */
function* changedBelow(root: string, below: string, since: number): Generator<string> {
  for (const name of namesIn(join(root, below))) {
    const path = join(below, name);
    const stat = lstatSync(join(root, path), { throwIfNoEntry: false });
    if (stat === undefined) continue;
    if (stat.isDirectory()) yield* changedBelow(root, path, since);
    else if (stat.isFile() && stat.ctimeMs >= since) yield path;
  }
}

/** `root` is a directory, or one image file. */
export function searchBacking(root: string, since: number, search: Search): void {
  const files = lstatSync(root).isDirectory() ? changedBelow(root, '', since) : [''];
  const bytes = new Uint8Array(CHUNK);
  for (const file of files) {
    const fd = openReadable(join(root, file));
    if (fd < 0) continue;
    try {
      for (let base = 0; ; base += CHUNK - OVERLAP) {
        const n = readSync(fd, bytes, 0, CHUNK, base);
        if (n > 0) search(file, bytes.subarray(0, n), base);
        if (n < CHUNK) break;
      }
    } finally {
      closeSync(fd);
    }
  }
}

/** The restored fixture, and when the server was started (st_ctime, ms). */
export interface Backing {
  path: string;
  since: number;
}
