/**
 * The only file that loads the addon. Types here are the addon's contract; what the calls do is said
 * beside each C++ function's registration.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The supervised server's trapped calls (native/addon/seam.h). Descriptor `index`es count in the range. */
export interface NativeSeam {
  /** Bytes that go with an event or an answer. */
  readonly data: ArrayBuffer;
  /** The event's fields, at the offsets rig/seam/traps.ts knows. */
  readonly header: ArrayBuffer;
  /** FUSE commands of a ring, as rig/seam/ring_commands.ts reads them. */
  readonly commands: ArrayBuffer;
  /** An eventfd: writing 8 bytes makes `wait` return CONTROL. */
  readonly wakeFd: number;
  wait(timeoutMs: number): number;
  busy(): boolean;
  /** Calls are taken in turns from now on (native/addon/seam_turn.cc). */
  turns(keeperPid: number): void;
  /** After WAIT.settled: the turn begins. */
  turn(): void;
  /** Whether every thread of the server came to where it is in a call or sleeps. */
  settle(): boolean;
  watch(fd: number, tag: number): number;
  watchNext(fd: number, tag: number): number;
  unwatch(fd: number): void;
  keeperSend(type: number, text: string): number;
  allowPath(prefix: string): void;
  arm(nr: number): void;
  checked(slot: number): boolean;
  close(): void;
  respond(slot: number, result: number): number;
  continue(slot: number): number;
  deliver(slot: number, length: number): number;
  deliverPipe(slot: number, length: number): number;
  installFd(slot: number, fd: number, index: number, cloexec: boolean): number;
  interruptSignalled(slot: number): boolean;
  /** Whether any was answered. */
  interruptReceives(): boolean;
  waits(slot: number): boolean;
  addPlaceholder(slot: number, index: number, cloexec: boolean): number;
  aliasFd(slot: number, fd: number, index: number, cloexec: boolean): number;
  setReadable(index: number, tid: number, on: boolean): void;
  setDead(index: number, tid: number): void;
  setAlive(index: number, at: number, tid: number): void;
  alive(index: number): boolean;
  readMemory(tid: number, address: bigint, length: number): number;
  writeMemory(tid: number, address: bigint, bytes: Uint8Array): number;
  readString(tid: number, address: bigint): Buffer | null;
  getFd(tid: number, fd: number): number;
  ringMake(slot: number): number;
  ringFiles(slot: number): boolean;
  /** `userData` as two words. */
  ringPost(ring: number, low: number, high: number, res: number): void;
  ringDefers(ring: number): boolean;
  ringsOwn(): [opcode: number, fd: number, tid: number][] | null;
  ringsAsked(): number[];
  ringsGone(): number[];
  threadLives(tid: number): boolean;
  pipeRoom(slot: number): number;
  pipeTake(slot: number): number;
}

/** A thread of the server, asleep (native/addon/quiet.cc). */
export interface SleepingThread {
  pid: number;
  tid: number;
  comm: string;
  wchan: string;
  /** Words of /proc/PID/task/TID/syscall: number, six arguments in hex, stack and instruction pointers. */
  call: string[];
}

/** One trial of the seam's calls (native/addon/probe.cc): 0, -errno, or 1 for what was not tried. */
export interface SeamProbe {
  fork: number;
  noNewPrivs: number;
  /** A listener with WAIT_KILLABLE_RECV; `plain` without, tried only when that failed. */
  killable: number;
  plain: number;
  syncWake: number;
  receive: number;
  readMemory: number;
  writeMemory: number;
  pidfdOpen: number;
  pidfdGetfd: number;
  addfdSend: number;
  /** /proc files: of the thread that has the child, and of the child while it was held. */
  children: string;
  wchan: string;
  schedstat: string;
  call: string;
}

export interface RingProbe {
  /** io_uring_setup: 0 or -errno. */
  setup: number;
  /** IORING_FEAT_* bits. */
  features: number;
  /** By opcode. */
  ops: boolean[];
}

/** An io_uring of the rig's for the real device (native/addon/host_ring.h); of the thread that made it. */
export interface HostRing {
  /** Becomes readable, edge-triggered, when `enter` has something to do; or -errno. */
  readonly fd: number;
  /** Int32 pairs: token and res. */
  readonly results: ArrayBuffer;
  queue(
    token: number,
    fd: number,
    cmdOp: number,
    qid: number,
    flags: bigint,
    commitId: bigint,
    addr: bigint,
    len: number,
  ): boolean;
  /** Number of results, or -errno; to be called until it is 0. */
  enter(): number;
  close(): void;
}

/** Memory of the rig's that the kernel writes to; 0 bytes long once it is freed. */
export interface HostPages {
  /** 0: there was no memory. */
  readonly address: number;
  readonly bytes: ArrayBuffer;
  free(): void;
}

