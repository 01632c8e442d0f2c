/**
 * The ring of one connection (struct fuse_ring): its queues and commands, when it is ready, and its
 * end. Each method names its function in fs/fuse/dev_uring.c. How requests move is in `queue.ts`.
 *
 * Two simplifications: a task's pending work runs whole, and the worker that repeats the teardown
 * every 50 ms runs as soon as it has something to do.
 */
import { ERRNO } from '../../protocol/errno.ts';
import { ringPayloadSize } from '../../protocol/negotiated.ts';
import type { Connection } from '../connection.ts';
import type { FuseReq } from '../request.ts';
import { type Command, RingEntry } from './entry.ts';
import { type QueueRing, type RingHost, RingQueue } from './queue.ts';
import { buffersOf } from './register.ts';
import type { RingId, RingSqe } from './ring_kernel.ts';

export class Ring implements QueueRing {
  readonly conn: Connection;
  readonly host: RingHost;
  /** Requests go over the ring; it never goes back. */
  ready = false;
  /** Entries that are not released (queue_refs): the unmount waits until there are none. */
  refs = 0;
  readonly payloadSize: number;
  readonly #queues: (RingQueue | undefined)[];
  #stopped = false;
  #drained: (() => void)[] = [];

  /** fuse_uring_create(), after INIT: `cpus` is the number of possible CPUs. */
  constructor(conn: Connection, cpus: number, host: RingHost) {
    this.conn = conn;
    this.host = host;
    this.#queues = Array.from({ length: cpus }, () => undefined);
    this.payloadSize = ringPayloadSize(conn.negotiated);
  }

