/** Unpacks a source tree, reads it back as an archive, and removes it. */
import { tarOfTree } from './source_tar.ts';
import type { Workload } from './workload.ts';

const FILES = { small: 200, full: 5200 } as const;
/** Nothing of times and owners: servers keep them in their own ways. */
const PACK = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'];

export const tree: Workload = {
  name: 'tree',
  needs: ['write'],
  programs: ['tar', 'rm', 'sh'],
  async run({ mountpoint, seed, size }, log) {
    const { tar, remove } = await tarOfTree(FILES[size], seed);
    try {
      await log.client(mountpoint, ['mkdir tree']);
      const dir = `${mountpoint}/tree`;
      await log.program('unpack', 'tar', ['-xf', tar, '-C', dir]);
      // A digest of the archive in the shell: it may be hundreds of megabytes.
      const pack = `tar -cf - ${PACK.join(' ')} -C "$0" . | sha256sum`;
      await log.program('repack', 'sh', ['-c', pack, dir], { shown: 'lines' });
      await log.program('compare', 'tar', ['-df', tar, '-C', dir], { shown: 'nothing' });
      await log.client(mountpoint, ['list tree']);
      await log.program('remove', 'rm', ['-rf', `${dir}/d1`]);
      await log.client(mountpoint, ['list tree']);
    } finally {
      remove();
    }
  },
};
