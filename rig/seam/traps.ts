/**
 * One trapped system call of the server, as typed fields over the header the addon fills
 * (native/addon/seam_header.h). The view is reused: take what you keep.
 */
import type { NativeSeam } from '../../native/load.ts';

/** What `NativeSeam.wait` returned (native/addon/seam.h, EventKind). */
export const WAIT = {
  timeout: 0,
  trap: 1,
  watched: 2,
  keeper: 3,
  control: 4,
  keeperGone: 5,
  linked: 7,
  settled: 8,
} as const;

/** Keeper message types (native/common/keeper_protocol.h). */
export const KEEPER = {
  listener: 1,
  execFailed: 2,
  exit: 3,
  empty: 4,
  noted: 5,
  setupFailed: 6,
  scratch: 7,
  crash: 8,
  watchBegun: 9,
  go: 16,
  noteMount: 17,
  kill: 18,
  makeScratch: 19,
  noteShared: 20,
  watch: 21,
  start: 22,
} as const;

/** x86-64 system call numbers (arch/x86/entry/syscalls/syscall_64.tbl). */
export const NR = {
  read: 0,
  write: 1,
  open: 2,
  close: 3,
  ioctl: 16,
  pread64: 17,
  pwrite64: 18,
  readv: 19,
  writev: 20,
  dup: 32,
  dup2: 33,
  sendfile: 40,
  recvmsg: 47,
  execve: 59,
  fcntl: 72,
  prctl: 157,
  sched_setaffinity: 203,
  sched_getaffinity: 204,
  mount: 165,
  umount2: 166,
  openat: 257,
  fallocate: 285,
  copy_file_range: 326,
  splice: 275,
  dup3: 292,
  preadv: 295,
  pwritev: 296,
  execveat: 322,
  preadv2: 327,
  pwritev2: 328,
  io_uring_setup: 425,
  io_uring_enter: 426,
  io_uring_register: 427,
  move_mount: 429,
  fsopen: 430,
  fsconfig: 431,
  fsmount: 432,
  openat2: 437,
} as const;

export class Trap {
  readonly #i32: Int32Array;
  readonly #u64: BigUint64Array;
  readonly #f64: Float64Array;

  constructor(seam: NativeSeam) {
    this.#i32 = new Int32Array(seam.header);
    this.#u64 = new BigUint64Array(seam.header);
    this.#f64 = new Float64Array(seam.header);
  }

  /** Names the held call until it is answered. */
  get slot(): number {
    return this.#i32[0] as number;
  }
  /** The calling thread. In a keeper message: the process. */
  get tid(): number {
    return this.#i32[1] as number;
  }
  /** System call number. In a keeper message: its type. */
  get nr(): number {
    return this.#i32[2] as number;
  }
  /** Index of the first argument in the descriptor range, or -1. */
  get index(): number {
    return this.#i32[3] as number;
  }
  /** Bytes asked for. In a keeper message: a status; for a watched descriptor: its tag. */
  get size(): number {
    return this.#i32[4] as number;
  }
  /** Bytes of a write that lie in the data buffer; negative: the call's -errno already. */
  get filled(): number {
    return this.#i32[5] as number;
  }
  /** Index of splice's output descriptor in the range, or -1. */
  get second(): number {
    return this.#i32[6] as number;
  }
  /** CLOCK_MONOTONIC, ns. */
  get t(): number {
    return this.#f64[4] as number;
  }
  arg(n: number): bigint {
    return this.#u64[5 + n] as bigint;
  }
  /** The low word of an argument as a signed 32-bit int: descriptors and flags. */
  int(n: number): number {
    return this.#i32[10 + 2 * n] as number;
  }
}
