/** Where the server has mounted, and how the recorder takes it away when it is asked to stop. */
import { native } from '../native/load.ts';
import { KEEPER } from '../rig/seam/traps.ts';
import type { Session } from '../rig/session.ts';
import { fuseMounts, withoutLinks } from './mountinfo.ts';
import { shareMountpoint } from './rooted.ts';

const MNT_FORCE = 1;
const MNT_DETACH = 2;

/** How a mount is taken away from outside: umount(8) as it is, with -l, with -f. */
export type UnmountHow = 'unmount' | 'lazy' | 'force';
const FLAGS: Record<UnmountHow, number> = { unmount: 0, lazy: MNT_DETACH, force: MNT_FORCE };

export class Mounts {
  /** In the order of mounting; perhaps not there any more. */
  readonly #targets: string[] = [];
  /** Targets as mountinfo names them: once the mount stands, to look would ask the server. */
  readonly #places = new Map<string, string>();
  readonly #shared = new Set<string>();

  /**
   * A mount is about to be made. `there`: by this thread, whose root is its own, so that others see the
   * mount only if its place is shared, once.
   */
  announce(session: Session, target: string, there: number | undefined): void {
    const place = withoutLinks(target);
    this.#places.set(target, place);
    session.seam.keeperSend(KEEPER.noteMount, place);
    if (there === undefined || this.#shared.has(place)) return;
    this.#shared.add(place);
    shareMountpoint(session, place, there);
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

  /** Unmounts all that stands, once; `done` gets each result, perhaps later: the server is asked meanwhile. */
  tearDown(
    session: Session,
    how: UnmountHow,
    done: (result: number, target: string) => void,
  ): void {
    const standing = new Set(fuseMounts('self').map((mount) => mount.target));
    for (const target of this.#targets) {
      if (!standing.has(this.#places.get(target) ?? target)) continue;
      const pending = unmounting(target, FLAGS[how]);
      if (pending < 0) {
        done(pending, target);
        continue;
      }
      const tag = session.watches.add(pending, () => {
        session.watches.remove(tag);
        done(native.finish(pending), target);
      });
    }
  }

  #unmount(session: Session, target: string, flags: number): void {
    const pending = unmounting(target, flags);
    if (pending < 0) return;
    const tag = session.watches.add(pending, () => {
      session.watches.remove(tag);
      if (native.finish(pending) !== 0 && flags === 0) this.#unmount(session, target, MNT_DETACH);
      else this.unmountNext(session);
    });
  }
}

/** As the user who records may. A descriptor for native.finish(), or -errno. */
function unmounting(target: string, flags: number): number {
  if (process.geteuid?.() === 0) return native.unmountThere(process.pid, target, flags);
  const lazy = flags === 0 ? [] : ['-z'];
  return native.runThere(process.pid, ['fusermount3', '-u', ...lazy, '-q', '--', target]);
}
