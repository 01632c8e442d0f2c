/**
 * FUSE over io_uring with the real kernel: each command of the server is made on the real /dev/fuse,
 * out of a ring of the rig's and with buffers of the rig's, and the kernel's own checks decide. What
 * the kernel delivers is copied on, and its results are the server's.
 */
import { BLOCK, type ConnId, type HandleId } from '../rig/kernel/kernel.ts';
import { iovecsOf, SEGMENTS } from '../rig/kernel/ring/register.ts';
import {
  type Entry,
  HELD,
  type Memory,
  type Owner,
  type RingCommand,
  type RingId,
  type RingKernel,
  type RingSqe,
} from '../rig/kernel/ring/ring_kernel.ts';
import type { Key } from '../rig/protocol/cursor.ts';
import { ERRNO } from '../rig/protocol/errno.ts';
import { BEFORE_INIT, type Negotiated, ringPayloadSize } from '../rig/protocol/negotiated.ts';
import { URING_CMD } from '../rig/protocol/ring.ts';
import { enableUring } from './host.ts';
import { RealCommand, RealEntry } from './real_entry.ts';
import { RealRing, type Submission } from './real_ring.ts';
import { RealTraffic } from './real_traffic.ts';
import { RingConn } from './ring_conn.ts';

const { EBADF, ECANCELED, EFAULT, EINVAL, ENOENT, ENOTCONN, EPERM } = ERRNO;

/** Who knows handles and connections, and what the session can watch. */
export interface RealRingsHost {
  handle(id: HandleId): { fd: number; conn: ConnId; syncInit: boolean } | undefined;
  /** Undefined until INIT was answered. */
  negotiated(conn: ConnId): Negotiated | undefined;
  watch(fd: number, action: () => void): number;
  unwatch(tag: number): void;
}

interface Watched {
  readonly ring: RealRing;
  readonly tag: number;
}

const nothing = (): void => {};

export class RealRings implements RingKernel {
  /** Offered to servers: enable_uring is on, and there is somebody to carry it. */
  enabled = enableUring() ?? false;
  onComplete: (entry: Entry, res: number) => void = nothing;
  onRefused: (command: RingCommand, sqe: RingSqe, res: number) => void = nothing;
  onOwner: (entry: Entry, owner: Owner, unique: Key) => void = nothing;
  onDelivery: (entry: Entry, unique: Key) => void = nothing;
  onTaskWork: (entry: Entry) => void = nothing;
  onReady: (conn: ConnId) => void = nothing;
  onBug: (entry: Entry, what: string) => void = nothing;
  readonly #host: RealRingsHost;
  readonly #traffic: RealTraffic;
  readonly #rings = new Map<RingId, Watched>();
  readonly #conns = new Map<ConnId, RingConn>();
  /** Rings with something gathered, or with results nobody has looked at. */
  readonly #stirred = new Set<RealRing>();

  constructor(host: RealRingsHost) {
    this.#host = host;
    const fdOf = (handle: HandleId) => host.handle(handle)?.fd ?? -1;
    this.#traffic = new RealTraffic(this, fdOf, (ring, dead) => this.#bury(ring, dead));
  }

  command(ring: RingId, sqe: RingSqe, memory: Memory): number {
    if (!sqe.sqe128) return -EINVAL;
    const handle = this.#host.handle(sqe.handle);
    if (handle === undefined) return -EBADF;
    if (handle.conn === 0) return handle.syncInit ? BLOCK : -EPERM;
    const real = this.#ring(ring);
    if (typeof real === 'number') return real;
    const conn = this.#conn(handle.conn);
    const command = new RealCommand(ring, sqe, memory);
    if (sqe.cmdOp === URING_CMD.REGISTER) return this.#register(real, conn, command, handle.fd);
    if (sqe.cmdOp === URING_CMD.COMMIT_AND_FETCH) {
      const entry = conn.take(sqe.qid, sqe.commitId);
      if (entry !== undefined) return this.#commit(real, entry, command, handle.fd);
    }
    return this.#bare(real, command, handle.fd);
  }

