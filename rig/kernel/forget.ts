/**
 * The forgets of a connection: when they are due among requests, and the form they are delivered in
 * (fuse_dev_do_read(), fuse_read_forget() and fuse_dequeue_forget() in fs/fuse/dev.c).
 */
import { IN_HEADER_SIZE } from '../protocol/constants.ts';
import { writeU32, writeU64 } from '../protocol/cursor.ts';
import { OP } from '../protocol/opcodes.ts';
import { BATCH_FORGET_IN, FORGET_IN, FORGET_ONE } from '../protocol/structs-session.ts';
import type { Forget } from './feed.ts';
import { ownHeader, writeInHeader } from './in-header.ts';

/** Forgets that go before a request, and requests before forgets again, while both wait. */
const BATCH = 16;
const LEAST = -8;
/** First minor whose servers know BATCH_FORGET. */
const BATCH_MINOR = 16;
/** Taken forgets are dropped from the array in pieces of this many. */
const COMPACT_AT = 1024;
const BATCH_HEAD = IN_HEADER_SIZE + BATCH_FORGET_IN.size;

export class ForgetQueue {
  #queue: Forget[] = [];
  #taken = 0;
  /** fiq->forget_batch. */
  #batch = 0;

  get length(): number {
    return this.#queue.length - this.#taken;
  }

  push(forgets: readonly Forget[]): void {
    for (const forget of forgets) this.#queue.push(forget);
  }

  clear(): void {
    this.#queue = [];
    this.#taken = 0;
  }

  /** True if a forget goes next; asking counts as a turn, as in the kernel. */
  isNext(othersPending: boolean): boolean {
    if (this.length === 0) return false;
    if (!othersPending || this.#batch-- > 0) return true;
    if (this.#batch <= LEAST) this.#batch = BATCH;
    return false;
  }

  #take(): Forget {
    const forget = this.#queue[this.#taken++] as Forget;
    if (this.#taken === this.#queue.length) this.clear();
    else if (this.#taken === COMPACT_AT) {
      this.#queue.splice(0, this.#taken);
      this.#taken = 0;
    }
    return forget;
  }

  /**
   * Writes the next FORGET or BATCH_FORGET to `into` (a read of `size` bytes) and takes its forgets
   * off the queue. Returns the message's length.
   */
  deliver(into: Uint8Array, size: number, unique: number, minor: number): number {
    if (minor < BATCH_MINOR || this.length === 1) {
      const { nodeid, nlookup } = this.#take();
      writeInHeader(into, unique, FORGET_IN.size, ownHeader(OP.FORGET.opcode, nodeid));
      writeU64(into, IN_HEADER_SIZE, nlookup);
      return IN_HEADER_SIZE + FORGET_IN.size;
    }
    const room = Math.floor((size - BATCH_HEAD) / FORGET_ONE.size);
    const count = Math.min(room, this.length);
    const bytes = BATCH_FORGET_IN.size + count * FORGET_ONE.size;
    writeInHeader(into, unique, bytes, ownHeader(OP.BATCH_FORGET.opcode));
    writeU32(into, IN_HEADER_SIZE + BATCH_FORGET_IN.at.count, count);
    writeU32(into, IN_HEADER_SIZE + BATCH_FORGET_IN.at.dummy, 0);
    for (let i = 0; i < count; i++) {
      const { nodeid, nlookup } = this.#take();
      const offset = BATCH_HEAD + i * FORGET_ONE.size;
      writeU64(into, offset + FORGET_ONE.at.nodeid, nodeid);
      writeU64(into, offset + FORGET_ONE.at.nlookup, nlookup);
    }
    return IN_HEADER_SIZE + bytes;
  }
}
