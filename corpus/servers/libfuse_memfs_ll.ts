/** libfuse's memfs_ll over io_uring: low-level, files in memory; starts empty and needs no fixture. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { libfuseRecipe } from './libfuse.ts';

export const libfuseMemfs = libfuseRecipe(
  'memfs_ll',
  {
    name: 'libfuse-memfs_ll',
    prepare: async (fixture) => writeFileSync(join(fixture, 'unused'), ''),
    capabilities: ['write'],
    sigtermCodes: [1],
  },
  ['{mountpoint}'],
  [
    { name: 'plain', flags: ['-f'] },
    { name: 'depth1', flags: ['-f'], options: ['io_uring_q_depth=1'] },
  ],
);
