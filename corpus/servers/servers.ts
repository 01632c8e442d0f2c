/** The servers, one explicit list for each transport. Nothing else registers one. */
import { bindfs } from './bindfs.ts';
import { fuseOverlayfs } from './fuse_overlayfs.ts';
import { gocryptfs } from './gocryptfs.ts';
import { libfuseMemfs } from './libfuse_memfs_ll.ts';
import { libfuseNotify } from './libfuse_notify_store_retrieve.ts';
import { libfusePassthroughHp } from './libfuse_passthrough_hp.ts';
import { mergerfs } from './mergerfs.ts';
import { qemuServers } from './qemu.ts';
import { rclone } from './rclone.ts';
import type { Recipe } from './recipe.ts';
import { referenceMemory, referencePassthrough } from './reference.ts';
import { referenceRingMemory, referenceRingPassthrough } from './reference_ring.ts';
import { squashfuse } from './squashfuse.ts';
import { sshfs } from './sshfs.ts';
import { unionfsFuse } from './unionfs_fuse.ts';

/** They serve through /dev/fuse. */
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
  ...qemuServers,
];

/** They ask for FUSE over io_uring; where it is not offered, they serve through /dev/fuse. */
export const libfuseServers: readonly Recipe[] = [
  libfusePassthroughHp,
  libfuseMemfs,
  libfuseNotify,
];

/** These, and the reference server, which ends with an error rather than do so. */
export const ringServers: readonly Recipe[] = [
  referenceRingPassthrough,
  referenceRingMemory,
  ...libfuseServers,
];

export const allServers: readonly Recipe[] = [...servers, ...ringServers];

/** The recipe of that name; throws with the names there are. */
export function serverNamed(name: string): Recipe {
  const found = allServers.find((recipe) => recipe.name === name);
  if (found !== undefined) return found;
  const names = allServers.map((recipe) => recipe.name).join(', ');
  throw new Error(`no server named ${name}; there are ${names}`);
}
