/**
 * An entry of a real ring: two buffers of the rig's that the kernel knows, which stand for the two the
 * server registered. What the kernel writes goes on to the server as fuse_uring_copy_to_ring() writes
 * it, and a reply comes back as fuse_uring_commit() reads it.
 */
import { type HostPages, native } from '../native/load.ts';
import type { ConnId } from '../rig/kernel/kernel.ts';
import { accessible, type Iovec, MAX_RW_COUNT } from '../rig/kernel/ring/register.ts';
import type {
  Entry,
  EntryState,
  Memory,
  Owner,
  RingCommand,
  RingSqe,
} from '../rig/kernel/ring/ring_kernel.ts';
import { IN_HEADER_SIZE, OUT_HEADER_SIZE } from '../rig/protocol/constants.ts';
import { type Key, readU32, writeU64 } from '../rig/protocol/cursor.ts';
import { ERRNO } from '../rig/protocol/errno.ts';
import { bareReply, errorOf, lenOf, namedBy, uniqueKeyOf } from '../rig/protocol/header.ts';
import { ENT_OFFSET, IN_OUT_OFFSET, OP_IN_OFFSET } from '../rig/protocol/ring.ts';
import { URING_ENT_IN_OUT } from '../rig/protocol/structs-session.ts';
import type { RingConn } from './ring_conn.ts';

const { EFAULT, EINVAL } = ERRNO;

/** Where things lie in the rig's memory: the headers, the iovecs of the REGISTER, the payload. */
const IOVECS = 2048;
const PAYLOAD = 4096;
/** More payload than the kernel needs is promised up to here, and never touched. */
const SLACK = 1 << 20;
/** No process's: a REGISTER that names such a place is refused with EFAULT. */
const KERNEL_ADDRESS = 0xffff_8000_0000_0000n;

const PAYLOAD_SZ = ENT_OFFSET + URING_ENT_IN_OUT.at.payload_sz;

/** One accepted SQE of the server. */
export class RealCommand implements RingCommand {
  readonly ring: number;
  readonly sqe: RingSqe;
  readonly memory: Memory;

  constructor(ring: number, sqe: RingSqe, memory: Memory) {
    this.ring = ring;
    this.sqe = sqe;
    this.memory = memory;
  }

  get handle(): number {
    return this.sqe.handle;
  }
  get userData(): Key {
    return this.sqe.userData;
  }
  get cmdOp(): number {
    return this.sqe.cmdOp;
  }
  get quiet(): boolean {
    return this.sqe.quiet;
  }
}

export class RealEntry implements Entry {
  readonly home: RingConn;
  readonly qid: number;
  readonly headers: number;
  readonly payload: number;
  readonly payloadSize: number;
  /** -1 until the kernel has it for certain. */
  index = -1;
  state: EntryState = 'INVALID';
  owner: Owner = 'server';
  held = false;
  command: RealCommand;
  /** Of the request that was delivered last. */
  unique: Key = 0;
  /** What the real kernel would take of a reply only it knows. */
  readonly mostReply = 0;
  /** Another entry that carries a request of the same number (NOTIFY_REPLYs may share one). */
  twin: RealEntry | undefined;
  readonly #pages: HostPages;
  readonly #head: Uint8Array;
  readonly #body: Uint8Array;
  readonly #inHeader: Uint8Array;
  readonly #ent: Uint8Array;

  private constructor(
    home: RingConn,
    command: RealCommand,
    [headers, payload]: [Iovec, Iovec],
    payloadSize: number,
    pages: HostPages,
  ) {
    this.home = home;
    this.command = command;
    this.qid = command.sqe.qid;
    this.headers = Number(headers.base);
    this.payload = Number(payload.base);
    this.payloadSize = payloadSize;
    this.#pages = pages;
    this.#head = new Uint8Array(pages.bytes, 0, PAYLOAD);
    this.#body = new Uint8Array(pages.bytes, PAYLOAD);
    this.#inHeader = this.#head.subarray(IN_OUT_OFFSET, IN_OUT_OFFSET + IN_HEADER_SIZE);
    this.#ent = this.#head.subarray(ENT_OFFSET, ENT_OFFSET + URING_ENT_IN_OUT.size);
  }

