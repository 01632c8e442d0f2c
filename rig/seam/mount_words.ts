/** The words of a mount(2): file system types and data strings. */

/** include/uapi/linux/mount.h, enum fsconfig_command. */
export const FSCONFIG = {
  setFlag: 0,
  setString: 1,
  setFd: 5,
  create: 6,
  reconfigure: 7,
  createExcl: 8,
} as const;

/** Whether a file system type is FUSE's (`fuse`, `fuseblk`, with a subtype or without). */
export const isFuse = (fstype: string): boolean => /^fuse(blk)?(\.|$)/.test(fstype);

/** Takes `fd=N` out of a mount's data string. */
export function splitFd(data: string): { options: string; fd: number | undefined } {
  const parts = data.split(',');
  const found = parts.find((part) => part.startsWith('fd='));
  const value = found === undefined ? Number.NaN : Number(found.slice(3));
  return {
    options: parts.filter((part) => !part.startsWith('fd=')).join(','),
    fd: Number.isInteger(value) ? value : undefined,
  };
}
