/**
 * The model's side of io_uring commands on fuse devices: fuse_uring_cmd() with its checks in their
 * order, and the rings of all connections by number.
 */
import type { Key } from '../../protocol/cursor.ts';
import { ERRNO } from '../../protocol/errno.ts';
import { URING_CMD } from '../../protocol/ring.ts';
import type { Connection } from '../connection.ts';
import type { Device } from '../device.ts';
import type { Ticket } from '../feed.ts';
import { BLOCK, type ConnId, type HandleId } from '../kernel.ts';
import { Command, RingEntry } from './entry.ts';
import type { RingHost } from './queue.ts';
import { Ring } from './ring.ts';
import {
  type Entry,
  HELD,
  type Memory,
  type Owner,
  type RingCommand,
  type RingId,
  type RingKernel,
  type RingSqe,
} from './ring_kernel.ts';

export interface RingOptions {
  /** enable_uring; off by default. */
  readonly enabled?: boolean;
  /** Number of possible CPUs, and so of queues; 1 by default. */
  readonly cpus?: number;
}

/** Who knows handles and connections. */
export interface RingsHost {
  device(handle: HandleId): Device | undefined;
  connection(conn: ConnId): Connection;
  connections(): Iterable<Connection>;
}

const nothing = (): void => {};

export class ModelRings implements RingKernel, RingHost {
  enabled: boolean;
  readonly cpus: number;
  onComplete: (entry: Entry, res: number) => void = nothing;
  onRefused: (command: RingCommand, sqe: RingSqe, res: number) => void = nothing;
  onOwner: (entry: Entry, owner: Owner, unique: Key) => void = nothing;
  onDelivery: (entry: Entry, unique: Key) => void = nothing;
  onTaskWork: (entry: Entry) => void = (entry) => this.runTask(entry);
  onReady: (conn: ConnId) => void = nothing;
  onBug: (entry: Entry, what: string) => void = nothing;
  readonly #host: RingsHost;

  constructor(host: RingsHost, options: RingOptions = {}) {
    this.#host = host;
    this.enabled = options.enabled ?? false;
    this.cpus = options.cpus ?? 1;
  }

  command(ring: RingId, sqe: RingSqe, memory: Memory): number {
    if (!sqe.sqe128) return -ERRNO.EINVAL;
    const device = this.#host.device(sqe.handle);
    if (device === undefined) return -ERRNO.EBADF;
    if (device.state === 'unbound') return -ERRNO.EPERM;
    const { conn } = device;
    if (conn === undefined) return BLOCK;
    const refusal = this.#refusal(conn);
    if (refusal !== 0) return refusal;
    const command = new Command(ring, sqe, memory);
    const error = this.#carryOut(conn, sqe, command);
    command.inline = false;
    return error || (command.result ?? HELD);
  }

  /** Nothing is gathered: every command was carried out. */
  flush(): void {}

  /** The checks before the command itself is looked at. */
  #refusal(conn: Connection): number {
    const { ringAgainFirst, ringNeedsFlag } = conn.switches;
    const again = conn.initialized ? 0 : -ERRNO.EAGAIN;
    if (ringAgainFirst && again !== 0) return again;
    const allowed = conn.ringWanted || (this.enabled && !ringNeedsFlag);
    if (!ringNeedsFlag && !allowed) return -ERRNO.EOPNOTSUPP;
    if (conn.aborted) return -ERRNO.ECONNABORTED;
    if (!conn.connected) return -ERRNO.ENOTCONN;
    return allowed ? again : -ERRNO.EOPNOTSUPP;
  }

  /** 0 if the command was accepted, else a negative errno. */
  #carryOut(conn: Connection, sqe: RingSqe, command: Command): number {
    // With ringNeedsFlag the ring is there from INIT on: only the first command can tell.
    if (sqe.cmdOp === URING_CMD.REGISTER || conn.switches.ringNeedsFlag) {
      conn.ring ??= new Ring(conn, this.cpus, this);
    }
    switch (sqe.cmdOp) {
      case URING_CMD.REGISTER: {
        const error = conn.ring?.register(sqe, command) ?? 0;
        if (error !== 0) this.giveUp(sqe.handle);
        return error;
      }
      case URING_CMD.COMMIT_AND_FETCH:
        return conn.ring === undefined ? -ERRNO.ENOTCONN : conn.ring.commit(sqe, command);
      default:
        return -ERRNO.EINVAL;
    }
  }

  taskEnded(ring: RingId, deferred: boolean): void {
    this.#ended.set(ring, deferred);
  }
  /** Tasks that have ended; whether their work was deferred. */
  readonly #ended = new Map<RingId, boolean>();

  cancelRing(ring: RingId, taskGone = false): void {
    this.#ended.delete(ring);
    for (const conn of this.#host.connections()) conn.ring?.cancel(ring, taskGone);
  }

  holds(handle: HandleId): number {
    let held = 0;
    for (const conn of this.#host.connections()) {
      for (const entry of conn.ring?.entries() ?? []) {
        if (entry.held && entry.command.handle === handle) held++;
      }
    }
    return held;
  }

  runTask(entry: Entry, dead = false): void {
    if (entry instanceof RingEntry) this.#host.connection(entry.conn).ring?.runTask(entry, dead);
  }

  withdraw(entry: Entry): void {
    if (entry instanceof RingEntry) this.#host.connection(entry.conn).ring?.withdraw(entry);
  }

  giveUp(handle: HandleId): void {
    const conn = this.#host.device(handle)?.conn;
    if (conn === undefined) return;
    conn.ringWanted = false;
    conn.admitAll();
  }

  ready(conn: ConnId): boolean {
    return this.#host.connection(conn).ring?.ready ?? false;
  }

  /** Queues for which the connection's clients wait: they have no entry, and the ring is not ready. */
  missingQueues(conn: ConnId): number[] {
    const { ringWanted, connected, ring } = this.#host.connection(conn);
    if (!ringWanted || !connected || ring?.ready) return [];
    return Array.from({ length: this.cpus }, (_, qid) => qid).filter(
      (qid) => !ring?.available(qid),
    );
  }

  entries(conn: ConnId): readonly Entry[] {
    return [...(this.#host.connection(conn).ring?.entries() ?? [])];
  }

  ticketOf(entry: Entry): Ticket | undefined {
    return (entry instanceof RingEntry && entry.req?.ticket) || undefined;
  }

  // --- what rings tell ---

  completed(entry: RingEntry, res: number): void {
    this.onComplete(entry, res);
  }

  changedHands(entry: RingEntry, owner: Owner, unique: Key): void {
    this.onOwner(entry, owner, unique);
  }

  delivering(entry: RingEntry, unique: Key): void {
    this.onDelivery(entry, unique);
  }

  tasked(entry: RingEntry): void {
    const deferred = this.#ended.get(entry.command.ring);
    if (deferred === undefined) this.onTaskWork(entry);
    else if (!deferred) this.runTask(entry, true);
  }

  becameReady(conn: ConnId): void {
    this.onReady(conn);
  }

  bug(entry: RingEntry, what: string): void {
    this.onBug(entry, what);
  }
}
