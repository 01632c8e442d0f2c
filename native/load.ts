/**
 * The only file that loads the addon. Types here are the addon's contract; what the calls do is said
 * beside each C++ function's registration.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Native {
  /** CRC32C of `bytes`, continuing from `seed` (0 to begin). */
  crc32c(bytes: Uint8Array, seed?: number): number;
}

/** Directory of the built native parts, from a checkout's sources and from dist alike. */
function nativeDir(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  for (const dir of [here, join(here, '../dist/native')]) {
    if (existsSync(join(dir, 'fuse_rig.node'))) return dir;
  }
  throw new Error('fuse-rig: the native addon is not built; run: npm run build');
}

export const nativePath = (name: string): string => join(nativeDir(), name);

export const native: Native = createRequire(import.meta.url)(nativePath('fuse_rig.node'));
