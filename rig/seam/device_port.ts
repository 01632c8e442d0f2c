/**
 * How the server's calls on /dev/fuse reach the Kernel: open, read, write, splice, ioctl, and the
 * calls that move or drop descriptors. A read the Kernel cannot answer yet is held here; the held
 * ones are tried again when the Kernel says so, oldest first, as the exclusive waiters of
 * fuse_dev_do_read are woken.
 */
import { BLOCK, type HandleId } from '../kernel/kernel.ts';
import { OUT_HEADER_SIZE } from '../protocol/constants.ts';
import { ERRNO } from '../protocol/errno.ts';
import { isNotification } from '../protocol/notify.ts';
import { Clones } from './clone_call.ts';
import type { DescriptorTable } from './descriptors.ts';
import { injectDelivered, injectRead, injectReplied, injectReply } from './device_faults.ts';
import { deviceIoctl } from './device_ioctls.ts';
import { Duplicates } from './duplicates.ts';
import { earlyResult, READS, WRITES } from './early_checks.ts';
import type { Context } from './faked_contexts.ts';
import type { HeldRead, PortHandle, PortWiring } from './port_handle.ts';
import { takeFromFile } from './sendfile.ts';
import { NR } from './traps.ts';

const { EAGAIN, EBADF, EFAULT, EINVAL, EMFILE, ENODEV, ENOENT } = ERRNO;

const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const POLLIN = 0x1;
const POLLERR = 0x8;

/** How many looks in a row a suspected handle must survive to be believed alive. */
const SUSPECT_LOOKS = 20;

export class DevicePort {
  readonly table: DescriptorTable<PortHandle | Context>;
  readonly handles = new Map<HandleId, PortHandle>();
  /** Requests delivered and replies taken, for the progress line. */
  delivered = 0;
  replied = 0;
  /** Looks at a message the server writes, before the Kernel does. */
  inspect: ((message: Uint8Array) => void) | undefined;
  readonly #w: PortWiring;
  readonly #duplicates: Duplicates;
  readonly #clones: Clones;
  /** Indexes at which a device ever was. */
  readonly #was = new Set<number>();
  /** The device was opened at least once. */
  get opened(): boolean {
    return this.#was.size > 0;
  }

  /** Told of a call on a descriptor that was the device and is closed. */
  stale: (index: number, nr: number, tid: number) => void = () => {};

  constructor(wiring: PortWiring, table: DescriptorTable<PortHandle | Context>) {
    this.#w = wiring;
    this.table = table;
    this.#duplicates = new Duplicates(wiring, table);
    this.#clones = new Clones(wiring);
  }

  /** The handle at an index of the range, if a device lies there. */
  byIndex(index: number): PortHandle | undefined {
    const entry = this.table.get(index);
    return entry !== undefined && 'held' in entry ? entry : undefined;
  }

