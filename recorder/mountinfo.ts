/** FUSE mounts as /proc/PID/mountinfo shows them (proc_pid_mountinfo in fs/proc_namespace.c). */
import { readFileSync, realpathSync } from 'node:fs';

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

/** A mountpoint as mountinfo will name it. */
export function withoutLinks(target: string): string {
  try {
    return realpathSync(target);
  } catch {
    return target;
  }
}
