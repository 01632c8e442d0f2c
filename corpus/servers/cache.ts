/** Where what the test set-up makes stays: delete it, or a folder in it, for a newer one. */
import { homedir } from 'node:os';
import { join } from 'node:path';

export const cache = (): string =>
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'fuse-rig');
