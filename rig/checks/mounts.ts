/**
 * mounts: the server unmounts what it has mounted, and only as long as that is there.
 *
 * Verified: no umount2 of the server names a mount of its own that has already gone, by the rig's hand
 * or by its own, once it was told: by a read that ended with ENODEV, a CQE with -ENOTCONN, or its own
 * unmount. Between the two somebody else may have mounted there, and would lose that. Who was not told (the
 * mount was lazily detached), or has a reason of its own to unmount (a signal, an injected error after which
 * it may end), cannot know: no finding.
 * Not verified: mounts and unmounts of other file systems, and what fusermount does where the server
 * asks for it by the program's real path.
 */
import type { ReplayEvent, UmountCallEvent } from '../events.ts';
import { ERRNO } from '../protocol/errno.ts';
import { type Check, type Finding, Lines } from './finding.ts';

export class Mounts implements Check {
  readonly name = 'mounts';
  /** Where the server has mounted, and the connection of that. */
  readonly #own = new Map<string, number>();
  /** Connections of whose end the server knows. */
  readonly #told = new Set<number>();
  readonly #again = new Lines();
  /** Unmounts of what had gone, by a server that could not know. */
  #raced = 0;
  /** It was given a reason to end by itself. */
  #ending = false;
  #mounts = 0;
  #unmounts = 0;

  take(event: ReplayEvent): void {
    if (event.kind === 'mount' && event.result === 0) {
      this.#mounts++;
      this.#own.set(event.target, event.conn);
      this.#told.delete(event.conn);
    } else if (event.kind === 'transport' && event.result === -ERRNO.ENODEV) {
      this.#told.add(event.conn);
    } else if (event.kind === 'completion' && event.result === -ERRNO.ENOTCONN) {
      this.#told.add(event.conn);
    } else if (event.kind === 'teardown') {
      this.#ending ||= event.how.startsWith('sig');
    } else if (event.kind === 'injected') {
      this.#ending ||= !event.goesOn && !event.refused && event.result !== 0;
    } else if (event.kind === 'umount-call') this.#unmounted(event);
  }

  #unmounted({ t, target, result }: UmountCallEvent): void {
    const conn = this.#own.get(target);
    if (conn === undefined) return;
    this.#unmounts++;
    const knew = this.#told.has(conn) && !this.#ending;
    if (result === 0) this.#told.add(conn);
    // umount2 says so where nothing is mounted (can_umount).
    if (result !== -ERRNO.EINVAL) return;
    if (knew) this.#again.add(`${(t / 1e9).toFixed(6)} s  umount2(${target}): -EINVAL`);
    else this.#raced++;
  }

  findings(): Finding[] {
    const check = this.name;
    if (this.#again.count === 0) {
      const raced = this.#raced > 0 ? `, ${this.#raced} as the mount went` : '';
      const text = `${this.#mounts} mounts, ${this.#unmounts} unmounts by the server${raced}`;
      return [{ check, verdict: 'pass', text, details: [] }];
    }
    const why = 'why: the mount had gone; if somebody had mounted there since, theirs goes instead';
    const text = 'the server unmounted a mountpoint that was not its own any more';
    return [{ check, verdict: 'fail', text, details: [...this.#again.list(), why] }];
  }
}
