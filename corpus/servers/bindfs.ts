/** bindfs: libfuse 2.9, high-level, one directory mirrored; one thread unless told otherwise. */
import { join } from 'node:path';
import { missingPrograms, type Recipe, versionLine } from './recipe.ts';
import { seedTree } from './seed.ts';

export const bindfs: Recipe = {
  name: 'bindfs',
  packages: ['bindfs', 'fuse3'],
  version: () => versionLine('bindfs', ['--version'], /^bindfs /),
  missing: () => missingPrograms(['bindfs']),
  prepare: async (fixture) => seedTree(join(fixture, 'src')),
  variants: [
    { name: 'plain', command: ['bindfs', '-f', '{fixture}/src', '{mountpoint}'] },
    {
      name: 'threads',
      command: ['bindfs', '-f', '--multithreaded', '{fixture}/src', '{mountpoint}'],
    },
    { name: 'daemon', command: ['bindfs', '{fixture}/src', '{mountpoint}'], daemon: true },
  ],
  capabilities: ['write', 'direct', 'xattr', 'hardlink', 'symlink', 'mknod'],
  sigtermCodes: [0],
  fusermount: false,
};
