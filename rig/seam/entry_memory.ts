/**
 * The server's memory as a ring's Kernel sees it. A request goes into its entry's two buffers in one
 * call, and a reply comes out in one, whatever pieces the Kernel asks for: its pieces are those of
 * fuse_uring_copy_to_ring() and fuse_uring_commit(), in their order.
 */
import { readFileSync } from 'node:fs';
import type { NativeSeam } from '../../native/load.ts';
import type { EntryBuffer } from '../events.ts';
import { isFault } from '../kernel/ring/entry.ts';
import type { Buffers, Entry, Memory } from '../kernel/ring/ring_kernel.ts';
import { readU32 } from '../protocol/cursor.ts';
import { ERRNO } from '../protocol/errno.ts';
import { opcodeOf, uniqueOf } from '../protocol/header.ts';
import { ENT_OFFSET } from '../protocol/ring.ts';
import { URING_ENT_IN_OUT, URING_REQ_HEADER } from '../protocol/structs-session.ts';
import type { MessageBuffers } from './message_buffers.ts';

const { ECANCELED, EFAULT, EIO, ESRCH } = ERRNO;
/** Beyond what a process has. */
const ADDRESS_END = 2 ** 48;
/** A reply that may be no longer than this is read with its headers, before they say how long it is. */
const GUESS_MAX = 4096;
const NOTHING = new Uint8Array(0);

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
  /** The entry whose reply lies in the buffer, and bytes of its payload there; -1: it cannot be read. */
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

  /** The request put together last, as one message; valid until the next one. */
  get request(): Uint8Array {
    return this.#buffers.request;
  }

  /** The request that was the last and failed; told once. */
  get undelivered(): Undelivered | undefined {
    const failed = this.#undelivered;
    this.#undelivered = undefined;
    return failed;
  }

  /** Reads a committed reply ahead of the Kernel. Its bytes as one message; valid until the next one. */
  take(entry: Entry): Uint8Array {
    const { payloadSize, mostReply } = entry;
    const buffers = this.#buffers;
    const guess = mostReply > GUESS_MAX ? 0 : Math.min(mostReply, payloadSize);
    let got = buffers.take(this.#tid, entry, payloadSize, guess);
    if (got === -ESRCH && this.#moved()) got = buffers.take(this.#tid, entry, payloadSize, guess);
    if (got !== -EIO && got < 0) {
      this.unmapped = got === -EFAULT ? 'headers' : undefined;
      this.#taken = undefined;
      return NOTHING;
    }
    this.unmapped = got === -EIO ? 'payload' : undefined;
    this.#taken = entry;
    this.#takenBytes = got === -EIO ? -1 : got;
    return buffers.reply(Math.max(got, 0));
  }

  /** Of the reply that was taken last: payload_sz, where it is more than the payload holds. */
  get oversize(): number | undefined {
    const entry = this.#taken;
    if (entry === undefined || this.#takenBytes < entry.payloadSize) return undefined;
    const ent = this.#buffers.headers(ENT_OFFSET, URING_ENT_IN_OUT.size);
    const size = readU32(ent, URING_ENT_IN_OUT.at.payload_sz);
    return size > entry.payloadSize ? size : undefined;
  }

  /** The Kernel has read the reply. */
  took(): void {
    this.#taken = undefined;
  }

  read(address: number, length: number): Uint8Array | number {
    const taken = this.#fromTaken(address, length);
    if (taken !== undefined) return taken;
    if (address < 0 || address >= ADDRESS_END) return -EFAULT;
    let n = this.#seam.readMemory(this.#tid, BigInt(address), length);
    if (n === -ESRCH && this.#moved()) {
      n = this.#seam.readMemory(this.#tid, BigInt(address), length);
    }
    return n === length ? this.#data.slice(0, length) : -EFAULT;
  }

  #fromTaken(address: number, length: number): Uint8Array | number | undefined {
    const entry = this.#taken;
    if (entry === undefined) return undefined;
    const at = address - entry.headers;
    if (at >= 0 && at + length <= URING_REQ_HEADER.size) return this.#buffers.headers(at, length);
    if (address !== entry.payload) return undefined;
    if (this.#takenBytes < 0) return -EFAULT;
    return length <= this.#takenBytes ? this.#buffers.body(length) : undefined;
  }

  write(address: number, bytes: Uint8Array): number {
    if (address < 0 || address >= ADDRESS_END) return -EFAULT;
    let n = this.#seam.writeMemory(this.#tid, BigInt(address), bytes);
    if (n === -ESRCH && this.#moved()) {
      n = this.#seam.writeMemory(this.#tid, BigInt(address), bytes);
    }
    return n === bytes.length ? 0 : -EFAULT;
  }

  room(size: number): Uint8Array {
    return this.#buffers.room(size);
  }

  put(entry: Buffers, request: Uint8Array, opIn: number, ent: Uint8Array): number {
    const buffers = this.#buffers;
    let result = buffers.put(this.#tid, entry, opIn, ent);
    if (result === -ESRCH && this.#moved()) result = buffers.put(this.#tid, entry, opIn, ent);
    // The process is no more: its tasks are dead (fuse_uring_send_in_task()).
    if (result === -ESRCH) return -ECANCELED;
    if (result === 0) return 0;
    const there = this.read(entry.headers, URING_REQ_HEADER.size);
    const buffer = isFault(there) ? 'headers' : 'payload';
    this.#undelivered = { buffer, unique: uniqueOf(request), opcode: opcodeOf(request) };
    return -EFAULT;
  }

  /** The thread has ended: from now on its process, which has the memory still. False if that is it. */
  #moved(): boolean {
    const moved = this.#tid !== this.process;
    this.#tid = this.process;
    return moved;
  }
}