  /** The handle a descriptor number of the server stands for. */
  byDescriptor(fd: number): PortHandle | undefined {
    return this.byIndex(fd - this.#w.base);
  }

  /** open("/dev/fuse", flags). */
  open(flags: number): void {
    const { seam, trap, kernel } = this.#w;
    const { slot, tid } = trap;
    const id = kernel.open(flags);
    if (id < 0) {
      seam.respond(slot, id);
      return;
    }
    const handle: PortHandle = {
      id,
      index: -1,
      nonblock: (flags & O_NONBLOCK) !== 0,
      openFlags: flags,
      tid,
      held: [],
      returned: undefined,
      pending: false,
      shown: false,
      polled: false,
      suspect: 0,
      dead: false,
      unbound: true,
    };
    handle.index = this.table.take(handle);
    const fd =
      handle.index < 0
        ? seam.respond(slot, -EMFILE) || -EMFILE
        : seam.addPlaceholder(slot, handle.index, (flags & O_CLOEXEC) !== 0);
    if (fd < 0) {
      if (handle.index >= 0) this.table.free(handle.index);
      kernel.close(id);
      return;
    }
    this.handles.set(id, handle);
    this.#was.add(handle.index);
    this.#w.emit({ kind: 'open', t: this.#w.now(), handle: id, tid, flags });
  }

  /** A trapped call whose descriptor lies in the range; false when it is not one of ours. */
  call(): boolean {
    const { seam, trap } = this.#w;
    const { nr, slot, tid } = trap;
    // splice(2) names what it takes from first, sendfile(2) what it gives to.
    const sends = nr === NR.sendfile;
    const output = sends ? trap.index >= 0 : nr === NR.splice && trap.second >= 0;
    const at = output !== sends ? trap.second : trap.index;
    const handle = this.byIndex(at);
    if (handle === undefined) {
      if (this.table.get(at) === undefined && this.#was.has(at)) this.stale(at, nr, tid);
      seam.continue(slot);
      return false;
    }
    handle.tid = tid;
    const gone = nr !== NR.close && this.#duplicates.isClosed(at, tid);
    if (gone) this.stale(at, nr, tid);
    const early = gone ? -EBADF : earlyResult(this.#w, handle, output);
    if (early !== undefined) seam.respond(slot, early);
    else if (READS.has(nr)) this.#read(handle, trap.size, false);
    else if (WRITES.has(nr)) this.#write(handle);
    else if (nr === NR.splice) output ? this.#spliceIn(handle) : this.#spliceOut(handle);
    else if (sends) output ? this.#sendIn(handle) : this.#spliceOut(handle);
    else if (nr === NR.ioctl) {
      deviceIoctl(this.#w, handle, (fd) => this.byDescriptor(fd), this.#clones);
    } else if (nr === NR.fcntl) this.#duplicates.fcntl(handle);
    else if (nr === NR.dup) this.#duplicates.dup(handle, false);
    else if (nr === NR.dup2 || nr === NR.dup3) this.#duplicates.dup2(handle);
    else if (nr === NR.close) {
      handle.suspect = SUSPECT_LOOKS;
      this.#duplicates.closes(trap.index);
      seam.continue(slot);
    } else seam.respond(slot, -EINVAL);
    return true;
  }

  #read(handle: PortHandle, size: number, splice: boolean): void {
    const { seam, trap } = this.#w;
    if (trap.filled < 0) {
      seam.respond(trap.slot, trap.filled);
      return;
    }
    const read: HeldRead = { slot: trap.slot, tid: trap.tid, size, splice, measured: false };
    if (handle.shown) handle.polled = true;
    if (this.#tryRead(handle, read)) return;
    // A handle in SYNC_INIT sleeps until its mount, O_NONBLOCK or not.
    const bound = this.#w.kernel.connOf(handle.id) !== 0;
    if (bound && handle.nonblock) {
      this.#show(handle, false);
      seam.respond(read.slot, -EAGAIN);
    } else {
      // Read without having been shown anything: it does not poll, it was only slow once.
      if (!handle.shown) handle.polled = false;
      handle.held.push(read);
    }
  }

  /** Answers the read if the Kernel can; false: it must wait. */
  #tryRead(handle: PortHandle, read: HeldRead): boolean {
    const { seam, kernel, data } = this.#w;
    let n: number;
    if (handle.returned !== undefined && handle.returned.length <= read.size) {
      data.set(handle.returned);
      n = handle.returned.length;
      handle.returned = undefined;
    } else {
      n = kernel.read(handle.id, read.size, data, read.measured);
      const { injection } = this.#w;
      if (n > 0 && injection) n = injectRead(this.#w, injection, handle, read, n);
    }
    if (n === BLOCK) {
      // In SYNC_INIT a read sleeps before its buffer is looked at (fuse_get_dev).
      read.measured = kernel.connOf(handle.id) !== 0;
      handle.pending = false;
      return false;
    }
    if (n < 0) {
      handle.pending = false;
      // What poll shows must be true before the server can look (libfuse decides by POLLERR whether
      // it still has to unmount), also of the handle that this one is a clone of, which nobody may read.
      const conn = kernel.connOf(handle.id);
      for (const one of this.handles.values()) {
        if (one === handle || (n === -ENODEV && kernel.connOf(one.id) === conn)) this.#poll(one);
      }
      seam.respond(read.slot, n);
      this.#transport(handle, read.tid, read.splice ? 'splice' : 'read', n);
      return true;
    }
    const bytes = data.subarray(0, n);
    this.#hideTaken(handle);
    const result = read.splice ? seam.deliverPipe(read.slot, n) : seam.deliver(read.slot, n);
    if (result === n) {
      this.delivered++;
      this.#w.emit({
        kind: 'request',
        t: this.#w.now(),
        handle: handle.id,
        conn: kernel.connOf(handle.id),
        tid: read.tid,
        bytes,
      });
      const { injection } = this.#w;
      if (injection) injectDelivered(this.#w, injection, handle, read, bytes);
    } else if (result === -ENOENT) {
      handle.returned = bytes.slice();
    } else {
      kernel.faulted(handle.id, bytes);
      this.#transport(handle, read.tid, read.splice ? 'splice' : 'read', -EFAULT);
    }
    return true;
  }

  /**
   * The last request is taken: before the server can look, its connection's handles must not poll IN
   * any more. A server that polls a blocking descriptor would sleep in the read it makes then.
   */
  #hideTaken(handle: PortHandle): void {
    const { kernel } = this.#w;
    const conn = kernel.connOf(handle.id);
    for (const other of this.handles.values()) {
      if (!other.shown || kernel.connOf(other.id) !== conn) continue;
      if ((kernel.poll(other.id) & POLLIN) === 0) this.#show(other, false);
    }
  }

  #write(handle: PortHandle): void {
    const { trap, data } = this.#w;
    if (trap.filled < 0) {
      this.#w.seam.respond(trap.slot, trap.filled);
      return;
    }
    this.#reply(handle, trap.slot, data.subarray(0, trap.filled), trap.size);
  }

  #reply(
    handle: PortHandle,
    slot: number,
    bytes: Uint8Array,
    length: number,
    end?: (result: number) => void,
  ): void {
    const { seam, kernel, trap } = this.#w;
    const { tid, nr } = trap;
    this.inspect?.(bytes);
    const headed = bytes.length >= OUT_HEADER_SIZE;
    const notifies = headed && isNotification(bytes);
    const injection = headed && !notifies ? this.#w.injection : undefined;
    const answer = (written: Uint8Array, result: number): void => {
      this.replied++;
      const conn = kernel.connOf(handle.id);
      const t = this.#w.now();
      if (injection && result > 0) injectReplied(this.#w, injection, handle, tid, written);
      this.#w.emit({ kind: 'reply', t, handle: handle.id, conn, tid, bytes: written, result });
      end?.(result);
      // Answered last: meanwhile the client may make its next request, which the server's next read
      // then finds. Answered first, it reads in vain and must be woken again.
      seam.respond(slot, result);
    };
    // A notification may have to wait for a lock that a client holds until the server answers it, so
    // the Kernel may take its time; the server's other threads must be served meanwhile.
    const kept = notifies ? bytes.slice() : bytes;
    const later = notifies ? (late: number) => answer(kept, late) : undefined;
    const splice = nr === NR.splice;
    const injected = injection && injectReply(this.#w, injection, handle, tid, splice, bytes);
    const result = injected || kernel.write(handle.id, bytes, length, later);
    if (result !== BLOCK) answer(bytes, result);
  }

  #spliceOut(handle: PortHandle): void {
    const { seam, trap } = this.#w;
    const room = seam.pipeRoom(trap.slot);
    if (room < 0) {
      seam.respond(trap.slot, room);
      return;
    }
    const size = Math.min(Number(trap.arg(trap.nr === NR.splice ? 4 : 3)), room);
    // Only the device's O_NONBLOCK counts, SPLICE_F_NONBLOCK is the pipe's (fuse_dev_splice_read).
    this.#read(handle, size, true);
  }

  /** sendfile(2) from a file: its position moves only if the reply is taken. */
  #sendIn(handle: PortHandle): void {
    const { seam, trap, data } = this.#w;
    const taken = takeFromFile(this.#w, data);
    if (typeof taken === 'number') seam.respond(trap.slot, taken);
    else this.#reply(handle, trap.slot, taken.bytes, taken.bytes.length, taken.end);
  }

  #spliceIn(handle: PortHandle): void {
    const { seam, trap, data } = this.#w;
    const { slot } = trap;
    const taken = seam.pipeTake(slot);
    if (taken < 0) seam.respond(slot, taken);
    else this.#reply(handle, slot, data.subarray(0, taken), taken);
  }

