/**
 * One queue of a ring (struct fuse_ring_queue), of one possible CPU: how requests get into entries
 * and out of them again. Each method names its function in fs/fuse/dev_uring.c.
 */
import type { Key } from '../../protocol/cursor.ts';
import { ERRNO } from '../../protocol/errno.ts';
import type { Connection } from '../connection.ts';
import type { ConnId } from '../kernel.ts';
import type { FuseReq } from '../request.ts';
import { RequestQueue } from '../request-queue.ts';
import { type Committed, copyFromRing, copyToRing, OVERSIZE } from './copy.ts';
import type { Command, RingEntry } from './entry.ts';
import type { Owner } from './ring_kernel.ts';

/** What a ring tells those around it. */
export interface RingHost {
  completed(entry: RingEntry, res: number): void;
  changedHands(entry: RingEntry, owner: Owner, unique: Key): void;
  delivering(entry: RingEntry, unique: Key): void;
  tasked(entry: RingEntry): void;
  becameReady(conn: ConnId): void;
  bug(entry: RingEntry, what: string): void;
}

/** The ring a queue belongs to. */
export interface QueueRing {
  readonly conn: Connection;
  readonly host: RingHost;
  /** An entry was freed. */
  unref(): void;
}

const failed = (error: number): Committed => ({ error, body: new Uint8Array(0), replied: false });

export class RingQueue {
  readonly ring: QueueRing;
  readonly qid: number;
  /** REGISTERs that succeeded. */
  registered = 0;
  /** Entries that are not freed, oldest first. */
  readonly entries = new Set<RingEntry>();
  /** ent_avail_queue: the last one is the head of the list, taken first. */
  readonly available: RingEntry[] = [];
  /** fuse_req_queue: no entry was free. */
  readonly pending = new RequestQueue();
  /** fuse_req_bg_queue: too many are active. */
  readonly background = new RequestQueue();
  /** fpq.processing: committable requests, oldest first. */
  readonly #processing = new RequestQueue();
  /** active_background; an unsigned int there, which wraps where this is negative. */
  #active = 0;

  constructor(ring: QueueRing, qid: number) {
    this.ring = ring;
    this.qid = qid;
  }

  // --- in ---

  /** fuse_uring_queue_fuse_req(): passes what waits already, if an entry is free. */
  queue(req: FuseReq): void {
    req.queue = this;
    // What an abort flushes out of the device's background queue is not delivered any more.
    const entry = this.ring.conn.connected ? this.available.pop() : undefined;
    if (entry === undefined) {
      req.place = 'pending';
      this.pending.push(req);
    } else this.dispatch(entry, req);
  }

  /** fuse_uring_queue_bq_req(): the free entry takes the first that waits, whichever it is. */
  queueBackground(req: FuseReq): void {
    req.queue = this;
    req.place = 'background';
    this.background.push(req);
    this.ring.conn.background.admit(req);
    this.flush();
    const entry = this.pending.length > 0 ? this.available.pop() : undefined;
    const first = entry && this.pending.shift();
    if (first !== undefined) this.dispatch(entry as RingEntry, first);
  }

  /** fuse_uring_flush_bg(): one may always be active, more while the connection's limit allows. */
  flush(): void {
    const { background } = this.ring.conn;
    while (this.#active === 0 || !background.full) {
      const req = this.background.shift();
      if (req === undefined) return;
      background.activate();
      this.#active++;
      req.place = 'pending';
      this.pending.push(req);
    }
  }

  dispatch(entry: RingEntry, req: FuseReq): void {
    this.#assign(entry, req);
    entry.tasked = true;
    this.ring.host.tasked(entry);
  }

