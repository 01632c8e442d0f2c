/**
 * The server's memory as a ring's Kernel sees it. A request goes into its entry's two buffers in one
 * call, and a reply comes out in one, whatever pieces the Kernel asks for: its pieces are those of
 * fuse_uring_copy_to_ring() and fuse_uring_commit(), in their order.
 */
import { readFileSync } from 'node:fs';
import { type NativeSeam, native } from '../../native/load.ts';
import type { EntryBuffer } from '../events.ts';
import { isFault } from '../kernel/ring/entry.ts';
import type { Entry, Memory } from '../kernel/ring/ring_kernel.ts';
import { IN_HEADER_SIZE, OUT_HEADER_SIZE } from '../protocol/constants.ts';
import { readU32 } from '../protocol/cursor.ts';
import { ERRNO } from '../protocol/errno.ts';
import { opcodeOf, uniqueOf } from '../protocol/header.ts';
import { ENT_OFFSET, IN_OUT_OFFSET, OP_IN_OFFSET } from '../protocol/ring.ts';
import { URING_ENT_IN_OUT, URING_REQ_HEADER } from '../protocol/structs-session.ts';

const { ECANCELED, EFAULT, EIO, ESRCH } = ERRNO;
/** Beyond what a process has: a double holds every address below it exactly. */
const ADDRESS_END = 1n << 48n;
/** Where native.takeReply puts the payload. */
const BODY = 512;
const PAYLOAD_SZ = ENT_OFFSET + URING_ENT_IN_OUT.at.payload_sz;

/** A request that could not be put into its entry, and the buffer that is not mapped. */
export interface Undelivered {
  readonly buffer: EntryBuffer;
  readonly unique: bigint;
  readonly opcode: number;
}

/** The thread group of a thread: its memory is there when the thread is not any more. */
function processOf(tid: number): number {
  try {
    return Number(/^Tgid:\s+(\d+)/m.exec(readFileSync(`/proc/${tid}/status`, 'utf8'))?.[1] ?? tid);
  } catch {
    return tid;
  }
}

/** Buffers shared by all threads' memory: one message at a time is on its way. */
export class MessageBuffers {
  /** A request being put together: in_header, op_in, payload, ring_ent_in_out. */
  request: Uint8Array;
  /** A reply taken: see native.takeReply. */
  reply: Uint8Array;

  constructor(size: number) {
    this.request = new Uint8Array(size);
    this.reply = new Uint8Array(size);
  }
}

/** Memory of one thread that submits commands. */
export class EntryMemory implements Memory {
  readonly #seam: NativeSeam;
  readonly #data: Uint8Array;
  readonly #buffers: MessageBuffers;
  #tid: number;
  /** The process whose memory it is, and the thread that submits. */
  readonly process: number;
  readonly submitter: number;
  /** A buffer that the reply that was taken last could not be read from. */
  unmapped: EntryBuffer | undefined;
  #undelivered: Undelivered | undefined;
  /** The entry a request is being written to, and what of it has come. */
  #entry: Entry | undefined;
  #headers = 0n;
  #opIn = 0;
  #length = 0;
  /** The entry whose reply lies in the buffer. */
  #taken: Entry | undefined;
  #takenBytes = 0;

  constructor(seam: NativeSeam, data: Uint8Array, buffers: MessageBuffers, tid: number) {
    this.#seam = seam;
    this.#data = data;
    this.#buffers = buffers;
    this.#tid = tid;
    this.submitter = tid;
    this.process = processOf(tid);
  }

  /** A thread that has the memory: the submitter, or its process once it has ended. */
  get tid(): number {
    return this.#tid;
  }

  /** From now on writes are pieces of a request for this entry. */
  begin(entry: Entry): void {
    this.#entry = entry;
    this.#headers = entry.headers;
    this.#opIn = 0;
    this.#length = IN_HEADER_SIZE;
  }

  /** The request put together last, as one message; valid until the next one. */
  get request(): Uint8Array {
    return this.#buffers.request.subarray(0, this.#length - URING_ENT_IN_OUT.size);
  }

  /** The request that was the last and failed; told once. */
  get undelivered(): Undelivered | undefined {
    const failed = this.#undelivered;
    this.#undelivered = undefined;
    return failed;
  }

