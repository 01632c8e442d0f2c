/**
 * Mounting as an ordinary user: the system's setuid fusermount3 does it for the rig as it would have
 * done it for the server (libfuse util/fusermount.c), and hands the device descriptor over.
 */
import { execaSync } from 'execa';
import { native } from '../native/load.ts';
import type { MountCall } from '../rig/kernel/kernel.ts';
import { ERRNO } from '../rig/protocol/errno.ts';

const { EPERM } = ERRNO;
const MS_RDONLY = 1;
const MNT_DETACH = 2;
/** What the kernel's own option parser knows and fusermount3 adds by itself. */
const ADDED = /^(rootmode|user_id|group_id)=/;

export function mountByFusermount(call: MountCall): { result: number; fd: number } {
  const options = call.options.split(',').filter((o) => o !== '' && !ADDED.test(o));
  const subtype = call.fstype.split('.')[1];
  if (subtype !== undefined) options.push(`subtype=${subtype}`);
  if (call.source !== '') options.push(`fsname=${call.source}`);
  if ((call.flags & MS_RDONLY) !== 0) options.push('ro');
  const [ours, theirs] = native.socketPair(true);
  const { exitCode } = execaSync('fusermount3', ['-o', options.join(','), '--', call.target], {
    stdio: ['ignore', 'ignore', 'inherit', theirs as 3],
    env: { _FUSE_COMMFD: '3' },
    reject: false,
  });
  native.closeFd(theirs);
  const [, fd] = exitCode === 0 ? native.receive(ours, new Uint8Array(8)) : [0, -1];
  native.closeFd(ours);
  return fd >= 0 ? { result: 0, fd } : { result: -EPERM, fd: -1 };
}

/** Starts `fusermount3 -u`; a descriptor to read the result from (native.finish), or -errno. */
export function fusermountUnmount(tid: number, target: string, flags: number): number {
  const lazy = (flags & MNT_DETACH) !== 0 ? ['-z'] : [];
  return native.runThere(tid, ['fusermount3', '-u', ...lazy, '-q', '--', target]);
}