  /** fuse_uring_add_req_to_ring_ent(). */
  #assign(entry: RingEntry, req: FuseReq): void {
    entry.state = 'FUSE_REQ';
    entry.req = req;
    req.entry = entry;
    req.place = 'assigned';
    if (!this.ring.conn.switches.ringCommitAfterCopy) this.#list(entry, req);
  }

  /** fuse_uring_add_to_pq(): from now on a commit finds it. */
  #list(entry: RingEntry, req: FuseReq): void {
    if (entry.listed || req.place === 'ended') return;
    this.#processing.push(req);
    entry.listed = true;
  }

  /** A commit finds it no more. */
  unlist(entry: RingEntry, req: FuseReq): void {
    if (entry.listed) this.#processing.delete(req);
    entry.listed = false;
  }

  /** fuse_request_find(): the oldest of those with this number (NOTIFY_REPLYs may share one). */
  find(unique: Key): FuseReq | undefined {
    let { first: req } = this.#processing;
    while (req !== undefined && req.unique !== unique) req = req.next;
    return req;
  }

  // --- out ---

  /** fuse_uring_send_in_task(). */
  runTask(entry: RingEntry, dead: boolean): void {
    const { req } = entry;
    if (!entry.tasked || req === undefined) return;
    entry.tasked = false;
    if (dead) this.#taskDied(entry, req);
    else if (this.#copy(entry, req)) this.#deliver(entry, req);
    else this.#fetch(entry);
  }

  /** IO_URING_F_TASK_DEAD: an older kernel leaves the request with the entry until the teardown. */
  #taskDied(entry: RingEntry, req: FuseReq): void {
    if (!this.ring.conn.switches.ringCancelFrees) {
      entry.state = 'USERSPACE';
      this.#list(entry, req);
      this.complete(entry, -ERRNO.ECANCELED);
      return;
    }
    this.free(entry);
    this.complete(entry, -ERRNO.ECANCELED);
    this.#end(entry, req, failed(-ERRNO.ECANCELED));
    this.ring.unref();
  }

  /** fuse_uring_prepare_send(): false if the request ended here instead. */
  #copy(entry: RingEntry, req: FuseReq): boolean {
    const { conn, host } = this.ring;
    if (req.place === 'ended') host.bug(entry, 'copies a request that has ended');
    host.delivering(entry, req.unique);
    let error = copyToRing(entry, req, conn.negotiated);
    if (error === OVERSIZE) error = this.#oversize(entry, 'a request');
    if (error === 0 && req.place === 'assigned') req.place = 'sent';
    if (error === 0) return true;
    host.changedHands(entry, 'kernel', 0);
    this.#end(entry, req, failed(error));
    return false;
  }

  #oversize(entry: RingEntry, what: string): number {
    const { conn, host } = this.ring;
    if (!conn.switches.ringOversizeEio) {
      host.bug(entry, `BUG_ON: ${what} larger than the payload buffer`);
    }
    return -ERRNO.EIO;
  }

  /** fuse_uring_next_fuse_req(): delivers what waits, or makes the entry the head of the free. */
  #fetch(entry: RingEntry): void {
    for (;;) {
      const req = this.pending.shift();
      if (req === undefined) {
        this.makeAvailable(entry);
        return;
      }
      this.#assign(entry, req);
      if (this.#copy(entry, req)) {
        this.#deliver(entry, req);
        return;
      }
    }
  }

  /** fuse_uring_ent_avail(). */
  makeAvailable(entry: RingEntry): void {
    entry.state = 'AVAILABLE';
    this.available.push(entry);
  }

  /** fuse_uring_send(). */
  #deliver(entry: RingEntry, req: FuseReq): void {
    entry.state = 'USERSPACE';
    this.#list(entry, req);
    this.complete(entry, 0, req.unique);
  }

  /** io_uring_cmd_done(): the buffers are the server's. */
  complete(entry: RingEntry, res: number, unique: Key = 0): void {
    entry.held = false;
    entry.owner = 'server';
    this.ring.host.changedHands(entry, 'server', unique);
    if (entry.command.inline) entry.command.result = res;
    else this.ring.host.completed(entry, res);
  }

  /** fuse_uring_commit(), and then the next request. */
  commit(entry: RingEntry, req: FuseReq, command: Command): void {
    entry.state = 'COMMIT';
    entry.hold(command);
    let reply = copyFromRing(entry, req);
    this.ring.host.changedHands(entry, 'kernel', req.unique);
    if (reply.error === OVERSIZE) reply = failed(this.#oversize(entry, 'a reply'));
    this.#end(entry, req, reply);
    this.#fetch(entry);
  }

  /** fuse_uring_req_end(). */
  #end(entry: RingEntry, req: FuseReq, { error, body, replied }: Committed): void {
    const { conn } = this.ring;
    entry.req = undefined;
    this.unlist(entry, req);
    req.entry = undefined;
    let admit = false;
    if (req.counted) {
      // What came from the device's background queue was never counted here, and is now.
      this.#active--;
      if (conn.switches.ringCountsFirst) admit = conn.background.finish(req);
      this.flush();
    }
    conn.end(req, error, body, replied, admit);
  }

  /** The entry's memory is gone: only newer kernels free one before the connection. */
  free(entry: RingEntry): void {
    entry.state = 'RELEASED';
    this.entries.delete(entry);
  }
}
