/**
 * mkdir -p. Node's own, mkdirSync with `recursive`, never ends where the file system says ENOENT of a name
 * whose parent is there, as procfs does.
 */
import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Throws what mkdir(2) says of the first that cannot be made. */
export function makeDirectories(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  const parent = dirname(path);
  if (parent !== path) makeDirectories(parent);
  try {
    mkdirSync(path);
  } catch (error) {
    // Somebody else was faster: a shard of the same campaign.
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
}
