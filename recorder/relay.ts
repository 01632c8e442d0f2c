/**
 * The real Kernel: every call of the server is made on the real /dev/fuse, by the rig, with the
 * server's bytes. Nothing is interpreted; what the kernel says is what the server gets.
 */
import { release } from 'node:os';
import { native } from '../native/load.ts';
import {
  BLOCK,
  type ConnId,
  type HandleId,
  type Kernel,
  type MountCall,
  type MountResult,
  PASS,
} from '../rig/kernel/kernel.ts';
import { VERSIONS, versionOf } from '../rig/kernel/versions.ts';
import { DEV_IOC_SYNC_INIT } from '../rig/protocol/constants.ts';
import { ERRNO } from '../rig/protocol/errno.ts';
import { bareReply, opcodeOf, uniqueOf } from '../rig/protocol/header.ts';
import { OP } from '../rig/protocol/opcodes.ts';
import { fusermountUnmount, mountByFusermount } from './fusermount.ts';
import { InitExchange } from './init_exchange.ts';
import { fuseMounts } from './mountinfo.ts';
import type { RealHandle } from './real_handle.ts';
import * as handles from './real_handle.ts';
import * as ioctls from './real_ioctls.ts';
import { RealRings } from './real_rings.ts';
import type { RelayWiring } from './relay_wiring.ts';

const { E2BIG, EACCES, EAGAIN, EBADF, EINVAL, EIO } = ERRNO;
const O_RDWR_NONBLOCK = 0o4002;
/** What the running kernel does. */
const SWITCHES = VERSIONS[versionOf(release())];
const POLLERR = 0x8;

export class RealKernel implements Kernel {
  readonly realContexts = true;
  onWake: (handle: HandleId) => void = () => {};
  readonly rings: RealRings;
  readonly #handles = new Map<HandleId, RealHandle>();
  readonly #inits = new InitExchange();
  #wiring: RelayWiring | undefined;
  #nextHandle = 1;
  #nextConn = 1;

  constructor() {
    this.rings = new RealRings({
      handle: (id) => this.#handles.get(id),
      negotiated: (conn) => this.#inits.of(conn),
      watch: (fd, action) => this.#seam().watch(fd, action),
      unwatch: (tag) => this.#seam().unwatch(tag),
    });
  }

  /** The session exists only after the Kernel: what it offers is given here. */
  connect(wiring: RelayWiring): void {
    this.#wiring = wiring;
  }

  #seam(): RelayWiring {
    if (this.#wiring === undefined) throw new Error('relay: connect() comes first');
    return this.#wiring;
  }

