/** mergerfs: its own fork of libfuse 2.9, threads; raises RLIMIT_NOFILE as far as it may. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { missingPrograms, type Recipe, versionLine } from './recipe.ts';
import { seedTree } from './seed.ts';

const BRANCHES = ['{fixture}/one:{fixture}/two', '{mountpoint}'];

export const mergerfs: Recipe = {
  name: 'mergerfs',
  packages: ['mergerfs', 'fuse3'],
  version: () => versionLine('mergerfs', ['--version'], /^mergerfs v/),
  missing: () => missingPrograms(['mergerfs']),
  prepare: async (fixture) => {
    seedTree(join(fixture, 'one'));
    mkdirSync(join(fixture, 'two'));
  },
  // ff: the first branch takes new files. The default asks which has more free space.
  variants: [
    { name: 'plain', command: ['mergerfs', '-f', '-o', 'category.create=ff', ...BRANCHES] },
    {
      name: 'single',
      command: ['mergerfs', '-f', '-o', 'category.create=ff,threads=1', ...BRANCHES],
    },
    {
      name: 'daemon',
      command: ['mergerfs', '-o', 'category.create=ff', ...BRANCHES],
      daemon: true,
    },
  ],
  capabilities: ['write', 'xattr', 'hardlink', 'symlink', 'mknod'],
  sigtermCodes: [0],
  fusermount: false,
};
