/** Where execvp(3) would find a program. */
import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';

export function findProgram(name: string): string | undefined {
  for (const dir of (process.env.PATH ?? '').split(':')) {
    const path = join(dir || '.', name);
    try {
      accessSync(path, constants.X_OK);
      if (statSync(path).isFile()) return path;
    } catch {}
  }
  return undefined;
}
