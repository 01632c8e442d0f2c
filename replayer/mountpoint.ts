/** Where the server of a replay mounts. Nothing is mounted there: the server only looks at it before. */
import { mkdirSync, statSync, writeFileSync } from 'node:fs';

/** A root that is no directory (QEMU exports an image as one file) wants a file to be mounted on. */
export function makeMountpoint(path: string, root: 'directory' | 'file'): void {
  if (root === 'file') writeFileSync(path, '');
  else mkdirSync(path);
}

/** What the model kernel finds at a path; what is not there counts as a directory. */
export function targetKind(path: string): 'directory' | 'other' {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined || found.isDirectory() ? 'directory' : 'other';
}
