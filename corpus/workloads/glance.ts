/** As walk, for captures that are to stay small: every name and attribute, contents but for the big file's. */
import type { Workload } from './workload.ts';

const LISTING =
  'cd "$0" && find . ! -name ".fuse_hidden*" ' +
  '\\( -type d -printf "%y %m %p\\n" -o -printf "%y %m %s %p %l\\n" \\) | sort';
const CONTENTS = 'cd "$0" && find . -type f -size -64k -print0 | sort -z | xargs -0 sha256sum';

export const glance: Workload = {
  name: 'glance',
  needs: [],
  programs: ['sh', 'find', 'sort', 'xargs', 'sha256sum'],
  async run({ mountpoint }, log) {
    await log.client(mountpoint, ['list .', 'statfs .']);
    await log.program('listing', 'sh', ['-c', LISTING, mountpoint], { env: { TZ: 'UTC' } });
    await log.program('contents', 'sh', ['-c', CONTENTS, mountpoint]);
    await log.client(mountpoint, [
      'open b big RDONLY',
      'read b 1000 699500',
      'read b 5000 300000',
      'lseek b END 0',
      'spawn one',
      'open b big RDONLY',
      'read b 9000 100000',
      'list deep/a/b/c/d/e',
      'end',
      'list deep/a/b/c/d/e',
      'read b 9000 400000',
      'join one',
    ]);
  },
};