  *entries(): Generator<RingEntry> {
    for (const queue of this.#queues) yield* queue?.entries ?? [];
  }

  *queues(): Generator<RingQueue> {
    for (const queue of this.#queues) if (queue !== undefined) yield queue;
  }

  /** The queue has an entry that a request could take. */
  available(qid: number): boolean {
    return (this.#queues[qid]?.available.length ?? 0) > 0;
  }

  // --- requests ---

  /** fuse_uring_task_to_queue(): there is one for every CPU once the ring is ready. */
  #queueOf(req: FuseReq): RingQueue {
    const queue = this.#queues[req.spec.cpu ?? 0] ?? this.#queues[0];
    if (queue === undefined) throw new Error('a request came to a ring that is not ready');
    return queue;
  }

  queue(req: FuseReq): void {
    this.#queueOf(req).queue(req);
  }

  /** Unlike one for the device it has its number before it is active. */
  queueBackground(req: FuseReq): void {
    req.unique = this.conn.input.nextUnique();
    this.#queueOf(req).queueBackground(req);
  }

  /** The task of a held command enters the kernel, or exits. */
  runTask(entry: RingEntry, dead: boolean): void {
    entry.queue.runTask(entry, dead);
    this.#settle();
  }

  /** The CQE of a delivery was lost: the request goes to the next entry, this one is never used again. */
  withdraw(entry: RingEntry): void {
    const { req, queue } = entry;
    if (req === undefined || entry.state !== 'USERSPACE') return;
    queue.unlist(entry, req);
    entry.req = undefined;
    req.entry = undefined;
    req.place = 'pending';
    queue.pending.splice([req]);
    queue.free(entry);
    this.unref();
    const other = queue.available.pop();
    const first = other && queue.pending.shift();
    if (first !== undefined) queue.dispatch(other as RingEntry, first);
  }

  // --- commands ---

  /** fuse_uring_register(): 0 if the SQE is held, or a negative errno. */
  register(sqe: RingSqe, command: Command): number {
    if (sqe.qid >= this.#queues.length) return -ERRNO.EINVAL;
    const queue = this.#queues[sqe.qid] ?? new RingQueue(this, sqe.qid);
    this.#queues[sqe.qid] = queue;
    const buffers = buffersOf(sqe, command.memory, this.payloadSize);
    if (typeof buffers === 'number') return buffers;
    const { connected, switches } = this.conn;
    if (!connected && switches.ringRegisterSeesAbort) return -ERRNO.ECONNABORTED;
    const entry = new RingEntry(queue, queue.registered++, buffers, this.payloadSize, command);
    if (!connected) this.host.bug(entry, 'registered behind an abort: held for ever');
    queue.entries.add(entry);
    this.refs++;
    entry.hold(command);
    queue.makeAvailable(entry);
    this.host.changedHands(entry, 'kernel', 0);
    if (!this.ready && this.#isReady(queue)) this.#start();
    return 0;
  }

  /** is_ring_ready(): asked by a REGISTER on `queue`, and never else. */
  #isReady(queue: RingQueue): boolean {
    return this.#queues.every((one) => one === queue || (one?.available.length ?? 0) > 0);
  }

  #start(): void {
    this.ready = true;
    this.host.becameReady(this.conn.id);
    this.conn.admitAll();
  }

  /** fuse_uring_commit_fetch(): 0 if the SQE is held or done, or a negative errno. */
  commit(sqe: RingSqe, command: Command): number {
    if (sqe.qid >= this.#queues.length) return -ERRNO.EINVAL;
    const queue = this.#queues[sqe.qid];
    if (queue === undefined || !this.conn.connected) return -ERRNO.ENOTCONN;
    const req = queue.find(sqe.commitId);
    const entry = req?.entry;
    if (req === undefined || entry === undefined) return -ERRNO.ENOENT;
    queue.unlist(entry, req);
    if (entry.state !== 'USERSPACE') {
      // The entry keeps its pointer to the request, and its queue its count.
      this.conn.end(req, -ERRNO.EIO);
      return -ERRNO.EIO;
    }
    queue.commit(entry, req, command);
    this.#settle();
    return 0;
  }

  /** fuse_uring_cancel() for each SQE of a ring. */
  cancel(ring: RingId, taskGone: boolean): void {
    for (const entry of [...this.entries()]) {
      if (!entry.held || entry.command.ring !== ring) continue;
      if (entry.state === 'AVAILABLE') this.#cancelEntry(entry);
      else if (taskGone) this.runTask(entry, true);
    }
  }

  /** An older kernel keeps the entry, as if it were in user space, until the teardown. */
  #cancelEntry(entry: RingEntry): void {
    const { queue } = entry;
    queue.available.splice(queue.available.lastIndexOf(entry), 1);
    const frees = this.conn.switches.ringCancelFrees;
    if (frees) queue.free(entry);
    else entry.state = 'USERSPACE';
    queue.complete(entry, -ERRNO.ENOTCONN);
    if (frees) this.unref();
  }

  // --- the end ---

  /** fuse_uring_abort(), behind the end of everything else. */
  abort(): void {
    if (this.refs === 0 && !this.conn.switches.ringCancelFrees) return;
    this.#stopped = true;
    for (const queue of this.#queues) {
      if (queue === undefined) continue;
      queue.flush();
      const doomed = queue.pending.takeAll();
      for (const req of doomed) req.place = 'sent';
      for (const req of doomed) this.conn.end(req, -ERRNO.ECONNABORTED);
    }
    this.#settle();
  }

  /** fuse_uring_stop_queues(): once stopped, releases whatever is not in motion. */
  #settle(): void {
    if (!this.#stopped) return;
    for (const queue of this.#queues) {
      if (queue === undefined) continue;
      const away = [...queue.entries].filter(({ state }) => state === 'USERSPACE');
      // Each list is moved entry by entry to the head of another (fuse_uring_stop_list_entries()), so
      // the entry that would be taken next comes last.
      const doomed = [...away.reverse(), ...queue.available.splice(0)];
      for (const entry of doomed) entry.state = 'TEARDOWN';
      for (const entry of doomed) this.#tearDown(entry);
    }
  }

  /** fuse_uring_entry_teardown(). */
  #tearDown(entry: RingEntry): void {
    const { req, held, queue } = entry;
    entry.state = 'RELEASED';
    entry.req = undefined;
    if (req !== undefined) queue.unlist(entry, req);
    if (held) queue.complete(entry, -ERRNO.ENOTCONN);
    if (req !== undefined) this.conn.end(req, -ERRNO.ECONNABORTED);
    this.unref();
  }

  unref(): void {
    this.refs--;
    if (this.refs > 0) return;
    for (const call of this.#drained.splice(0)) call();
  }

  /** Calls back when no entry is left (fuse_uring_wait_stopped_queues()). */
  whenDrained(call: () => void): void {
    if (this.refs === 0) call();
    else this.#drained.push(call);
  }
}
