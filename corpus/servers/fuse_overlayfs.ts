/**
 * fuse-overlayfs: libfuse 3, low-level; splices file contents to the device. Clones the device for
 * each thread with threaded=1,clone_fd (it says "unknown argument ignored" and does it).
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { missingPrograms, type Recipe, versionLine } from './recipe.ts';
import { seedTree } from './seed.ts';

const LAYERS = 'lowerdir={fixture}/lower,upperdir={fixture}/upper,workdir={fixture}/work';

export const fuseOverlayfs: Recipe = {
  name: 'fuse-overlayfs',
  packages: ['fuse-overlayfs', 'fuse3'],
  version: () => versionLine('fuse-overlayfs', ['--version'], /^fuse-overlayfs/),
  missing: () => missingPrograms(['fuse-overlayfs']),
  prepare: async (fixture) => {
    seedTree(join(fixture, 'lower'));
    mkdirSync(join(fixture, 'upper'));
    mkdirSync(join(fixture, 'work'));
  },
  variants: [
    { name: 'plain', command: ['fuse-overlayfs', '-f', '-o', LAYERS, '{mountpoint}'] },
    {
      name: 'clone',
      command: ['fuse-overlayfs', '-f', '-o', `${LAYERS},threaded=1,clone_fd`, '{mountpoint}'],
    },
    {
      name: 'daemon',
      command: ['fuse-overlayfs', '-o', LAYERS, '{mountpoint}'],
      daemon: true,
    },
  ],
  capabilities: ['write', 'direct', 'xattr', 'hardlink', 'symlink', 'mknod'],
  sigtermCodes: [1],
  fusermount: false,
};
