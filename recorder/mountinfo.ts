/** FUSE mounts as /proc/PID/mountinfo shows them (proc_pid_mountinfo in fs/proc_namespace.c). */
import { readFileSync, realpathSync } from 'node:fs';

export interface MountLine {
  id: number;
  /** Minor number of st_dev; the major of FUSE mounts is 0. It names the connection in fusectl. */
  dev: number;
  target: string;
  fstype: string;
}

const unescapeOctal = (field: string): string =>
  field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));

export function parseMountinfo(content: string): MountLine[] {
  const mounts: MountLine[] = [];
  for (const line of content.split('\n')) {
    const [left, right] = line.split(' - ');
    const fields = left?.split(' ') ?? [];
    const fstype = right?.split(' ')[0] ?? '';
    if (!/^fuse(blk)?(\.|$)/.test(fstype)) continue;
    const dev = Number(fields[2]?.split(':')[1] ?? 0);
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
