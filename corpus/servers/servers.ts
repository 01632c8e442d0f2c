/** The servers, one explicit list. Nothing else registers one. */
import { bindfs } from './bindfs.ts';
import { fuseOverlayfs } from './fuse_overlayfs.ts';
import { gocryptfs } from './gocryptfs.ts';
import { mergerfs } from './mergerfs.ts';
import { rclone } from './rclone.ts';
import type { Recipe } from './recipe.ts';
import { referenceMemory, referencePassthrough } from './reference.ts';
import { squashfuse } from './squashfuse.ts';
import { sshfs } from './sshfs.ts';
import { unionfsFuse } from './unionfs_fuse.ts';

export const servers: readonly Recipe[] = [
  referencePassthrough,
  referenceMemory,
  bindfs,
  fuseOverlayfs,
  squashfuse,
  sshfs,
  gocryptfs,
  unionfsFuse,
  mergerfs,
  rclone,
];

/** The recipe of that name; throws with the names there are. */
export function serverNamed(name: string): Recipe {
  const found = servers.find((recipe) => recipe.name === name);
  if (found !== undefined) return found;
  const names = servers.map((recipe) => recipe.name).join(', ');
  throw new Error(`no server named ${name}; there are ${names}`);
}