  open(): HandleId {
    const fd = native.openFile('/dev/fuse', O_RDWR_NONBLOCK);
    // An ordinary user may be kept from the device yet allowed to mount: fusermount3 opens it then.
    if (fd < 0 && !(fd === -EACCES && process.geteuid?.() !== 0)) return fd;
    const handle = handles.newHandle(this.#nextHandle++, Math.max(fd, -1));
    this.#handles.set(handle.id, handle);
    return handle.id;
  }

  /**
   * Only a bound handle can be watched: fuse_dev_poll of an unbound one does not even register a
   * waiter, and in SYNC_INIT it sleeps.
   */
  #watch(handle: RealHandle): void {
    if (handle.fd >= 0 && handle.watch === 0) {
      handle.watch = this.#seam().watch(handle.fd, () => {
        handle.armed = false;
        this.onWake(handle.id);
      });
    }
  }

  /**
   * Most requests find the server between its reply and its next read: the rig need not be woken for
   * them. So a wake is asked for when somebody waits: a read got BLOCK, or poll was looked at.
   */
  #arm(handle: RealHandle): void {
    if (handle.armed || handle.watch === 0) return;
    handle.armed = true;
    this.#seam().watchNext(handle.watch);
  }

  close(id: HandleId): void {
    const handle = this.#handles.get(id);
    if (handle === undefined) return;
    this.#handles.delete(id);
    if (handle.watch > 0) this.#seam().unwatch(handle.watch);
    // A notification still waiting in the kernel keeps the device open; only an abort ends its wait.
    if (handle.writing > 0) handles.abortConnection(handles.boundDev(handle));
    if (handle.fd >= 0) native.closeFd(handle.fd);
    if ([...this.#handles.values()].some(({ conn }) => conn === handle.conn)) return;
    this.rings.forget(handle.conn);
    this.#inits.forget(handle.conn);
  }

  /** Rings first: an SQE the kernel holds keeps its device open. */
  closeAll(): void {
    this.rings.closeAll();
    for (const id of [...this.#handles.keys()]) this.close(id);
  }

  /** No connection lives: what still sleeps for one is not the kernel's to wake. */
  get dead(): boolean {
    const bound = [...this.#handles.values()].filter(({ conn }) => conn !== 0);
    return bound.every(({ fd }) => (native.pollFd(fd) & POLLERR) !== 0);
  }

  /** A write to the abort file of fusectl, for every connection. -ENOTCONN: none lives; -ENOENT: no fusectl. */
  abort(): number {
    const devs = [...this.#handles.values()].map(handles.deviceOf).filter(Boolean);
    if (devs.length === 0) return this.dead ? -ERRNO.ENOTCONN : -ERRNO.ENOENT;
    for (const dev of new Set(devs)) handles.abortConnection(dev);
    return this.dead ? 0 : -ERRNO.ENOENT;
  }

  /** Requests that clients wait for, over all connections, as fusectl counts them; 0 where there is none. */
  waiting(): number {
    return handles.waitingOf([...this.#handles.values()].map(handles.deviceOf));
  }

  connOf(id: HandleId): ConnId {
    return this.#handles.get(id)?.conn ?? 0;
  }

  #fd(id: HandleId): number {
    return this.#handles.get(id)?.fd ?? -1;
  }

  /**
   * The kernel measures a reader's buffer once, before it sleeps: one that slept while INIT made
   * requests larger is not refused, it only loses those that do not fit (fuse_dev_do_read).
   */
  read(id: HandleId, size: number, into: Uint8Array, resumed = false): number {
    const handle = this.#handles.get(id);
    if (handle?.syncInit && handle.conn === 0) return BLOCK;
    for (;;) {
      const n = native.readFd(handle?.fd ?? -1, into, resumed ? handles.SIZE_MAX : size);
      this.#inits.read(handle?.conn ?? 0, into, n);
      if (n === -EAGAIN) {
        if (handle !== undefined) this.#arm(handle);
        return BLOCK;
      }
      if (n <= size) return n;
      this.#finish(id, into, opcodeOf(into) === OP.SETXATTR.opcode ? -E2BIG : -EIO);
    }
  }

  /** The request is ours now and nobody will answer it: end it as the kernel would have (EIO). */
  faulted(id: HandleId, message: Uint8Array): void {
    this.#finish(id, message, -EIO);
  }

  /** A request that the server did not get ends with an error. */
  #finish(id: HandleId, message: Uint8Array, error: number): void {
    const reply = bareReply(uniqueOf(message), error);
    native.writeFd(this.#fd(id), reply, reply.length);
  }

  /**
   * A notification waits in the kernel for inode and page locks, which a client may hold until the
   * server has answered it: it is written by a thread of its own.
   */
  write(
    id: HandleId,
    message: Uint8Array,
    length: number,
    later?: (result: number) => void,
  ): number {
    const handle = this.#handles.get(id);
    if (later === undefined || handle === undefined) {
      const written = native.writeFd(this.#fd(id), message, length);
      if (written > 0 && handle !== undefined) this.#inits.written(handle.conn, message);
      return written;
    }
    const pending = native.writeInThread(handle.fd, message, length);
    if (pending < 0) return pending;
    handle.writing++;
    const wiring = this.#seam();
    const tag = wiring.watch(pending, () => {
      wiring.unwatch(tag);
      handle.writing--;
      later(native.finish(pending));
    });
    return BLOCK;
  }

  poll(id: HandleId): number {
    const handle = this.#handles.get(id);
    if (handle === undefined || handle.conn === 0) return POLLERR;
    const mask = native.pollFd(handle.fd);
    if ((mask & handles.POLLIN) === 0) this.#arm(handle);
    return mask;
  }

  clone(id: HandleId, source: HandleId | undefined): number {
    const from = source === undefined ? undefined : this.#handles.get(source);
    const handle = this.#handles.get(id);
    if (from?.syncInit && from.conn === 0 && SWITCHES.cloneAwaitsMount) {
      from.cloners.add(id);
      return BLOCK;
    }
    const result = ioctls.clone(handle?.fd ?? -1, from?.fd ?? -1);
    if (result === 0 && handle && source !== undefined) {
      handle.conn = this.connOf(source);
      this.#watch(handle);
    }
    return result;
  }

  syncInit(id: HandleId): number {
    const handle = this.#handles.get(id);
    const result = native.ioctlFd(this.#fd(id), DEV_IOC_SYNC_INIT);
    if (handle && result === 0) handle.syncInit = true;
    return result;
  }

  backingOpen(id: HandleId, tid: number, fd: number, flags: number, padding: bigint): number {
    const backing = this.#seam().seam.getFd(tid, fd);
    if (backing < 0) return -EBADF;
    return ioctls.backingOpen(this.#fd(id), backing, flags, padding);
  }

  backingClose(id: HandleId, backing: number): number {
    return ioctls.backingClose(this.#fd(id), backing);
  }

  mount(call: MountCall, tid: number): MountResult {
    const handle = call.handle === undefined ? undefined : this.#handles.get(call.handle);
    if (process.geteuid?.() !== 0) return this.#mountByFusermount(call, handle, tid);
    const fd = handle === undefined ? '' : `fd=${handle.fd},`;
    const { source, target, fstype, flags } = call;
    const pending = native.mountThere(tid, source, target, fstype, flags, fd + call.options);
    return this.#await(handle, pending, (result) => this.#mounted(call, handle, tid, result));
  }

  #bind(handle: RealHandle | undefined): ConnId {
    if (handle !== undefined && handle.conn === 0) {
      handle.conn = this.#nextConn++;
      this.#watch(handle);
      for (const id of handle.cloners) this.onWake(id);
      handle.cloners.clear();
    }
    return handle?.conn ?? 0;
  }

  #mounted(
    call: MountCall,
    handle: RealHandle | undefined,
    tid: number,
    result: number,
  ): MountResult {
    if (result !== 0) return { result, conn: handle?.conn ?? 0, dev: 0 };
    const mount = fuseMounts(tid).findLast((m) => m.target === call.target);
    if (handle !== undefined) handle.dev = mount?.dev ?? 0;
    return { result, conn: this.#bind(handle), dev: mount?.dev ?? 0 };
  }

  #mountByFusermount(call: MountCall, handle: RealHandle | undefined, tid: number): MountResult {
    if (handle === undefined) return { result: -EINVAL, conn: 0, dev: 0 };
    const { result, fd } = mountByFusermount(call);
    if (result !== 0) return { result, conn: 0, dev: 0 };
    if (handle.fd >= 0) native.closeFd(handle.fd);
    native.setNonblock(fd);
    handle.fd = fd;
    return this.#mounted(call, handle, tid, 0);
  }

  nameInContext(context: number, id: HandleId): number {
    return native.fsconfigString(context, 'fd', String(this.#fd(id)));
  }

  createContext(context: number, command: number, id: HandleId): MountResult {
    const handle = this.#handles.get(id);
    return this.#await(handle, native.fsconfigCommand(context, command), (result) => ({
      result,
      conn: result === 0 ? this.#bind(handle) : 0,
      dev: handles.boundDev(handle),
    }));
  }

  /**
   * The result of a call made in a child: at once, or, with SYNC_INIT, when the server has answered
   * INIT. Until the device is bound nothing may touch it: read and poll would put the rig to sleep.
   */
  #await(
    handle: RealHandle | undefined,
    pending: number,
    conclude: (result: number) => MountResult,
  ): MountResult {
    if (pending < 0) return { result: pending, conn: 0, dev: 0 };
    if (!handle?.syncInit) return conclude(native.finish(pending));
    if (handles.untilBound(handle, pending)) this.#bind(handle);
    const wiring = this.#seam();
    const tag = wiring.watch(pending, () => {
      wiring.unwatch(tag);
      wiring.onMounted(handle.id, conclude(native.finish(pending)));
    });
    this.onWake(handle.id);
    return { result: BLOCK, conn: handle.conn, dev: 0 };
  }

  attach(): void {}

  unmount(target: string, flags: number, tid: number): number {
    if (process.geteuid?.() === 0) return PASS;
    const pending = fusermountUnmount(tid, target, flags);
    if (pending < 0) return pending;
    const wiring = this.#seam();
    const tag = wiring.watch(pending, () => {
      wiring.unwatch(tag);
      wiring.onUnmounted(target, native.finish(pending));
    });
    return BLOCK;
  }
}
