/**
 * FUSE commands that the addon took out of a ring's submission queue, as typed fields over the buffer
 * it fills (native/addon/server_ring.h, struct RingCommand). Take what you keep: the next enter
 * overwrites them.
 */
import type { NativeSeam } from '../../native/load.ts';
import type { RingSqe } from '../kernel/ring/ring_kernel.ts';
import { KEY_HIGH, type Key } from '../protocol/cursor.ts';
import { ERRNO } from '../protocol/errno.ts';

/** Of one command. */
export const COMMAND_BYTES = 64;
const BYTES = COMMAND_BYTES;
const SQE128 = 1;
const LINKS_ON = 2;
const DRAIN = 4;
const DRAIN_BESIDE = 8;
const CARELESS = 16;
const QUIET = 32;

/** IORING_OP_* (include/uapi/linux/io_uring.h). */
export const IORING_OP_URING_CMD = 46;

const DRAINED = 'IOSQE_IO_DRAIN in a ring with FUSE commands: that SQE fails with EOPNOTSUPP here';
const CARELESS_ENTERS =
  'several threads enter one ring and ask for more SQEs than there are: what they add meanwhile may get past the rig';

export class RingCommands {
  readonly #u32: Uint32Array;
  readonly #i32: Int32Array;
  readonly #u64: BigUint64Array;

  constructor(seam: NativeSeam) {
    this.#u32 = new Uint32Array(seam.commands);
    this.#i32 = new Int32Array(seam.commands);
    this.#u64 = new BigUint64Array(seam.commands);
  }

  #word(n: number, at: number): number {
    return this.#u32[(n * BYTES) / 4 + at] as number;
  }
  #long(n: number, at: number): bigint {
    return this.#u64[(n * BYTES) / 8 + at] as bigint;
  }
  #key(n: number, at: number): Key {
    const high = this.#word(n, 2 * at + 1);
    return high < KEY_HIGH ? high * 2 ** 32 + this.#word(n, 2 * at) : this.#long(n, at);
  }

  /** Number of the ring. */
  ring(n: number): number {
    return this.#word(n, 0);
  }
  /** Index of the device in the descriptor range. */
  index(n: number): number {
    return this.#i32[(n * BYTES) / 4 + 1] as number;
  }
  /** IORING_OP_*. */
  opcode(n: number): number {
    return this.#word(n, 2);
  }
  /** FUSE_IO_URING_CMD_*. */
  cmdOp(n: number): number {
    return this.#word(n, 3);
  }
  len(n: number): number {
    return this.#word(n, 4);
  }
  qid(n: number): number {
    return this.#word(n, 5);
  }
  sqe128(n: number): boolean {
    return (this.#word(n, 6) & SQE128) !== 0;
  }
  /** A FUSE command with nothing beside it that `beyond` would name. */
  plain(n: number): boolean {
    return this.opcode(n) === IORING_OP_URING_CMD && (this.#word(n, 6) & ~SQE128) === 0;
  }
  /**
   * What of it the rig cannot carry, if anything; `result` where that ends it: 0 without a CQE, else with
   * that one.
   */
  beyond(n: number): { what?: string; result?: number } {
    const flags = this.#word(n, 6);
    if ((flags & DRAIN_BESIDE) !== 0) return { what: DRAINED, result: 0 };
    if ((flags & CARELESS) !== 0) return { what: CARELESS_ENTERS, result: 0 };
    if (this.opcode(n) !== IORING_OP_URING_CMD) {
      const what = `io_uring operation ${this.opcode(n)} on /dev/fuse: use read(2), write(2) or FUSE commands`;
      return { what, result: -ERRNO.EOPNOTSUPP };
    }
    if ((flags & LINKS_ON) !== 0) return { what: 'an SQE linked behind a FUSE command' };
    return (flags & DRAIN) !== 0 ? { what: 'IOSQE_IO_DRAIN on a FUSE command' } : {};
  }
  /** The command as the Kernel takes it. */
  sqe(n: number, handle: number): RingSqe {
    return {
      cmdOp: this.cmdOp(n),
      handle,
      qid: this.qid(n),
      commitId: this.commitId(n),
      flags: this.flags(n),
      addr: this.addr(n),
      len: this.len(n),
      userData: this.userData(n),
      sqe128: this.sqe128(n),
      quiet: (this.#word(n, 6) & QUIET) !== 0,
    };
  }
  /** The thread that submitted it. */
  tid(n: number): number {
    return this.#i32[(n * BYTES) / 4 + 7] as number;
  }
  userData(n: number): Key {
    return this.#key(n, 4);
  }
  commitId(n: number): Key {
    return this.#key(n, 5);
  }
  /** These two are 0 for most commands. */
  flags(n: number): bigint {
    return this.#key(n, 6) === 0 ? 0n : this.#long(n, 6);
  }
  addr(n: number): bigint {
    return this.#key(n, 7) === 0 ? 0n : this.#long(n, 7);
  }
}
