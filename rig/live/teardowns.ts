/** Teardowns of a live session: done to the real mount, the real connection and the server's processes. */
import type { Stand } from '../../recorder/alongside.ts';
import type { Ending } from '../../replayer/ending.ts';
import type { Moment, TeardownName, Teardowns } from '../decider.ts';
import { ERRNO, errnoName } from '../protocol/errno.ts';

export class LiveTeardowns implements Teardowns {
  /** What could not be done, in words: known only after it was begun. */
  readonly notes: string[] = [];
  readonly #stand: Stand;
  readonly #ending: Ending;

  constructor(stand: Stand, ending: Ending) {
    this.#stand = stand;
    this.#ending = ending;
  }

  refused(how: TeardownName, _moment: Moment): number {
    return how === 'abort' && this.#stand.kernel.dead ? -ERRNO.ENOTCONN : 0;
  }

  perform(how: TeardownName, _moment: Moment, times: number): void {
    for (let n = 0; n < times; n++) this.#once(how);
  }

  #once(how: TeardownName): void {
    const { session, kernel, recorder } = this.#stand;
    if (how === 'abort') {
      this.#ending.begin('abort', []);
      const result = kernel.abort();
      if (result === -ERRNO.ENOENT) {
        this.notes.push('abort: no fusectl here; mount -t fusectl none /sys/fs/fuse/connections');
      }
    } else if (how === 'unmount' || how === 'lazy' || how === 'force') {
      // The server is asked while the mount goes: the result comes later.
      recorder.mounts.tearDown(session, how, (result, target) => {
        // umount -f ends all that is unanswered before it finds the mount in use (fuse_umount_begin()).
        const done = result === 0 || (how === 'force' && kernel.dead);
        if (!done) this.notes.push(`${how} of ${target}: ${errnoName(result)}`);
        else if (how !== 'lazy') this.#ending.begin(how, []);
      });
    } else if (how === 'sigterm' || how === 'sigint' || how === 'sigkill') {
      this.#ending.begin(how, [], true);
    }
  }
}
