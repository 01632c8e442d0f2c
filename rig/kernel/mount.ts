/**
 * Mounts: mount(2) of a new or an already bound handle, umount2(2), and which mount points a
 * superblock has (fuse_get_tree() in fs/fuse/inode.c, do_add_mount() and do_umount() in
 * fs/namespace.c).
 */
import { ERRNO } from '../protocol/errno.ts';
import type { Connection } from './connection.ts';
import type { Device } from './device.ts';
import { BLOCK, type ConnId, type HandleId, type MountCall, type MountResult } from './kernel.ts';
import { hasMandatory, type MountOptions, parseMountOptions } from './mount-options.ts';

/** What the kernel would find outside of FUSE. */
export interface MountWorld {
  target(path: string): 'directory' | 'other' | 'missing';
  /** 0, or the negative errno of a fuseblk source that is no block device. */
  blockDevice(source: string): number;
  /** Open files, working directories and the like keep the superblock in use. */
  busy(conn: ConnId): boolean;
}

/** What makes connections and knows handles. */
export interface MountHost {
  readonly world: MountWorld;
  device(handle: HandleId): Device | undefined;
  wake(handle: HandleId): void;
  /** A mount(2) or umount2(2) that got BLOCK has its result. */
  mountEnded(handle: HandleId, result: MountResult): void;
  unmountEnded(target: string, result: number): void;
  /** A new connection with its first handle; INIT is not sent yet. */
  connect(device: Device, options: MountOptions): Connection;
  /** Sends INIT. For a SYNC_INIT mount `done` is called when it has ended. */
  sendInit(conn: Connection, call: MountCall, done: (() => void) | undefined): void;
}

interface Mount {
  readonly conn: Connection;
  readonly target: string;
  /** Marked by a first umount2(MNT_EXPIRE). */
  expiring: boolean;
}

const MS_REMOUNT = 32;
const MS_MANDLOCK = 64;
const MNT_FORCE = 1;
const MNT_DETACH = 2;
const MNT_EXPIRE = 4;
const MNT_FLAGS = 15;
const S_IFMT = 0o170000;
const S_IFDIR = 0o040000;

const failed = (errno: number, conn: ConnId = 0): MountResult => ({ result: -errno, conn, dev: 0 });
const plain = (path: string): string => path.replace(/(?<=.)\/+$/, '');

export class MountTable {
  readonly #host: MountHost;
  readonly #mounts: Mount[] = [];
  /** SYNC_INIT mounts that wait for the reply to INIT. */
  readonly #held = new Map<HandleId, Connection>();

  constructor(host: MountHost) {
    this.#host = host;
  }

