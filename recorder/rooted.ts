/** A server with a root of its own in front of the real kernel: what it finds there, and its mounts out here. */
import { native } from '../native/load.ts';
import { errnoName } from '../rig/protocol/errno.ts';
import { LaunchError } from '../rig/seam/launch_error.ts';
import type { Root } from '../rig/seam/root.ts';
import { KEEPER } from '../rig/seam/traps.ts';
import type { Session } from '../rig/session.ts';

/** Options for a root that has the fixture as well. */
export function rootedForRecord(root: Root | undefined, fixture: string | undefined) {
  if (root === undefined) return {};
  if (process.geteuid?.() !== 0) {
    const why = "an ordinary user's mount there cannot be seen here";
    throw new LaunchError(`--root on a real mount: ${why}; do it as root`, 'missing-feature');
  }
  const share = fixture === undefined ? root.share : [...root.share, fixture];
  return { root: { ...root, share } };
}

/**
 * The server is about to mount on `place`, in its own mount namespace: makes that visible here, and its
 * end to both. The keeper takes away what that needs, when all is over.
 */
export function shareMountpoint(session: Session, place: string, tid: number): void {
  session.seam.keeperSend(KEEPER.noteShared, place);
  const result = native.finish(native.shareThere(tid, place));
  if (result === 0) return;
  const why = `the server in --root mounts on ${place}, which is not here (${errnoName(result)})`;
  throw new LaunchError(`${why}; name a directory for it with --share`);
}
