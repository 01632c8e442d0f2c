/** Mapped files: shared stores that reach the server, private ones that do not, growing and shrinking. */
import { times, type Workload } from './workload.ts';

const PAGES = { small: 64, full: 4096 } as const;
const PAGE = 4096;

export const mmap: Workload = {
  name: 'mmap',
  needs: ['write'],
  programs: [],
  async run({ mountpoint, seed, size }, log) {
    const bytes = PAGES[size] * PAGE;
    await log.client(mountpoint, [
      'mkdir mmap',
      'open f mmap/file RDWR|CREAT',
      `ftruncate f ${bytes}`,
      `mmap m f READ|WRITE SHARED ${bytes}`,
      ...times(16, (i) => `store m ${seed + i} ${Math.floor((bytes / 16) * i) + 100} ${PAGE * 2}`),
      'msync m',
      'open other mmap/file RDONLY',
      'drain other 64K',
      // A write beside the mapping shows in it.
      `write f ${seed} 5000 3000`,
      `load m 0 ${bytes}`,
      `store m ${seed + 99} 0 ${bytes}`,
      'munmap m',
      'fsync f',
      'drain other 64K',
      `mmap p f READ|WRITE PRIVATE ${bytes}`,
      `store p ${seed + 1} 0 ${PAGE}`,
      'munmap p',
      `ftruncate f ${PAGE}`,
      'drain other 64K',
      'open r mmap/file RDONLY',
      `mmap q r READ|WRITE SHARED ${PAGE}`,
      `mmap q r READ PRIVATE ${PAGE}`,
      `load q 0 ${PAGE}`,
      // Beyond the end of the file: SIGBUS.
      'spawn beyond',
      `mmap b f READ SHARED ${3 * PAGE}`,
      `load b ${2 * PAGE} ${PAGE}`,
      'end',
      'join beyond',
      // The mapping outlives the descriptor and the name.
      `mmap m f READ|WRITE SHARED ${PAGE}`,
      'close f',
      'unlink mmap/file',
      `store m ${seed + 7} 0 ${PAGE}`,
      'msync m',
      `load m 0 ${PAGE}`,
      'munmap m',
    ]);
  },
};
