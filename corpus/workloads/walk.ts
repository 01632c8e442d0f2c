/** Only reads: every name, attribute and byte of the tree that is there, by several readers. */
import type { Workload } from './workload.ts';

/** Types, names, permissions, sizes of files, targets of links; directories without sizes. */
const LISTING =
  'cd "$0" && find . ! -name ".fuse_hidden*" ' +
  '\\( -type d -printf "%y %m %p\\n" -o -printf "%y %m %s %p %l\\n" \\) | sort';
const CONTENTS = 'cd "$0" && find . -type f -print0 | sort -z | xargs -0 sha256sum';

export const walk: Workload = {
  name: 'walk',
  needs: [],
  programs: ['sh', 'find', 'sort', 'xargs', 'sha256sum', 'tar'],
  async run({ mountpoint, size }, log) {
    const look = (label: string, script: string) =>
      log.program(label, 'sh', ['-c', script, mountpoint], { env: { TZ: 'UTC' } });
    for (let round = 0; round < (size === 'small' ? 2 : 20); round++) {
      await log.client(mountpoint, ['list .', 'statfs .']);
      await look('listing', LISTING);
      await look('contents', CONTENTS);
    }
    await log.client(mountpoint, [
      'open n none RDONLY',
      'open b big RDONLY',
      'drain b 100000',
      'drain b 4K',
      'read b 1000 699500',
      'lseek b END 0',
      ...['one', 'two', 'three'].flatMap((name) => [
        `spawn ${name}`,
        'open b big RDONLY',
        'drain b 3000',
        'list deep/a/b/c/d/e',
        'end',
      ]),
      'join one',
      'join two',
      'join three',
    ]);
  },
};
