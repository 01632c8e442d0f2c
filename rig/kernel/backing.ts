/**
 * Backing files of passthrough: results of FUSE_DEV_IOC_BACKING_OPEN and _CLOSE
 * (fuse_backing_open() and fuse_backing_close() in fs/fuse/backing.c).
 */
import { ERRNO } from '../protocol/errno.ts';
import { has } from '../protocol/negotiated.ts';
import type { Connection } from './connection.ts';

/** What a descriptor of the server stands for. */
export type BackingFile =
  | { readonly kind: 'regular'; readonly stackDepth: number }
  | { readonly kind: 'closed' | 'directory' | 'other' };

/** A new id, or a negative errno. Ids are cyclic: one that was closed does not come back soon. */
export function openBacking(
  conn: Connection,
  capable: boolean,
  file: () => BackingFile,
  flags: number,
  padding: bigint,
): number {
  if (!has(conn.negotiated, 'PASSTHROUGH') || !capable) return -ERRNO.EPERM;
  if (flags !== 0 || padding !== 0n) return -ERRNO.EINVAL;
  const found = file();
  switch (found.kind) {
    case 'closed':
      return -ERRNO.EBADF;
    case 'directory':
      return -ERRNO.EISDIR;
    case 'other':
      return -ERRNO.EINVAL;
    default:
  }
  if (found.stackDepth >= conn.negotiated.maxStackDepth) return -ERRNO.ELOOP;
  conn.lastBackingId++;
  conn.backing.add(conn.lastBackingId);
  return conn.lastBackingId;
}

export function closeBacking(conn: Connection, capable: boolean, id: number): number {
  if (!has(conn.negotiated, 'PASSTHROUGH') || !capable) return -ERRNO.EPERM;
  if (id <= 0) return -ERRNO.EINVAL;
  return conn.backing.delete(id) ? 0 : -ERRNO.ENOENT;
}
