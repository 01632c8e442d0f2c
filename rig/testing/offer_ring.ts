/**
 * The kernel offers FUSE over io_uring only while a parameter of its module is set. With it nothing
 * but the offer changes, so it is set once for a whole run of the tests, which run side by side. It
 * is the machine's, not ours: FUSE_RIG_KEEP_URING=1 leaves it as it is, for a machine that others use.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const ENABLE_URING = '/sys/module/fuse/parameters/enable_uring';

/** Sets it where that is needed and possible; gives what puts it back. */
export function offerRing(): () => void {
  if (process.env.FUSE_RIG_KEEP_URING === '1') return () => {};
  try {
    const was = readFileSync(ENABLE_URING, 'utf8').trim();
    if (was !== 'Y') writeFileSync(ENABLE_URING, 'Y');
    return () => {
      if (was !== 'Y') writeFileSync(ENABLE_URING, was);
    };
  } catch {
    // Not root, or a kernel before 6.14: the tests that need it say so.
    return () => {};
  }
}

/** Why the kernel offers no ring; undefined if it does. */
export function whyNotOffered(): string | undefined {
  try {
    if (readFileSync(ENABLE_URING, 'utf8').trim() === 'Y') return undefined;
    return `the kernel does not offer FUSE over io_uring: echo Y > ${ENABLE_URING}`;
  } catch {
    return `this kernel has no FUSE over io_uring (${ENABLE_URING}); Linux 6.14 has`;
  }
}
