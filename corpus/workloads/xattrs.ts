/** Extended attributes of files, directories and links: sizes, replacing, listing, what is refused. */
import { times, type Workload } from './workload.ts';

const COUNT = { small: 20, full: 400 } as const;

export const xattrs: Workload = {
  name: 'xattrs',
  needs: ['write', 'xattr'],
  programs: [],
  async run({ mountpoint, size }, log) {
    const file = 'xattrs/file';
    await log.client(mountpoint, [
      'mkdir xattrs',
      `open f ${file} RDWR|CREAT`,
      'close f',
      `listxattr ${file}`,
      `setxattr ${file} user.one first`,
      `setxattr ${file} user.one again 1`,
      `setxattr ${file} user.two x 2`,
      `setxattr ${file} user.one other%20value 2`,
      `getxattr ${file} user.one`,
      `getxattr ${file} user.one 0`,
      `getxattr ${file} user.one 3`,
      `getxattr ${file} user.none`,
      `setxattr ${file} user.long *2000`,
      `getxattr ${file} user.long`,
      `setxattr ${file} user.huge *70000`,
      `setxattr ${file} nonsense value`,
      `setxattr ${file} trusted.mine value`,
      ...times(COUNT[size], (i) => `setxattr ${file} user.n${i % 25} value${i}`),
      `listxattr ${file}`,
      `removexattr ${file} user.one`,
      `removexattr ${file} user.one`,
      'setxattr xattrs user.dir value',
      'getxattr xattrs user.dir',
      'listxattr xattrs',
      'symlink file xattrs/link',
      'setxattr xattrs/link user.link value',
      `chmod ${file} 0400`,
      `setxattr ${file} user.readonly value`,
    ]);
  },
};
