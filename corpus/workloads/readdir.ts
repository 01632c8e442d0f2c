/** A directory too large for one reply: listed whole, in parts, while it changes, and emptied. */
import { times, type Workload } from './workload.ts';

const ENTRIES = { small: 600, full: 10_000 } as const;

export const readdir: Workload = {
  name: 'readdir',
  needs: ['write'],
  programs: ['rm', 'ls'],
  async run({ mountpoint, size }, log) {
    const count = ENTRIES[size];
    await log.client(mountpoint, [
      'mkdir readdir',
      'list readdir',
      `many readdir/entry-with-a-name-of-some-length- ${count}`,
      'list readdir',
      // Left open in the middle, twice.
      'open d readdir RDONLY|DIRECTORY',
      'getdents d 4096',
      'open e readdir RDONLY|DIRECTORY',
      'getdents e 4096',
      'close d',
      ...times(50, (i) => `unlink readdir/entry-with-a-name-of-some-length-${i * 7}`),
      'close e',
      'list readdir',
      'unlink readdir/entry-with-a-name-of-some-length-0',
      'rmdir readdir',
    ]);
    await log.program('ls', 'sh', ['-c', 'ls "$0" | wc -l', `${mountpoint}/readdir`], {
      shown: 'lines',
    });
    await log.program('remove', 'rm', ['-r', `${mountpoint}/readdir`]);
    await log.client(mountpoint, ['list readdir']);
  },
};
