/**
 * The model Kernel: /dev/fuse as Linux implements it, without Linux. It composes the state machines
 * of this folder and holds no rule of its own: here are the server's calls, in `model-feed.ts` the
 * client side. No I/O, no clock, no randomness.
 */
import { type Key, keyOf } from '../protocol/cursor.ts';
import { ERRNO } from '../protocol/errno.ts';
import { has } from '../protocol/negotiated.ts';
import { closeBacking, openBacking } from './backing.ts';
import { ChangingFeed } from './changing-feed.ts';
import { cloneDevice } from './clone.ts';
import { Connection } from './connection.ts';
import { Device } from './device.ts';
import type { Ticket } from './feed.ts';
import { DEFAULT_OFFER, type InitOffer, RING_OFFER, sendInit } from './init.ts';
import {
  BLOCK,
  type ConnId,
  type HandleId,
  type Kernel,
  type MountCall,
  type MountResult,
} from './kernel.ts';
import type { ModelOptions } from './model-feed.ts';
import { MountTable } from './mount.ts';
import { type MountOptions, showMountOptions } from './mount-options.ts';
import { faultDevice, readDevice, unreadDevice } from './read.ts';
import { writeDevice } from './reply.ts';
import type { FuseReq } from './request.ts';
import { ModelRings } from './ring/rings.ts';

/** Minor of the first made-up st_dev, less one. */
const DEV_BASE = 40;
const nothing = (): void => {};

export class ModelKernel extends ChangingFeed implements Kernel {
  readonly realContexts = false;
  /** Commands of io_uring on the handles, and what is told of entries. */
  readonly rings: ModelRings;
  /** A SYNC_INIT mount of this handle has its result. */
  onMounted: (handle: HandleId, result: MountResult) => void = nothing;
  /** An unmount that awaited DESTROY has its result. */
  onUnmounted: (target: string, result: number) => void = nothing;
  readonly #devices = new Map<HandleId, Device>();
  readonly #mounts: MountTable;
  #lastHandle: HandleId = 0;
  /** Thread of the mount call that is being made. */
  #mounter = 0;

