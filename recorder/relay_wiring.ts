/** What the relay needs of the session that is built around it. */
import type { NativeSeam } from '../native/load.ts';
import type { HandleId, MountResult } from '../rig/kernel/kernel.ts';

export interface RelayWiring {
  seam: NativeSeam;
  /** Has a descriptor watched; returns a tag for `unwatch`. */
  watch(fd: number, action: () => void): number;
  /** From now on only the next time it becomes readable counts, or now if it is. */
  watchNext(tag: number): void;
  unwatch(tag: number): void;
  /** A mount that had to wait (SYNC_INIT) is done. */
  onMounted(handle: HandleId, result: MountResult): void;
  /** A held umount2 is done. */
  onUnmounted(target: string, result: number): void;
}