  #ring(id: RingId): RealRing | number {
    const found = this.#rings.get(id);
    if (found !== undefined) return found.ring;
    const ring = RealRing.make();
    if (typeof ring !== 'number') this.#watch(id, ring);
    return ring;
  }

  #watch(id: RingId, ring: RealRing): void {
    const tag = this.#host.watch(ring.fd, () => {
      ring.enter();
      this.#traffic.settle(ring);
    });
    this.#rings.set(id, { ring, tag });
  }

  #conn(id: ConnId): RingConn {
    let conn = this.#conns.get(id);
    if (conn === undefined) {
      conn = new RingConn(id);
      this.#conns.set(id, conn);
    }
    return conn;
  }

  // --- commands ---

  #register(real: RealRing, conn: RingConn, command: RealCommand, fd: number): number {
    const { sqe, memory } = command;
    const named = sqe.len === SEGMENTS ? iovecsOf(sqe.addr, memory) : -EFAULT;
    if (typeof named === 'number') return this.#bare(real, command, fd);
    const negotiated = this.#host.negotiated(conn.id);
    const size = ringPayloadSize(negotiated ?? BEFORE_INIT);
    const entry = RealEntry.make(conn, command, named, size);
    if (typeof entry === 'number') return entry;
    const submission = real.queue('register', command, entry, fd);
    const res = this.#now(real, submission);
    if (res !== HELD) entry.free();
    // Before INIT is answered a worker of io_uring's tries again and tells later.
    else if (negotiated !== undefined) this.#traffic.accept(entry);
    return res;
  }

  /** A request of this number is with the server: the kernel will take the reply if it lives. */
  #commit(real: RealRing, entry: RealEntry, command: RealCommand, fd: number): number {
    entry.collect(command.memory);
    this.#traffic.toKernel(entry, entry.unique);
    const submission = real.queue('commit', command, entry, fd);
    this.#stirred.add(real);
    if (!entry.home.ended) return HELD;
    const res = this.#now(real, submission);
    if (res !== HELD) this.#traffic.toServer(entry);
    return res;
  }

  /** What reaches no entry that the server could know of. */
  #bare(real: RealRing, command: RealCommand, fd: number): number {
    if (real.gathered) this.#enter(real);
    // A number that was guessed: its request lies here, and is not delivered yet.
    const { qid, commitId, cmdOp } = command.sqe;
    const early = ({ entry, res }: Submission) =>
      res === 0 && entry?.qid === qid && entry.arrived === commitId;
    if (cmdOp === URING_CMD.COMMIT_AND_FETCH && real.ended.some(early)) return -ENOENT;
    return this.#now(real, real.queue('bare', command, undefined, fd));
  }

  /** Submits it, behind what was gathered. Its result if it is refused at once. */
  #now(real: RealRing, submission: Submission): number {
    this.#enter(real);
    if (!submission.refused || submission.res === undefined) return HELD;
    real.ended.splice(real.ended.lastIndexOf(submission), 1);
    return submission.res;
  }

  #enter(real: RealRing): void {
    real.enter();
    this.#stirred.add(real);
  }

  flush(): void {
    for (const real of this.#stirred) {
      this.#stirred.delete(real);
      if (real.gathered) real.enter();
      this.#traffic.settle(real);
    }
  }

  // --- the end ---

  /** The kernel gives the ring up when it refuses a REGISTER (fuse_uring_cmd()): it is given one to refuse. */
  giveUp(id: HandleId): void {
    RealRing.refuse(this.#host.handle(id)?.fd ?? -1);
  }

  cancelRing(ring: RingId): void {
    const watched = this.#rings.get(ring);
    if (watched === undefined) return;
    const { ring: real, tag } = watched;
    this.#rings.delete(ring);
    this.#stirred.delete(real);
    // What the server has submitted counts; what the kernel delivers now has nobody to go to.
    if (real.gathered) real.enter();
    this.#host.unwatch(tag);
    real.close();
    for (const { entry, command } of [...real.ended, ...real.held()]) {
      if (entry === undefined) continue;
      entry.command = command;
      // One that came before INIT was never told of.
      if (entry.index < 0) entry.free();
      else this.#traffic.end(entry, -ENOTCONN);
    }
  }

  /** Our commands are not the task's: the kernel goes on delivering, and we cancel as it would. */
  taskEnded(ring: RingId, deferred: boolean): void {
    const real = this.#rings.get(ring)?.ring;
    if (real !== undefined) real.task = deferred ? 'asleep' : 'dead';
  }

  /**
   * Entries whose requests were cancelled leave the kernel, which frees one with its task. A request
   * that comes before it has closed their ring is cancelled by that, and costs no other entry.
   */
  #bury(ring: RealRing, dead: readonly RealEntry[]): void {
    const [id, watched] = [...this.#rings].find(([, one]) => one.ring === ring) ?? [];
    const next = ring.without(dead, (handle) => this.#host.handle(handle)?.fd ?? -1);
    if (id === undefined || watched === undefined || typeof next === 'number') return;
    this.#host.unwatch(watched.tag);
    this.#stirred.delete(ring);
    ring.close();
    this.#watch(id, next);
    for (const entry of dead) this.#traffic.end(entry, -ECANCELED);
    this.#traffic.settle(next);
  }

  /** The last handle of a connection is closed. */
  forget(id: ConnId): void {
    const conn = this.#conns.get(id);
    this.#conns.delete(id);
    for (const entry of conn?.entries() ?? []) if (!entry.held) entry.free();
  }

  closeAll(): void {
    for (const ring of [...this.#rings.keys()]) this.cancelRing(ring);
    for (const conn of [...this.#conns.keys()]) this.forget(conn);
  }

  holds(handle: HandleId): number {
    const held = [...this.#rings.values()].flatMap(({ ring }) => [...ring.held()]);
    return held.filter(({ command }) => command.handle === handle).length;
  }

  runTask = nothing;

  ready(conn: ConnId): boolean {
    return this.#conns.get(conn)?.ready ?? false;
  }

  entries(conn: ConnId): readonly Entry[] {
    return this.#conns.get(conn)?.entries() ?? [];
  }

  ticketOf(): undefined {}
}
