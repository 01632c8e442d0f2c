/**
 * The Kernel: what answers the server's transport calls. Two implementations, one contract: the
 * model (pure state machines, `model.ts`) and the real one (`recorder/relay.ts`).
 *
 * Results are those of raw system calls: >= 0, or a negative errno. A call that would sleep answers
 * BLOCK; the port holds the caller and asks again after `onWake` (or turns BLOCK into -EAGAIN for
 * O_NONBLOCK callers).
 */

import type { RingKernel } from './ring/ring_kernel.ts';

/** Names one open of /dev/fuse, from 1. */
export type HandleId = number;
/** Names one connection (a bound superblock), from 1; 0 means none. */
export type ConnId = number;

/** The call sleeps. Out of the range of errnos, never seen by a server. */
export const BLOCK = -0x10000;

/** The server's own call shall run: the port lets it continue (real Kernel only). */
export const PASS = -0x10001;

/** A mount as the server asked for it, mount(2) and fsconfig alike. */
export interface MountCall {
  fstype: string;
  source: string;
  target: string;
  /** MS_* flags. */
  flags: number;
  /** The data string without `fd=`. */
  options: string;
  /** The handle that `fd=` named; undefined where it named none (absent, closed, no fuse device). */
  handle: HandleId | undefined;
}

export interface MountResult {
  /** 0 or a negative errno; BLOCK while the mount waits (SYNC_INIT). */
  result: number;
  conn: ConnId;
  /** st_dev of the new superblock (model: a made-up minor). */
  dev: number;
}

export interface Kernel {
  /** FUSE over io_uring. */
  readonly rings: RingKernel;
  /** open("/dev/fuse", flags). */
  open(flags: number): HandleId;
  /** The last descriptor of the handle is gone (fuse_dev_release). */
  close(handle: HandleId): void;
  /** The connection a handle speaks for; 0 while unbound. */
  connOf(handle: HandleId): ConnId;
  /**
   * read(2) with a buffer of `size` bytes (fuse_dev_do_read). On success the message lies at the
   * start of `into` and its length is returned. `resumed`: this call got BLOCK of the bound handle
   * before; a sleeping reader's buffer is not measured again.
   */
  read(handle: HandleId, size: number, into: Uint8Array, resumed?: boolean): number;
  /** The message just returned by `read` could not be stored in the server's buffer (EFAULT). */
  faulted(handle: HandleId, message: Uint8Array): void;
  /**
   * The message just returned by `read` was given to nobody: it is the first that the next read of any
   * handle gets. False: it cannot be put back, and is the port's to give.
   */
  unread?(handle: HandleId, message: Uint8Array): boolean;
  /**
   * write(2) of `length` bytes (fuse_dev_do_write). `message` holds the readable ones: fewer than
   * `length` when the server's buffer faults after them. With `later` the answer may be BLOCK; the
   * result then comes by calling it.
   */
  write(
    handle: HandleId,
    message: Uint8Array,
    length: number,
    later?: (result: number) => void,
  ): number;
  /** poll(2) mask (fuse_dev_poll). */
  poll(handle: HandleId): number;
  /** FUSE_DEV_IOC_CLONE; `source` undefined where oldfd is no fuse device. */
  clone(handle: HandleId, source: HandleId | undefined): number;
  /** FUSE_DEV_IOC_SYNC_INIT. */
  syncInit(handle: HandleId): number;
  /** FUSE_DEV_IOC_BACKING_OPEN: `fd` is a descriptor of the *server's* thread `tid`. */
  backingOpen(handle: HandleId, tid: number, fd: number, flags: number, padding: bigint): number;
  /** FUSE_DEV_IOC_BACKING_CLOSE. */
  backingClose(handle: HandleId, id: number): number;
  /** mount(2) or fsconfig(FSCONFIG_CMD_CREATE) + move_mount; `tid` is the calling thread. */
  mount(call: MountCall, tid: number): MountResult;
  /** True: the server's fsopen contexts are the real kernel's, only `fd` is exchanged in them. */
  readonly realContexts: boolean;
  /** fsconfig(SET_STRING, "fd") on a real context: `context` is a descriptor of the rig's. */
  nameInContext(context: number, handle: HandleId): number;
  /** fsconfig(CMD_CREATE or CMD_CREATE_EXCL) on a real context; BLOCK with SYNC_INIT. */
  createContext(context: number, command: number, handle: HandleId): MountResult;
  /** move_mount of a mount made by fsmount: from now on `conn` is mounted on `target`. */
  attach(conn: ConnId, target: string): void;
  /** umount2(target, flags). -EINVAL where nothing of ours is mounted there; PASS. */
  unmount(target: string, flags: number, tid: number): number;
  /** Called by the kernel when a held call may go on: the handle's queue or state changed. */
  onWake: (handle: HandleId) => void;
}
