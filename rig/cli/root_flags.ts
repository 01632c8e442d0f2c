/** `--root DIR` and `--share PATH`, the same for every command that starts a server. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { LaunchError } from '../seam/launch_error.ts';
import { checkRoot, type Root } from '../seam/root.ts';
import { refuse } from './commands/print.ts';

export interface RootFlags {
  root?: string;
  share: string[];
}

export const ROOT_HELP = `
--root starts the server in another root file system, such as debootstrap makes of
another release. It finds there /proc, /sys and /dev, the directory it is started
in, its fixture and mountpoint, and every --share, all under the names they have
here. Nothing it writes elsewhere lasts: the root never changes. To record, share
the directory that the mountpoint is in; the mount is seen here, too.
`;

export const addRootFlags = (command: Command): Command =>
  command
    .option('--root <dir>', 'start the server in this root file system')
    .option(
      '--share <path>',
      'with --root: this path of the machine is there, too (again for more)',
      (path: string, paths: string[]) => [...paths, resolve(path)],
      [],
    );

/** The root the flags name; `false`, and said why, where they cannot be used. */
export function rootOf({ root, share }: RootFlags): { root?: Root } | false {
  if (root === undefined) {
    if (share.length === 0) return {};
    refuse('--share: there is no --root to share it with; add --root DIR');
    return false;
  }
  const found = { dir: resolve(root), share };
  try {
    checkRoot(found);
    return { root: found };
  } catch (error) {
    if (!(error instanceof LaunchError)) throw error;
    refuse(error.message);
    return false;
  }
}
