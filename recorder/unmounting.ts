/** Where the server has mounted, and how the recorder takes it away when it is asked to stop. */
import { native } from '../native/load.ts';
import { errnoName } from '../rig/protocol/errno.ts';
import { LaunchError } from '../rig/seam/launch_error.ts';
import { KEEPER } from '../rig/seam/traps.ts';
import type { Session } from '../rig/session.ts';
import { fuseMounts, withoutLinks } from './mountinfo.ts';

const MNT_DETACH = 2;

export class Mounts {
  /** In the order of mounting; perhaps not there any more. */
  readonly #targets: string[] = [];
  /** Targets as mountinfo names them: once the mount stands, to look would ask the server. */
  readonly #places = new Map<string, string>();
  readonly #shared = new Set<string>();

  /** A mount is about to be made. Returns its place as mountinfo will name it. */
  announced(target: string): string {
    const place = withoutLinks(target);
    this.#places.set(target, place);
    return place;
  }

  /**
   * A server with a root of its own is about to mount, in its own mount namespace: makes that visible
   * here, and its end to both. The keeper takes away what that needs, when all is over.
   */
  share(session: Session, target: string, tid: number): void {
    const place = this.#places.get(target) ?? target;
    if (this.#shared.has(place)) return;
    this.#shared.add(place);
    session.seam.keeperSend(KEEPER.noteShared, place);
    const result = native.finish(native.shareThere(tid, place));
    if (result === 0) return;
    const why = `the server in --root mounts on ${target}, which is not there and here alike`;
    throw new LaunchError(`${why} (${errnoName(result)}); name its directory with --share`);
  }

  made(target: string): void {
    this.#targets.push(target);
  }

  /** Unmounts what stands, the last mount first; false: nothing does. */
  unmountNext(session: Session): boolean {
    const standing = new Set(fuseMounts('self').map((mount) => mount.target));
    for (let target = this.#targets.pop(); target !== undefined; target = this.#targets.pop()) {
      if (!standing.has(this.#places.get(target) ?? target)) continue;
      this.#unmount(session, target, 0);
      return true;
    }
    return false;
  }

  #unmount(session: Session, target: string, flags: number): void {
    const pending =
      process.geteuid?.() === 0
        ? native.unmountThere(process.pid, target, flags)
        : native.runThere(process.pid, ['fusermount3', '-u', '-z', '-q', '--', target]);
    if (pending < 0) return;
    const tag = session.watches.add(pending, () => {
      session.watches.remove(tag);
      if (native.finish(pending) !== 0 && flags === 0) this.#unmount(session, target, MNT_DETACH);
      else this.unmountNext(session);
    });
  }
}