  #top(target: string): Mount | undefined {
    return this.#mounts.findLast((mount) => mount.target === plain(target));
  }

  #remove(mount: Mount): void {
    this.#mounts.splice(this.#mounts.indexOf(mount), 1);
  }

  /** The mount points of a connection, oldest first. */
  targetsOf(conn: Connection): string[] {
    return this.#mounts.filter((mount) => mount.conn === conn).map(({ target }) => target);
  }

  add(conn: Connection, target: string): void {
    this.#mounts.push({ conn, target: plain(target), expiring: false });
  }

  /** BLOCK for a SYNC_INIT mount: `mountEnded` tells its result. */
  mount(call: MountCall): MountResult {
    if (call.flags & MS_REMOUNT) return this.#remount(call);
    if (call.target !== '' && this.#host.world.target(call.target) === 'missing') {
      return failed(ERRNO.ENOENT);
    }
    const options = parseMountOptions(call.fstype, call.source, call.options);
    if (options === undefined) return failed(ERRNO.EINVAL);
    if (options.isBdev) {
      const error = this.#host.world.blockDevice(call.source);
      if (error !== 0) return failed(-error);
    }
    const device = call.handle === undefined ? undefined : this.#host.device(call.handle);
    if (device === undefined) return failed(ERRNO.EINVAL);
    if (device.conn !== undefined) return this.#mountAgain(call, options, device.conn);
    const mandlock = options.mandlock || (call.flags & MS_MANDLOCK) !== 0;
    if (!hasMandatory(options) || mandlock) return failed(ERRNO.EINVAL);
    return this.#mountNew(call, options, device);
  }

  /** fuse_reconfigure() behind mount(MS_REMOUNT): options are ignored. */
  #remount(call: MountCall): MountResult {
    const conn = this.#top(call.target)?.conn;
    if (conn === undefined || call.flags & MS_MANDLOCK) return failed(ERRNO.EINVAL);
    return { result: 0, conn: conn.id, dev: conn.dev };
  }

  /** A handle that is bound: the superblock it belongs to, if there still is one. */
  #mountAgain(call: MountCall, options: MountOptions, conn: Connection): MountResult {
    if (options.isBdev) return failed(ERRNO.EINVAL);
    if (!conn.mounted) return failed(ERRNO.ENOTCONN);
    const errno = this.#graftErrno(conn, call.target);
    if (errno !== 0) return failed(errno);
    if (call.target !== '') this.add(conn, call.target);
    return { result: 0, conn: conn.id, dev: conn.dev };
  }

  #mountNew(call: MountCall, options: MountOptions, device: Device): MountResult {
    const foreground = device.state === 'sync-init';
    const conn = this.#host.connect(device, options);
    const made = { conn: conn.id, dev: conn.dev };
    let result = BLOCK;
    if (foreground) {
      this.#held.set(device.id, conn);
      this.#host.sendInit(conn, call, () => {
        this.#endMount(device.id, conn.refused ? -ERRNO.ENOTCONN : this.#graft(conn, call.target));
      });
    } else {
      result = this.#graft(conn, call.target);
      if (result === 0) this.#host.sendInit(conn, call, undefined);
      else conn.shutdown();
    }
    for (const waiter of device.waiters) this.#host.wake(waiter);
    device.waiters.clear();
    return { result, ...made };
  }

  /** A held mount has its result; without success the superblock goes. */
  #endMount(handle: HandleId, result: number): void {
    const conn = this.#held.get(handle);
    if (conn === undefined) return;
    this.#held.delete(handle);
    if (result !== 0) conn.shutdown();
    this.#host.mountEnded(handle, { result, conn: conn.id, dev: conn.dev });
  }

  /** The process that waits in a SYNC_INIT mount was killed. */
  mounterKilled(handle: HandleId): void {
    const conn = this.#held.get(handle);
    if (conn?.switches.killedMounterAborts) this.#endMount(handle, -ERRNO.EINTR);
  }

  /** Why a superblock cannot be mounted there; 0 if it can. */
  #graftErrno(conn: Connection, target: string): number {
    if (target === '') return 0;
    if (this.#top(target)?.conn === conn) return ERRNO.EBUSY;
    const isDirectory = ((conn.options.rootmode ?? S_IFDIR) & S_IFMT) === S_IFDIR;
    const onDirectory = this.#host.world.target(target) === 'directory';
    return isDirectory === onDirectory ? 0 : ERRNO.ENOTDIR;
  }

  /** Mounts a new superblock: 0 or a negative errno. */
  #graft(conn: Connection, target: string): number {
    const errno = this.#graftErrno(conn, target);
    if (errno === 0 && target !== '') this.add(conn, target);
    return errno === 0 ? 0 : -errno;
  }

  /** 0, a negative errno, or BLOCK while DESTROY or a ring is awaited: `unmountEnded` tells. */
  unmount(target: string, flags: number): number {
    const mount = this.#top(target);
    if (flags & ~MNT_FLAGS || mount === undefined) return -ERRNO.EINVAL;
    const { conn } = mount;
    const last = this.targetsOf(conn).length === 1;
    const busy = last && this.#host.world.busy(conn.id);
    if (flags & MNT_EXPIRE) {
      if (flags & (MNT_FORCE | MNT_DETACH)) return -ERRNO.EINVAL;
      if (!busy && !mount.expiring) {
        mount.expiring = true;
        return -ERRNO.EAGAIN;
      }
    }
    if (flags & MNT_FORCE) conn.abort();
    if (busy && !(flags & MNT_DETACH)) return -ERRNO.EBUSY;
    this.#remove(mount);
    if (!last || busy) return 0;
    let held = false;
    conn.shutdown(() => {
      if (held) this.#host.unmountEnded(target, 0);
    });
    held = conn.mounted || (conn.ring?.refs ?? 0) > 0;
    return held ? BLOCK : 0;
  }

  /** The superblock goes, wherever it was mounted. */
  shutdown(conn: Connection): void {
    for (const mount of this.#mounts.filter((one) => one.conn === conn)) this.#remove(mount);
    conn.shutdown();
  }
}
