/** Files and directories deleted, or replaced, while somebody has them open. */
import { times, type Workload } from './workload.ts';

const FILES = { small: 8, full: 200 } as const;

export const unlinked: Workload = {
  name: 'unlinked',
  needs: ['write'],
  programs: [],
  async run({ mountpoint, seed, size }, log) {
    const files = times(FILES[size], (i) => i);
    await log.client(mountpoint, [
      'mkdir unlinked',
      ...files.flatMap((i) => [
        `open f${i} unlinked/f${i} RDWR|CREAT`,
        `fill f${i} ${seed + i} ${3000 + i * 100} 1K`,
      ]),
      ...files.map((i) => `unlink unlinked/f${i}`),
      ...files.flatMap((i) => [
        `drain f${i} 4K`,
        `write f${i} ${seed} 700 ${i * 50}`,
        `fstat f${i}`,
        `ftruncate f${i} 1000`,
        `drain f${i} 4K`,
        `close f${i}`,
      ]),
      // A name taken over by another file, the old one still open.
      'open old unlinked/name RDWR|CREAT',
      'fill old 1 5000 4K',
      'open new unlinked/new RDWR|CREAT',
      'fill new 2 6000 4K',
      'rename unlinked/new unlinked/name',
      'drain old 4K',
      'drain new 4K',
      'close old',
      'stat unlinked/name',
      // A directory removed while it is open and somebody works in it.
      'mkdir unlinked/dir',
      'open d unlinked/dir RDONLY|DIRECTORY',
      'spawn inside',
      'chdir unlinked/dir',
      'rmdir ../dir',
      'open x x RDWR|CREAT',
      'list .',
      'end',
      'join inside',
      'getdents d 1000',
      'close d',
      'list unlinked',
    ]);
  },
};
