/** Further descriptors of the device: dup, dup2, fcntl, and which numbers a process has closed. */
import { native } from '../../native/load.ts';
import { ERRNO } from '../protocol/errno.ts';
import { type DescriptorTable, RANGE_COUNT } from './descriptors.ts';
import type { PortHandle, PortWiring } from './port_handle.ts';

const { EBADF, EMFILE } = ERRNO;

const O_NONBLOCK = 0o4000;
const F_DUPFD = 0;
const F_SETFL = 4;
const F_DUPFD_CLOEXEC = 1030;

export class Duplicates {
  readonly #w: PortWiring;
  readonly #table: DescriptorTable<unknown>;
  /** Indexes that some process has closed: another may still hold them. */
  readonly #closed = new Set<number>();
  #told = false;

  constructor(wiring: PortWiring, table: DescriptorTable<unknown>) {
    this.#w = wiring;
    this.#table = table;
  }

  /** A process closes its descriptor at this index. */
  closes(index: number): void {
    this.#closed.add(index);
  }

  /** Nobody holds the index any more: it may be used again. */
  free(index: number): void {
    this.#table.free(index);
    this.#closed.delete(index);
  }

  /** Whether the calling process has closed its descriptor at this index. */
  isClosed(index: number, tid: number): boolean {
    if (!this.#closed.has(index)) return false;
    const fd = this.#w.seam.getFd(tid, this.#w.base + index);
    if (fd >= 0) native.closeFd(fd);
    return fd < 0;
  }

  fcntl(handle: PortHandle): void {
    const { seam, trap } = this.#w;
    const command = trap.int(1);
    if (command === F_DUPFD || command === F_DUPFD_CLOEXEC) {
      this.dup(handle, command === F_DUPFD_CLOEXEC);
      return;
    }
    // The placeholder's own file description keeps the flag too: F_GETFL tells the truth.
    if (command === F_SETFL) handle.nonblock = (trap.int(2) & O_NONBLOCK) !== 0;
    seam.continue(trap.slot);
  }

  /** An index for another descriptor of the handle: one it had before, or a free one. */
  #numberFor(handle: PortHandle, tid: number): number {
    for (const [index, entry] of this.#table.entries()) {
      if (entry !== handle || index === handle.index || !this.isClosed(index, tid)) continue;
      this.#closed.delete(index);
      return index;
    }
    return this.#table.take(handle);
  }

  /** A dup gets a number of the range, where the filter sees it. */
  dup(handle: PortHandle, cloexec: boolean): void {
    const { seam, trap } = this.#w;
    const index = this.#numberFor(handle, trap.tid);
    if (index < 0) {
      seam.respond(trap.slot, -EMFILE);
      return;
    }
    if (seam.aliasFd(trap.slot, trap.int(0), index, cloexec) < 0) this.#table.free(index);
  }

  /**
   * dup2 names its number. Onto itself the kernel may do it; elsewhere the filter would not see the copy,
   * so the call is refused rather than the copy lost.
   */
  dup2(handle: PortHandle): void {
    const { seam, trap, base } = this.#w;
    const onto = trap.int(1);
    if (this.#table.get(onto - base) === handle) {
      seam.continue(trap.slot);
      return;
    }
    seam.respond(trap.slot, -EBADF);
    if (this.#told) return;
    this.#told = true;
    const last = base + RANGE_COUNT - 1;
    const what = `dup2 of /dev/fuse onto descriptor ${onto}: EBADF, since the rig sees calls on ${base} to ${last} only; use dup`;
    this.#w.emit({ kind: 'unsupported', t: this.#w.now(), tid: trap.tid, what });
  }
}
