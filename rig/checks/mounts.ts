/**
 * mounts: the server unmounts what it has mounted, and only as long as that is there.
 *
 * Verified: no umount2 of the server names a mount of its own that has already gone, by the rig's hand
 * or by its own. Between the two somebody else may have mounted there, and would lose that. A server that
 * was sent a signal is about to unmount, and cannot know that somebody is faster: that is no finding.
 * Not verified: mounts and unmounts of other file systems, and what fusermount does where the server
 * asks for it by the program's real path.
 */
import type { ReplayEvent } from '../events.ts';
import { ERRNO } from '../protocol/errno.ts';
import { type Check, type Finding, Lines } from './finding.ts';

export class Mounts implements Check {
  readonly name = 'mounts';
  /** Where the server has mounted. */
  readonly #own = new Set<string>();
  readonly #again = new Lines();
  /** Unmounts of what had gone, by a server that was told to end. */
  #raced = 0;
  #signalled = false;
  #mounts = 0;
  #unmounts = 0;

  take(event: ReplayEvent): void {
    if (event.kind === 'mount' && event.result === 0) {
      this.#mounts++;
      this.#own.add(event.target);
    } else if (event.kind === 'teardown') {
      this.#signalled ||= event.how.startsWith('sig');
    } else if (event.kind === 'umount-call' && this.#own.has(event.target)) {
      this.#unmounts++;
      // umount2 says so where nothing is mounted (can_umount).
      if (event.result === -ERRNO.EINVAL && this.#signalled) this.#raced++;
      else if (event.result === -ERRNO.EINVAL) {
        this.#again.add(`${(event.t / 1e9).toFixed(6)} s  umount2(${event.target}): -EINVAL`);
      }
    }
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
