/**
 * rclone mount: Go, bazil.org/fuse, a local directory as its backend. Looks for `fusermount` on PATH
 * and reads /proc/mounts before it mounts. Its local backend shows no symbolic links, and refuses
 * hard links, special files and attributes with EIO.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { missingPrograms, type Recipe, versionLine } from './recipe.ts';
import { seedTree } from './seed.ts';

const OPTIONS = [
  ...['--config', '{fixture}/rclone.conf', '--cache-dir', '{fixture}/cache'],
  // Files are written back when they are closed, not five seconds later.
  ...['--vfs-cache-mode', 'full', '--vfs-write-back', '0s'],
  ...['{fixture}/src', '{mountpoint}'],
];

export const rclone: Recipe = {
  name: 'rclone',
  packages: ['rclone', 'fuse3'],
  version: () => versionLine('rclone', ['version'], /^rclone v/),
  missing: () => missingPrograms(['rclone', 'fusermount']),
  prepare: async (fixture) => {
    seedTree(join(fixture, 'src'), false);
    writeFileSync(join(fixture, 'rclone.conf'), '');
  },
  variants: [
    { name: 'plain', command: ['rclone', 'mount', ...OPTIONS] },
    { name: 'daemon', command: ['rclone', 'mount', '--daemon', ...OPTIONS], daemon: true },
  ],
  capabilities: ['write', 'direct'],
  sigtermCodes: [143],
  serial: 'RELEASE writes the file back while the rename that follows it is already asked',
  fusermount: true,
};