/**
 * Memory for a request on its way to a ring entry's two buffers in the server, and for a reply on its way
 * out of them (native/addon/entry.cc). Addresses are below 2^47.
 */
export interface EntryMessages {
  /** ring_ent_in_out, and from 64 on the request as one message. */
  readonly request: ArrayBuffer;
  /** The entry's headers; from 512 on the payload, and right before it the out_header once more. */
  readonly reply: ArrayBuffer;
  put(tid: number, headers: number, payload: number, opIn: number, length: number): number;
  take(tid: number, headers: number, payload: number, payloadSize: number, guess: number): number;
}

export interface Native {
  probeSeam(): SeamProbe;
  probeRing(): RingProbe;
  probeMount(target: string, userNamespace: boolean): number;
  lookQuiet(keeperPid: number): SleepingThread[] | null;
  Seam: new (
    listenerFd: number,
    keeperFd: number,
    base: number,
    count: number,
    data: ArrayBuffer,
    commands: ArrayBuffer,
  ) => NativeSeam;
  HostRing: new () => HostRing;
  HostPages: new (size: number) => HostPages;
  openFile(path: string, flags: number): number;
  closeFd(fd: number): number;
  /** A memfd with these bytes, its offset at 0. */
  memoryFile(bytes: Uint8Array): number;
  readFd(fd: number, into: Uint8Array, size: number): number;
  writeFd(fd: number, bytes: Uint8Array, length: number): number;
  writeInThread(fd: number, bytes: Uint8Array, length: number): number;
  pollFd(fd: number): number;
  ioctlFd(fd: number, command: number, argument?: Uint8Array): number;
  /** SOCK_SEQPACKET pair (SOCK_STREAM when `stream`). */
  socketPair(stream?: boolean): [number, number];
  pipePair(): [number, number];
  receive(socket: number, into: Uint8Array): [number, number];
  sendFds(socket: number, bytes: Uint8Array, fds: readonly number[]): number;
  waitFd(fd: number, ms: number): boolean;
  mountThere(
    tid: number,
    source: string,
    target: string,
    type: string,
    flags: number,
    data: string,
  ): number;
  shareThere(tid: number, target: string): number;
  unmountThere(tid: number, target: string, flags: number): number;
  runThere(tid: number, argv: string[]): number;
  finish(fd: number): number;
  setNonblock(fd: number): number;
  receiveTimeout(fd: number): number;
  fsconfigString(context: number, key: string, value: string): number;
  fsconfigCommand(context: number, command: number): number;
  sendSignal(pid: number, signal: number): number;
  softLimit(pid: number, resource: number, soft: number): number;
  EntryMessages: new (size: number) => EntryMessages;
  /* Poison in a ring entry's two buffers in the server (addon/entry.cc). */
  putPoison(tid: number, headers: number, payload: number, size: number, tag: number): boolean;
  changedPoison(
    tid: number,
    headers: number,
    payload: number,
    size: number,
    tag: number,
  ): [number, number] | null;
  findPoison(bytes: Uint8Array, from: number): [number, number, number, number] | null;
  /** CRC32C of `bytes`, continuing from `seed` (0 to begin). */
  crc32c(bytes: Uint8Array, seed?: number): number;
  /**
   * Where in `bytes` the frames end that begin at `from`, are whole before `to` and whose checksums
   * are right. What else their headers say is not looked at.
   */
  soundFrames(bytes: Uint8Array, from: number, to: number): number;
  /**
   * Puts the CRC32C of `head` (its first `headLength` bytes) and `body` into `head` and writes both
   * to `fd` in one call. Returns the bytes written or -errno; after an error the file is cut back
   * to where the frame began.
   */
  appendFrame(fd: number, head: Uint8Array, headLength: number, body: Uint8Array): number;

  /* Of an inode (addon/inode.h): what node:fs cannot do. A number is a result or negative errno. */
  listxattr(path: Uint8Array): Uint8Array | number;
  getxattr(path: Uint8Array, name: Uint8Array): Uint8Array | number;
  setxattr(path: Uint8Array, name: Uint8Array, value: Uint8Array): number;
  removexattr(path: Uint8Array, name: Uint8Array): number;
  utimens(path: Uint8Array, atime: bigint, mtime: bigint): number;
  mknod(path: Uint8Array, mode: number, major: number, minor: number): number;
  dataExtent(fd: number, from: number): [number, number] | number;
}

/** Directory of the built native parts, from a checkout's sources and from dist alike. */
function nativeDir(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  for (const dir of [here, join(here, '../dist/native')]) {
    if (existsSync(join(dir, 'fuse_rig.node'))) return dir;
  }
  throw new Error('fuse-rig: the native addon is not built; run: npm run build');
}

export const nativePath = (name: string): string => join(nativeDir(), name);

export const native: Native = createRequire(import.meta.url)(nativePath('fuse_rig.node'));