  constructor(options: ModelOptions = {}) {
    super(options);
    this.rings = new ModelRings(
      {
        device: (handle) => this.#devices.get(handle),
        connection: (conn) => this.connection(conn),
        connections: () => this.connections.values(),
      },
      options.ring,
    );
    this.#mounts = new MountTable({
      world: this.world,
      device: (handle) => this.#devices.get(handle),
      wake: (handle) => this.wake(handle),
      mountEnded: (handle, result) => this.onMounted(handle, result),
      unmountEnded: (target, result) => this.onUnmounted(target, result),
      connect: (device, mountOptions) => this.#connect(device, mountOptions),
      sendInit: (conn, call, done) =>
        sendInit(conn, this.#offer(conn, call), this.host, done, this.#mounter),
    });
  }

  #connect(device: Device, options: MountOptions): Connection {
    const id: ConnId = this.connections.size + 1;
    const conn = new Connection(id, DEV_BASE + id, options, this.switches, this);
    this.connections.set(id, conn);
    device.bind(conn);
    return conn;
  }

  #offer(conn: Connection, call: MountCall): InitOffer {
    const { offer = this.rings.enabled ? RING_OFFER : DEFAULT_OFFER } = this.options;
    return typeof offer === 'function' ? offer(conn.id, call) : offer;
  }

  override inited(conn: Connection, body: Uint8Array): void {
    conn.ringWanted = this.rings.enabled && has(conn.negotiated, 'OVER_IO_URING');
    super.inited(conn, body);
  }

  /** The connection a handle is bound to; -EPERM without one, BLOCK while it waits for its mount. */
  #bound(handle: HandleId): Connection | number {
    const device = this.#devices.get(handle);
    if (device === undefined) return -ERRNO.EBADF;
    if (device.conn !== undefined) return device.conn;
    return device.state === 'sync-init' ? BLOCK : -ERRNO.EPERM;
  }

  open(_flags: number): HandleId {
    const device = new Device(++this.#lastHandle);
    this.#devices.set(device.id, device);
    return device.id;
  }

  close(handle: HandleId): void {
    const device = this.#devices.get(handle);
    this.#devices.delete(handle);
    if (device !== undefined) device.conn?.release(device);
  }

  connOf(handle: HandleId): ConnId {
    return this.#devices.get(handle)?.conn?.id ?? 0;
  }

  /** `resumed`: this call got BLOCK before and asks again (see readDevice()). */
  read(handle: HandleId, size: number, into: Uint8Array, resumed = false): number {
    const device = this.#devices.get(handle);
    return device === undefined ? -ERRNO.EBADF : readDevice(device, size, into, resumed);
  }

  faulted(handle: HandleId, message: Uint8Array): void {
    const device = this.#devices.get(handle);
    if (device !== undefined) faultDevice(device, message);
  }

  unread(handle: HandleId, message: Uint8Array): boolean {
    const device = this.#devices.get(handle);
    return device !== undefined && unreadDevice(device, message);
  }

  write(handle: HandleId, message: Uint8Array, length: number): number {
    const device = this.#devices.get(handle);
    if (device === undefined) return -ERRNO.EBADF;
    return writeDevice(device, message, length, this.nodes);
  }

  /** BLOCK for a handle in state SYNC_INIT: its poll waits for the mount. */
  poll(handle: HandleId): number {
    const device = this.#devices.get(handle);
    if (device === undefined) return -ERRNO.EBADF;
    return device.state === 'sync-init' ? BLOCK : device.poll();
  }

  clone(handle: HandleId, source: HandleId | undefined): number {
    const device = this.#devices.get(handle);
    const from = source === undefined ? undefined : this.#devices.get(source);
    if (device === undefined) return -ERRNO.EBADF;
    const result = cloneDevice(device, from, this.switches);
    if (result === 0) this.onWake(handle);
    return result;
  }

  syncInit(handle: HandleId): number {
    const device = this.#devices.get(handle);
    if (device === undefined) return -ERRNO.EBADF;
    if (device.state === 'bound') return -ERRNO.EINVAL;
    device.state = 'sync-init';
    return 0;
  }

  backingOpen(handle: HandleId, tid: number, fd: number, flags: number, padding: bigint): number {
    const conn = this.#bound(handle);
    if (typeof conn === 'number') return conn;
    const file = () => this.world.backingFile(tid, fd);
    return openBacking(conn, this.world.capable(tid), file, flags, padding);
  }

  /** The Kernel interface names no thread here: the caller counts as capable. */
  backingClose(handle: HandleId, id: number): number {
    const conn = this.#bound(handle);
    return typeof conn === 'number' ? conn : closeBacking(conn, true, id);
  }

  mount(call: MountCall, tid: number): MountResult {
    this.#mounter = tid;
    return this.#mounts.mount(call);
  }

  /** There are no real contexts here. */
  nameInContext(_context: number, _handle: HandleId): number {
    return -ERRNO.EINVAL;
  }

  createContext(_context: number, _command: number, _handle: HandleId): MountResult {
    return { result: -ERRNO.EINVAL, conn: 0, dev: 0 };
  }

  attach(conn: ConnId, target: string): void {
    this.#mounts.add(this.connection(conn), target);
  }

  unmount(target: string, flags: number, _tid: number): number {
    return this.#mounts.unmount(target, flags);
  }

  /** The ticket of a request that was read through this handle and is not answered. */
  ticketOf(handle: HandleId, unique: bigint): Ticket | undefined {
    return this.#devices.get(handle)?.processing.get(keyOf(unique))?.ticket || undefined;
  }

  /** Handles that speak for a connection. */
  handlesOf(conn: ConnId): HandleId[] {
    return this.connection(conn).devices.map(({ id }) => id);
  }

  /** Requests that were read through the handle and are not answered; 0 for the kernel's own. */
  ticketsOf(handle: HandleId): Ticket[] {
    const processing = this.#devices.get(handle)?.processing ?? new Map<Key, FuseReq>();
    return [...processing.values()].map(({ ticket }) => ticket);
  }

  /**
   * One handle of several dies while its connection lives on: what was read through it ends as when it
   * is closed, its reads fail.
   */
  lose(handle: HandleId): void {
    const device = this.#devices.get(handle);
    if (device?.conn === undefined) return;
    device.lost = true;
    device.conn.release(device);
    this.wake(handle);
  }

  /** What /proc/PID/fdinfo adds for the handle; empty while it is unbound. */
  fdinfo(handle: HandleId): string {
    const conn = this.#devices.get(handle)?.conn;
    return conn === undefined ? '' : `fuse_connection:\t${conn.dev}\n`;
  }

  /** The options mountinfo shows of a connection's superblock, without `rw`. */
  mountOptions(conn: ConnId): string {
    return showMountOptions(this.connection(conn).options);
  }

  /** Where a connection is mounted, oldest first. */
  targets(conn: ConnId): string[] {
    return this.#mounts.targetsOf(this.connection(conn));
  }

  /** The process waiting in a SYNC_INIT mount of this handle was killed. */
  mounterKilled(handle: HandleId): void {
    this.#mounts.mounterKilled(handle);
  }

  override shutdown(conn: ConnId): void {
    this.#mounts.shutdown(this.connection(conn));
  }
}
