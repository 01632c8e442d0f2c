/**
 * How the server's mounts reach the Kernel: mount(2), umount2(2), and the file system contexts of
 * fsopen/fsconfig/fsmount/move_mount. Only FUSE mounts are the rig's; others run as they are.
 */
import { readlinkSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { BLOCK, type ConnId, type MountCall, type MountResult, PASS } from '../kernel/kernel.ts';
import { ERRNO } from '../protocol/errno.ts';
import { bound } from './binding.ts';
import { injectMounted, mountOrFault } from './device_faults.ts';
import type { DevicePort } from './device_port.ts';
import { type Creation, FakedContexts, type Waiting } from './faked_contexts.ts';
import { isFuse, splitFd } from './mount_words.ts';
import type { PortHandle, PortWiring } from './port_handle.ts';
import { RealContexts } from './real_contexts.ts';

const { EFAULT } = ERRNO;

const text = (bytes: Buffer | null): string => bytes?.toString('utf8') ?? '';

export class MountPort {
  readonly #w: PortWiring;
  readonly #device: DevicePort;
  /** Mounts waiting for their INIT (SYNC_INIT): slot and call. */
  #waiting: Waiting[] = [];
  #unmounting: { slot: number; target: string }[] = [];
  readonly #contexts: FakedContexts;
  readonly #realContexts: RealContexts;
  /** Told before a real mount is made, so that the keeper can clean up. */
  announce: (target: string, tid: number) => void = () => {};
  /** Told after a mount succeeded. */
  mounted: (target: string, conn: ConnId) => void = () => {};
  /** Told of every umount2; `result` 0 where it is not known yet. */
  umounting: (target: string, flags: number, tid: number, result: number) => void = () => {};

  constructor(wiring: PortWiring, device: DevicePort) {
    this.#w = wiring;
    this.#device = device;
    const creation: Creation = {
      answered: (slot, tid, call, handle, result) => this.#finish(slot, tid, call, handle, result),
      waits: (waiting) => this.#waiting.push(waiting),
    };
    this.#contexts = new FakedContexts(wiring, device, creation);
    this.#realContexts = new RealContexts(wiring, device, creation);
  }

  #string(n: number): string {
    return text(this.#w.seam.readString(this.#w.trap.tid, this.#w.trap.arg(n)));
  }

  /** mount(source, target, fstype, flags, data). */
  mount(): void {
    const { seam, trap } = this.#w;
    const fstype = this.#string(2);
    if (!isFuse(fstype)) {
      seam.continue(trap.slot);
      return;
    }
    const { options, fd } = splitFd(this.#string(4));
    const handle = fd === undefined ? undefined : this.#device.byDescriptor(fd);
    const call: MountCall = {
      fstype,
      source: this.#string(0),
      target: this.absolute(this.#string(1)),
      flags: Number(trap.arg(3) & 0xffffffffn),
      options,
      handle: handle?.id,
    };
    const { slot, tid } = trap;
    this.announce(call.target, trap.tid);
    const result = mountOrFault(this.#w, call, handle, tid);
    if (handle !== undefined) bound(this.#w, handle, (fd ?? 0) - this.#w.base, tid);
    const waits = result.result === BLOCK && handle !== undefined;
    if (waits) this.#waiting.push({ slot, tid, call, handle });
    if (this.#w.injection) injectMounted(this.#w, handle, tid, result.result);
    if (!waits) this.#finish(slot, tid, call, handle, result);
  }

  #finish(
    slot: number,
    tid: number,
    call: MountCall,
    handle: PortHandle | undefined,
    { result, conn, dev }: MountResult,
  ): void {
    this.#w.seam.respond(slot, result);
    const { fstype, source, target, flags, options } = call;
    this.#w.emit({
      kind: 'mount',
      t: this.#w.now(),
      handle: handle?.id ?? 0,
      conn,
      tid,
      fstype,
      source,
      target,
      flags,
      options,
      result,
      dev,
    });
    if (result === 0) this.mounted(target, conn);
  }

  /** The mount of a SYNC_INIT handle got its answer. */
  finishWaiting(id: number, result: MountResult): void {
    const mount = this.#waiting.find((m) => m.handle.id === id);
    if (mount === undefined) return;
    this.#waiting = this.#waiting.filter((m) => m !== mount);
    mount.ended?.(result.result);
    this.#finish(mount.slot, mount.tid, mount.call, mount.handle, result);
  }

  /** A held umount2 got its answer. */
  finishUnmount(target: string, result: number): void {
    const held = this.#unmounting.find((u) => u.target === target);
    if (held === undefined) return;
    this.#unmounting = this.#unmounting.filter((u) => u !== held);
    this.#w.seam.respond(held.slot, result);
  }

  /** umount2(target, flags). */
  umount(): void {
    const { seam, trap, kernel } = this.#w;
    const { slot, tid } = trap;
    const target = this.absolute(this.#string(0));
    const flags = trap.int(1);
    const result = kernel.unmount(target, flags, tid);
    this.umounting(target, flags, tid, result === BLOCK ? 0 : result);
    if (result === PASS) seam.continue(slot);
    else if (result === BLOCK) this.#unmounting.push({ slot, target });
    else seam.respond(slot, result);
  }

  /** fsopen(fstype, flags): a context of ours, where the Kernel has no real ones. */
  fsopen(): void {
    const { seam, trap, kernel } = this.#w;
    const fstype = this.#string(0);
    if (kernel.realContexts) this.#realContexts.open(fstype);
    else if (!isFuse(fstype)) seam.continue(trap.slot);
    else this.#contexts.open(fstype);
  }

  /** fsconfig(context, command, key, value, aux). */
  fsconfig(): void {
    const { seam, trap, kernel } = this.#w;
    const faked = this.#contexts.at(trap.index);
    if (kernel.realContexts) this.#realContexts.configure((n) => this.#string(n));
    else if (faked === undefined) seam.continue(trap.slot);
    else this.#contexts.configure(faked, trap.arg(2) === 0n ? undefined : this.#string(2));
  }

  /** fsmount(context, flags, attributes): the mount is the context's connection again. */
  fsmount(): void {
    const { seam, trap } = this.#w;
    const faked = this.#contexts.at(trap.index);
    if (faked === undefined) seam.continue(trap.slot);
    else this.#contexts.mount(faked);
  }

  /** move_mount(from_dfd, from_path, to_dfd, to_path, flags). */
  moveMount(): void {
    const { seam, trap, kernel } = this.#w;
    const target = this.absolute(this.#string(3));
    const context = this.#contexts.at(trap.index);
    if (kernel.realContexts || context === undefined) {
      this.#realMove(target);
      return;
    }
    if (this.#string(1) !== '') {
      seam.respond(trap.slot, -EFAULT);
      return;
    }
    kernel.attach(context.conn, target);
    seam.respond(trap.slot, 0);
    this.mounted(target, context.conn);
  }

  /** A real mount finds its place. What is no FUSE context's is not announced. */
  #realMove(target: string): void {
    const { seam, trap, kernel, emit } = this.#w;
    const moved = this.#realContexts.moved(target);
    if (moved !== undefined) this.announce(target, trap.tid);
    seam.continue(trap.slot);
    if (moved === undefined) return;
    const { handle, call } = moved;
    const conn = kernel.connOf(handle.id);
    const made = { ...call, handle: handle.id, conn, tid: trap.tid, result: 0, dev: 0 };
    emit({ kind: 'mount', t: this.#w.now(), ...made });
    this.mounted(target, conn);
  }

  /** A path of the calling thread as an absolute one. */
  absolute(path: string): string {
    if (isAbsolute(path)) return join(path);
    try {
      return join(readlinkSync(`/proc/${this.#w.trap.tid}/cwd`), path);
    } catch {
      return path;
    }
  }
}
