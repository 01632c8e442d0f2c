/** Whether a capture that is to be copied or sent to workers is a file: a FIFO would be waited for. */
import { statSync } from 'node:fs';

/** What is wrong with it as an argument; undefined: nothing as yet. */
export function wrongCapture(path: string): string | undefined {
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return `${path}: no such capture`;
    return stat.isFile()
      ? undefined
      : `${path}: not a file; name a capture that fuse-rig record wrote`;
  } catch (error) {
    return `${path}: cannot be read: ${(error as NodeJS.ErrnoException).code}`;
  }
}