  /** Reads a committed reply ahead of the Kernel. Its bytes as one message; valid until the next one. */
  take(entry: Entry): Uint8Array {
    if (this.#buffers.reply.length < BODY + entry.payloadSize) {
      this.#buffers.reply = new Uint8Array(BODY + entry.payloadSize);
    }
    const { reply } = this.#buffers;
    const got = this.#onThread((tid) =>
      native.takeReply(tid, Number(entry.headers), Number(entry.payload), entry.payloadSize, reply),
    );
    this.unmapped = got === -EFAULT ? 'headers' : got === -EIO ? 'payload' : undefined;
    this.#taken = got === -EFAULT ? undefined : entry;
    this.#takenBytes = Math.max(got, got === -EIO ? -1 : 0);
    if (got === -EFAULT) return reply.subarray(0, 0);
    return reply.subarray(BODY - OUT_HEADER_SIZE, BODY + Math.max(got, 0));
  }

  /** Of the reply that was taken last: payload_sz, where it is more than the payload holds. */
  get oversize(): number | undefined {
    const entry = this.#taken;
    if (entry === undefined || this.#takenBytes < entry.payloadSize) return undefined;
    const size = readU32(this.#buffers.reply, PAYLOAD_SZ);
    return size > entry.payloadSize ? size : undefined;
  }

  /** The Kernel has read the reply. */
  took(): void {
    this.#taken = undefined;
  }

  read(address: bigint, length: number): Uint8Array | number {
    const taken = this.#fromTaken(address, length);
    if (taken !== undefined) return taken;
    if (address < 0n || address >= ADDRESS_END) return -EFAULT;
    const n = this.#onThread((tid) => this.#seam.readMemory(tid, address, length));
    return n === length ? this.#data.slice(0, length) : -EFAULT;
  }

  #fromTaken(address: bigint, length: number): Uint8Array | number | undefined {
    const entry = this.#taken;
    if (entry === undefined) return undefined;
    const { reply } = this.#buffers;
    const at = Number(address - entry.headers);
    if (at >= 0 && at + length <= URING_REQ_HEADER.size) return reply.subarray(at, at + length);
    if (address !== entry.payload) return undefined;
    if (this.#takenBytes < 0) return -EFAULT;
    return length <= this.#takenBytes ? reply.subarray(BODY, BODY + length) : undefined;
  }

  write(address: bigint, bytes: Uint8Array): number {
    const entry = this.#entry;
    if (entry === undefined) return this.#writeNow(address, bytes);
    const at = Number(address - this.#headers);
    // The header comes last, behind ring_ent_in_out.
    const ended = at === IN_OUT_OFFSET && bytes.length === IN_HEADER_SIZE;
    if (ended) return this.#end(entry, bytes);
    this.#grow(this.#length + bytes.length);
    this.#buffers.request.set(bytes, this.#length);
    this.#length += bytes.length;
    if (at === OP_IN_OFFSET) this.#opIn = bytes.length;
    else if (at !== ENT_OFFSET && address !== entry.payload) return this.#writeNow(address, bytes);
    return 0;
  }

  #end(entry: Entry, header: Uint8Array): number {
    this.#entry = undefined;
    const { request } = this.#buffers;
    request.set(header, 0);
    const message = request.subarray(0, this.#length);
    const result = this.#onThread((tid) =>
      native.putRequest(tid, Number(entry.headers), Number(entry.payload), this.#opIn, message),
    );
    // The process is no more: its tasks are dead (fuse_uring_send_in_task()).
    if (result === -ESRCH) return -ECANCELED;
    if (result === 0) return 0;
    const there = this.read(entry.headers, URING_REQ_HEADER.size);
    const buffer = isFault(there) ? 'headers' : 'payload';
    this.#undelivered = { buffer, unique: uniqueOf(header), opcode: opcodeOf(header) };
    return -EFAULT;
  }

  #grow(size: number): void {
    if (size <= this.#buffers.request.length) return;
    const grown = new Uint8Array(size * 2);
    grown.set(this.#buffers.request);
    this.#buffers.request = grown;
  }

  #writeNow(address: bigint, bytes: Uint8Array): number {
    if (address < 0n || address >= ADDRESS_END) return -EFAULT;
    const n = this.#onThread((tid) => this.#seam.writeMemory(tid, address, bytes));
    return n === bytes.length ? 0 : -EFAULT;
  }

  /** The thread may have ended since; its process has the memory still. */
  #onThread(call: (tid: number) => number): number {
    const result = call(this.#tid);
    if (result !== -ESRCH || this.#tid === this.process) return result;
    this.#tid = this.process;
    return call(this.#tid);
  }
}
