/** unionfs-fuse: libfuse 2.9, high-level, threads; a writable branch over a read-only one. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { missingPrograms, type Recipe, versionLine } from './recipe.ts';
import { seedTree } from './seed.ts';

const BRANCHES = ['-o', 'cow', '{fixture}/upper=RW:{fixture}/lower=RO', '{mountpoint}'];

export const unionfsFuse: Recipe = {
  name: 'unionfs-fuse',
  packages: ['unionfs-fuse', 'fuse3'],
  version: () => versionLine('unionfs', ['--version'], /unionfs-fuse version/),
  missing: () => missingPrograms(['unionfs']),
  prepare: async (fixture) => {
    seedTree(join(fixture, 'lower'));
    mkdirSync(join(fixture, 'upper'));
  },
  variants: [
    { name: 'plain', command: ['unionfs', '-f', ...BRANCHES] },
    { name: 'single', command: ['unionfs', '-f', '-s', ...BRANCHES] },
    { name: 'daemon', command: ['unionfs', ...BRANCHES], daemon: true },
  ],
  capabilities: ['write', 'hardlink', 'symlink', 'mknod'],
  sigtermCodes: [0],
  fusermount: false,
};
