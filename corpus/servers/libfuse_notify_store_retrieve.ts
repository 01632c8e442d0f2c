/**
 * libfuse's notify_store_retrieve over io_uring: one file that tells the time. While it is open, the
 * server stores every new content in the kernel's cache and retrieves it again; it ends itself if
 * that is not what it stored.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { libfuseRecipe } from './libfuse.ts';

export const libfuseNotify = libfuseRecipe(
  'notify_store_retrieve',
  {
    name: 'libfuse-notify_store_retrieve',
    prepare: async (fixture) => writeFileSync(join(fixture, 'unused'), ''),
    capabilities: ['notify'],
    sigtermCodes: [1],
  },
  ['{mountpoint}'],
  [
    { name: 'plain', flags: ['-f'] },
    { name: 'depth1', flags: ['-f'], options: ['io_uring_q_depth=1'] },
  ],
);
