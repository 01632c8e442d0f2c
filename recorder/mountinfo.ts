/** FUSE mounts as /proc/PID/mountinfo shows them (proc_pid_mountinfo in fs/proc_namespace.c). */
import { readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

export interface MountLine {
  id: number;
  /** The device as one number (MKDEV), which names the connection in fusectl; only "fuseblk" has a major. */
  dev: number;
  target: string;
  fstype: string;
}

/** MINORBITS of include/linux/kdev_t.h. */
const MINOR_BITS = 20;

const unescapeOctal = (field: string): string =>
  field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));

export function parseMountinfo(content: string): MountLine[] {
  const mounts: MountLine[] = [];
  for (const line of content.split('\n')) {
    const [left, right] = line.split(' - ');
    const fields = left?.split(' ') ?? [];
    const fstype = right?.split(' ')[0] ?? '';
    if (!/^fuse(blk)?(\.|$)/.test(fstype)) continue;
    const [major = 0, minor = 0] = (fields[2] ?? '').split(':').map(Number);
    const dev = major * 2 ** MINOR_BITS + minor;
    mounts.push({ id: Number(fields[0]), dev, target: unescapeOctal(fields[4] ?? ''), fstype });
  }
  return mounts;
}

/** FUSE mounts a thread sees; none when it is gone. */
export function fuseMounts(tid: number | 'self'): MountLine[] {
  try {
    return parseMountinfo(readFileSync(`/proc/${tid}/mountinfo`, 'utf8'));
  } catch {
    return [];
  }
}

/**
 * Whether a thread sees a FUSE file system mounted there. To look at the mountpoint itself would be to ask
 * its server, which may wait for the very thread that looks; with a ring that thread can then not even be
 * killed, for it is the one that must take the request out of the ring (fuse_uring_send_in_task()).
 */
export function isMounted(target: string, tid: number | 'self' = 'self'): boolean {
  return mountedPlace(target, tid) !== undefined;
}

/** The mountpoint as mountinfo names it, if it is one. */
function mountedPlace(target: string, tid: number | 'self'): string | undefined {
  const place = join(real(dirname(target)), basename(target));
  return fuseMounts(tid).some((mount) => mount.target === place) ? place : undefined;
}

/** A mountpoint as mountinfo will name it. */
export const withoutLinks = (target: string): string =>
  mountedPlace(target, 'self') ?? real(target);

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
