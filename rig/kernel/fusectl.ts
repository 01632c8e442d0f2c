/**
 * The files of a connection in fusectl (fs/fuse/control.c), as somebody with CAP_SYS_ADMIN reads
 * and writes them. They are gone with the superblock.
 */
import { ERRNO } from '../protocol/errno.ts';
import type { Connection } from './connection.ts';
import { parseUint } from './mount-options.ts';

export type FusectlFile = 'waiting' | 'abort' | 'max_background' | 'congestion_threshold';

const LIMIT_MAX = 0xffff;

/** The text of a file, or a negative errno: -EINVAL for `abort`, -ENOENT after the unmount. */
export function readFusectl(conn: Connection, file: FusectlFile): string | number {
  if (!conn.mounted) return -ERRNO.ENOENT;
  switch (file) {
    case 'waiting':
      return `${conn.waiting}\n`;
    case 'max_background':
      return `${conn.background.max}\n`;
    case 'congestion_threshold':
      return `${conn.background.congestionThreshold}\n`;
    default:
      return -ERRNO.EINVAL;
  }
}

/** Number of bytes written, or a negative errno. */
export function writeFusectl(
  conn: Connection,
  file: FusectlFile,
  text: string,
  offset = 0,
): number {
  if (!conn.mounted) return -ERRNO.ENOENT;
  if (file === 'waiting') return -ERRNO.EINVAL;
  if (file === 'abort') {
    conn.abortByUser();
    return text.length;
  }
  const value = parseUint(text);
  if (offset !== 0 || value === undefined || value > LIMIT_MAX) return -ERRNO.EINVAL;
  if (file === 'max_background') conn.limitBackground(value);
  else conn.background.congestionThreshold = value;
  return text.length;
}
