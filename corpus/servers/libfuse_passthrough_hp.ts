/**
 * libfuse's passthrough_hp over io_uring: low-level, one directory mirrored. Without --nopassthrough
 * the kernel reads and writes the files themselves, and the ring sees nothing of it.
 */
import { join } from 'node:path';
import { libfuseRecipe } from './libfuse.ts';
import { seedTree } from './seed.ts';

const FLAGS = ['--foreground', '--nopassthrough'];

export const libfusePassthroughHp = libfuseRecipe(
  'passthrough_hp',
  {
    name: 'libfuse-passthrough_hp',
    prepare: async (fixture) => seedTree(join(fixture, 'src')),
    capabilities: ['write', 'direct', 'xattr', 'hardlink', 'symlink', 'mknod'],
    sigtermCodes: [1],
  },
  ['{fixture}/src', '{mountpoint}'],
  [
    { name: 'plain', flags: FLAGS },
    { name: 'depth1', flags: FLAGS, options: ['io_uring_q_depth=1'] },
    { name: 'depth32', flags: FLAGS, options: ['io_uring_q_depth=32'] },
    { name: 'nocache', flags: [...FLAGS, '--nocache'] },
    { name: 'passthrough', flags: ['--foreground'] },
  ],
);