  #transport(
    handle: PortHandle,
    tid: number,
    call: 'read' | 'write' | 'splice',
    result: number,
  ): void {
    const { kernel, emit } = this.#w;
    const conn = kernel.connOf(handle.id);
    emit({ kind: 'transport', t: this.#w.now(), handle: handle.id, conn, tid, call, result });
  }

  /** The Kernel says the handle's queue or state changed: held reads first, then what poll shows. */
  wake(id: HandleId): void {
    this.#clones.wake(id);
    const handle = this.handles.get(id);
    if (handle === undefined) return;
    while (handle.held.length > 0) {
      const read = handle.held[0] as HeldRead;
      if (!this.#tryRead(handle, read)) break;
      handle.held.shift();
    }
    if (handle.held.length > 0) return;
    handle.pending = true;
    if (handle.nonblock || handle.polled) this.#poll(handle);
  }

  /** Brings what poll(2) shows of the placeholder up to date. */
  #poll(handle: PortHandle): void {
    if (handle.dead) return;
    const mask = this.#w.kernel.poll(handle.id);
    if ((mask & POLLERR) !== 0) {
      if (this.#w.kernel.connOf(handle.id) === 0) return;
      this.#w.seam.setDead(handle.index, handle.tid);
      handle.dead = true;
    } else if (handle.nonblock || handle.polled) {
      this.#show(handle, (mask & POLLIN) !== 0);
    }
  }

  #show(handle: PortHandle, readable: boolean): void {
    handle.shown = readable;
    this.#w.seam.setReadable(handle.index, handle.tid, readable);
  }

  /** Nothing came for a while: a server that polls must be told; without a read nobody was woken. */
  settle(): void {
    for (const handle of this.handles.values()) {
      if (handle.dead || handle.held.length > 0) continue;
      handle.pending = (this.#w.kernel.poll(handle.id) & POLLIN) !== 0;
      if (handle.pending) this.#show(handle, true);
      else this.#poll(handle);
    }
  }

  /** Answers held reads whose threads have a signal to handle. Whether there was one. */
  interruptSignalled(): boolean {
    let answered = this.#clones.interruptSignalled();
    for (const handle of this.handles.values()) {
      const before = handle.held.length;
      handle.held = handle.held.filter((read) => !this.#w.seam.interruptSignalled(read.slot));
      answered ||= handle.held.length < before;
    }
    return answered;
  }

  /** A process ended: any handle may have lost its last descriptor. */
  suspectAll(): void {
    for (const handle of this.handles.values()) handle.suspect = SUSPECT_LOOKS;
  }

  get suspected(): boolean {
    for (const handle of this.handles.values()) {
      if (handle.suspect > 0 && handle.held.length === 0) return true;
    }
    return false;
  }

  /** Not every close is a call we see (close_range, exec, a kill): look now and then. */
  lookAtAll(): void {
    for (const handle of this.handles.values()) handle.suspect = Math.max(handle.suspect, 1);
  }

  /**
   * Looks whether suspected handles are still held by anybody; closes those that are not. A thread in
   * a read holds the device as a descriptor does.
   */
  reapClosed(): void {
    for (const handle of this.handles.values()) {
      if (handle.suspect === 0) continue;
      handle.held = handle.held.filter((read) => this.#w.seam.waits(read.slot));
      if (handle.held.length > 0 || this.#clones.holds(handle)) continue;
      handle.suspect--;
      if (this.#w.seam.alive(handle.index)) continue;
      // A held FUSE command is a reference to the open file.
      if (this.#w.kernel.rings.holds(handle.id) > 0) continue;
      this.handles.delete(handle.id);
      for (const [index, entry] of [...this.table.entries()]) {
        if (entry === handle) this.#duplicates.free(index);
      }
      this.#w.kernel.close(handle.id);
      this.#w.emit({ kind: 'close', t: this.#w.now(), handle: handle.id });
    }
  }

  /** Whether a read of any handle would get something now. */
  get deliverable(): boolean {
    for (const { id } of this.handles.values()) {
      if ((this.#w.kernel.poll(id) & POLLIN) !== 0) return true;
    }
    return false;
  }

  /** Whether something is deliverable that nobody has asked for. */
  get unread(): boolean {
    for (const handle of this.handles.values()) {
      if (handle.pending && !handle.dead && handle.held.length === 0) return true;
    }
    return false;
  }
}
