/** squashfuse: libfuse 3, read-only, an image file as its fixture. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { must } from '../run.ts';
import { missingPrograms, type Recipe, versionLine } from './recipe.ts';
import { seedTree } from './seed.ts';

/** mksquashfs with nothing of this machine or moment in the image. */
const FIXED = ['-noappend', '-quiet', '-no-progress', '-all-root', '-all-time', '0', '-mkfs-time'];

export const squashfuse: Recipe = {
  name: 'squashfuse',
  packages: ['squashfuse', 'squashfs-tools', 'fuse3'],
  version: () => versionLine('squashfuse', ['--help'], /^squashfuse /),
  missing: () => missingPrograms(['squashfuse', 'mksquashfs']),
  prepare: async (fixture) => {
    const tree = mkdtempSync(join(tmpdir(), 'fuse-rig-squash-'));
    try {
      seedTree(tree);
      await must('mksquashfs', [tree, join(fixture, 'image'), ...FIXED, '0', '-processors', '1']);
    } finally {
      rmSync(tree, { recursive: true });
    }
  },
  variants: [
    { name: 'plain', command: ['squashfuse', '-f', '{fixture}/image', '{mountpoint}'] },
    {
      name: 'lowlevel',
      command: ['squashfuse_ll', '-f', '{fixture}/image', '{mountpoint}'],
      missing: () => missingPrograms(['squashfuse_ll']),
    },
    { name: 'daemon', command: ['squashfuse', '{fixture}/image', '{mountpoint}'], daemon: true },
  ],
  capabilities: ['symlink'],
  sigtermCodes: [8],
  fusermount: false,
};