  /**
   * An entry for what a REGISTER names, with iovecs for the kernel to judge: the server's lengths as
   * far as they matter, and what is not a process's memory stays so. -ENOMEM.
   */
  static make(
    home: RingConn,
    command: RealCommand,
    named: [Iovec, Iovec],
    payloadSize: number,
  ): RealEntry | number {
    const [headers, payload] = named;
    const first = cut(headers.length, MAX_RW_COUNT);
    // All lengths together are cut to what one system call may move (import_iovec).
    const second = cut(payload.length, MAX_RW_COUNT - first);
    const promised = Math.min(Number(second), payloadSize + SLACK);
    const pages = new native.HostPages(PAYLOAD + promised);
    if (pages.address === 0) return -ERRNO.ENOMEM;
    const entry = new RealEntry(home, command, named, payloadSize, pages);
    entry.#iovec(0, headers, pages.address, Math.min(Number(first), IOVECS));
    entry.#iovec(16, payload, pages.address + PAYLOAD, promised);
    return entry;
  }

  #iovec(at: number, { base, length }: Iovec, ours: number, size: number): void {
    const fine = length >= 0n && accessible(base, length);
    const bad = length < 0n ? BigInt(ours) : KERNEL_ADDRESS;
    writeU64(this.#head, IOVECS + at, fine ? BigInt(ours) : bad);
    writeU64(this.#head, IOVECS + at + 8, fine ? BigInt(size) : length);
  }

  get conn(): ConnId {
    return this.home.id;
  }

  /** Address of the iovecs, for the kernel. */
  get iovecs(): bigint {
    return BigInt(this.#pages.address + IOVECS);
  }

  /** The command is held: the entry waits for a request. */
  wait(command: RealCommand): void {
    this.command = command;
    this.state = 'AVAILABLE';
  }

  /** The kernel writes here no more. */
  free(): void {
    this.#pages.free();
  }

  /** The request that the kernel has put into our buffers. */
  get arrived(): Key {
    return uniqueKeyOf(this.#head);
  }

  /**
   * Hands the request on: what the kernel wrote, in its order. 0, or the error of the write that
   * failed. What lies in op_in is what `len` counts beyond the header and the payload.
   */
  deliver(memory: Memory): number {
    const size = readU32(this.#head, PAYLOAD_SZ);
    const opIn = lenOf(this.#head) - IN_HEADER_SIZE - size;
    const request = memory.room(IN_HEADER_SIZE + opIn + size);
    request.set(this.#inHeader);
    request.set(this.#head.subarray(OP_IN_OFFSET, OP_IN_OFFSET + opIn), IN_HEADER_SIZE);
    request.set(this.#body.subarray(0, size), IN_HEADER_SIZE + opIn);
    return memory.put(this, request, opIn, this.#ent);
  }

  /**
   * Fetches the reply for the kernel to read; what cannot be read becomes the error that its client
   * gets for it.
   */
  collect(memory: Memory): void {
    const error = this.#fetch(memory);
    if (error !== 0) this.answer(error);
  }

  /** Of what the kernel refuses by its header, nothing more is looked at. */
  #fetch(memory: Memory): number {
    const header = memory.read(this.headers, OUT_HEADER_SIZE);
    if (typeof header === 'number') return -EFAULT;
    this.#head.set(header, IN_OUT_OFFSET);
    if (errorOf(header) !== 0 || namedBy(uniqueKeyOf(header)) !== this.unique) return 0;
    const ent = memory.read(this.headers + ENT_OFFSET, URING_ENT_IN_OUT.size);
    if (typeof ent === 'number') return -EFAULT;
    this.#ent.set(ent);
    const size = readU32(ent, URING_ENT_IN_OUT.at.payload_sz);
    if (size === 0) return 0;
    // More than the buffer holds is refused, or, where the request allowed it, a BUG_ON.
    if (size > this.payloadSize) return -EINVAL;
    const body = memory.read(this.payload, size);
    if (typeof body === 'number') return -EFAULT;
    this.#body.set(body);
    return 0;
  }

  /** Puts an error in the place of the reply. */
  answer(error: number): void {
    this.#head.set(bareReply(BigInt(this.unique), error), IN_OUT_OFFSET);
  }
}

/** `length` of which at most `most` count; a negative one is left to the kernel. */
const cut = (length: bigint, most: bigint): bigint =>
  length < 0n ? 0n : length < most ? length : most;
