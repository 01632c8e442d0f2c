/** Entries of a ring and the commands they hold (fs/fuse/dev_uring_i.h, struct io_uring_cmd). */
import type { Key } from '../../protocol/cursor.ts';
import type { ConnId, HandleId } from '../kernel.ts';
import type { FuseReq } from '../request.ts';
import type { RingQueue } from './queue.ts';
import type {
  Buffers,
  Entry,
  EntryState,
  Memory,
  Owner,
  RingCommand,
  RingId,
  RingSqe,
} from './ring_kernel.ts';

/** One accepted SQE (struct io_uring_cmd). */
export class Command implements RingCommand {
  readonly ring: RingId;
  readonly handle: HandleId;
  readonly userData: Key;
  readonly cmdOp: number;
  readonly quiet: boolean;
  readonly memory: Memory;
  /** It is being looked at: a result goes back with the call, not through `onComplete`. */
  inline = true;
  result: number | undefined;

  constructor(ring: RingId, sqe: RingSqe, memory: Memory) {
    this.ring = ring;
    this.handle = sqe.handle;
    this.userData = sqe.userData;
    this.cmdOp = sqe.cmdOp;
    this.quiet = sqe.quiet;
    this.memory = memory;
  }
}

/** struct fuse_ring_ent. */
export class RingEntry implements Entry {
  readonly queue: RingQueue;
  readonly index: number;
  readonly headers: number;
  readonly payload: number;
  readonly payloadSize: number;
  state: EntryState = 'INVALID';
  owner: Owner = 'server';
  command: Command;
  held = false;
  /** The request it carries; in user space until its commit or the teardown. */
  req: FuseReq | undefined;
  /** The request stands in `processing`. */
  listed = false;
  /** Task work is pending: the request was assigned and not copied yet. */
  tasked = false;

  constructor(queue: RingQueue, index: number, buffers: Buffers, size: number, command: Command) {
    this.queue = queue;
    this.index = index;
    this.headers = buffers.headers;
    this.payload = buffers.payload;
    this.payloadSize = size;
    this.command = command;
  }

  /** A command was accepted for it: the buffers are the kernel's. */
  hold(command: Command): void {
    this.command = command;
    this.held = true;
    this.owner = 'kernel';
  }

  get conn(): ConnId {
    return this.queue.ring.conn.id;
  }
  get qid(): number {
    return this.queue.qid;
  }
  get mostReply(): number {
    return this.req?.limits.max ?? 0;
  }
}

/** Result of a memory read that failed. */
export const isFault = (bytes: Uint8Array | number): bytes is number => typeof bytes === 'number';
