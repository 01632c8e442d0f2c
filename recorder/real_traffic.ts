/**
 * What comes out of the real kernel's rings: requests are handed on to the server, ends and refusals
 * are told, and who owns an entry's buffers is said at every step.
 */
import type { HandleId } from '../rig/kernel/kernel.ts';
import type { EntryState, RingKernel } from '../rig/kernel/ring/ring_kernel.ts';
import type { Key } from '../rig/protocol/cursor.ts';
import { ERRNO } from '../rig/protocol/errno.ts';
import type { RealEntry } from './real_entry.ts';
import type { RealRing, Submission } from './real_ring.ts';

const { ECANCELED, EFAULT, ESRCH } = ERRNO;

/** Whom it is told. */
type Told = Pick<RingKernel, 'onComplete' | 'onRefused' | 'onOwner' | 'onDelivery' | 'onReady'>;

export class RealTraffic {
  readonly #told: Told;
  /** Descriptor of the real device. */
  readonly #fdOf: (handle: HandleId) => number;
  /** Takes entries out of the kernel whose task is dead. */
  readonly #bury: (ring: RealRing, dead: readonly RealEntry[]) => void;
  /** Entries that got a request nobody can take. */
  #dead: RealEntry[] = [];

  constructor(
    told: Told,
    fdOf: (handle: HandleId) => number,
    bury: (ring: RealRing, dead: readonly RealEntry[]) => void,
  ) {
    this.#told = told;
    this.#fdOf = fdOf;
    this.#bury = bury;
  }

  /** The kernel has the entry. */
  accept(entry: RealEntry): void {
    entry.home.add(entry);
    this.toKernel(entry, 0);
    if (entry.home.becomesReady(entry.qid)) this.#told.onReady(entry.conn);
  }

  /** A COMMIT of request `unique` is on its way, or with 0 a REGISTER was accepted. */
  toKernel(entry: RealEntry, unique: Key): void {
    if (unique !== 0) entry.state = 'COMMIT';
    entry.held = true;
    entry.owner = 'kernel';
    this.#told.onOwner(entry, 'kernel', unique);
  }

  /** The server has the request: it was delivered, or its COMMIT was refused. */
  toServer(entry: RealEntry): void {
    this.#release(entry, 'USERSPACE');
    entry.home.carry(entry);
    this.#told.onOwner(entry, 'server', entry.unique);
  }

  #release(entry: RealEntry, state: EntryState): void {
    entry.state = state;
    entry.held = false;
    entry.owner = 'server';
  }

  /** Looks at everything a ring has brought, and at what comes of that. */
  settle(ring: RealRing): void {
    while (ring.ended.length > 0) {
      for (const submission of ring.ended.splice(0)) this.#result(ring, submission);
      if (ring.gathered) ring.enter();
    }
    if (this.#dead.length > 0) this.#bury(ring, this.#dead.splice(0));
  }

  #result(ring: RealRing, { kind, command, entry, res = 0, refused }: Submission): void {
    const registered = entry !== undefined && entry.index >= 0;
    if (entry === undefined || (!registered && res < 0)) {
      entry?.free();
      this.#told.onRefused(command, command.sqe, res);
      return;
    }
    if (!registered) this.accept(entry);
    if (kind === 'commit' && refused) {
      this.toServer(entry);
      this.#told.onRefused(command, command.sqe, res);
      return;
    }
    entry.command = command;
    if (res === 0) this.#deliver(ring, entry);
    else {
      entry.home.ended = true;
      this.end(entry, res);
    }
  }

  #deliver(ring: RealRing, entry: RealEntry): void {
    // It should be out of the kernel by now: the request has come too late, and waits for the end.
    if (this.#dead.includes(entry)) return;
    entry.unique = entry.arrived;
    entry.state = 'FUSE_REQ';
    if (ring.task === 'asleep') return;
    if (ring.task === 'dead') {
      this.#cancel(ring, entry);
      return;
    }
    this.#told.onDelivery(entry, entry.unique);
    const error = entry.deliver(entry.command.memory);
    if (error === 0) {
      this.toServer(entry);
      this.#told.onComplete(entry, 0);
      return;
    }
    if (error === -ESRCH || error === -ECANCELED) {
      this.#cancel(ring, entry);
      return;
    }
    this.#told.onOwner(entry, 'kernel', 0);
    // As fuse_uring_send_in_task(): the client gets the error, the entry waits for the next request.
    entry.state = 'AVAILABLE';
    entry.answer(-EFAULT);
    ring.queue('fetch', entry.command, entry, this.#fdOf(entry.command.handle));
  }

  /** IO_URING_F_TASK_DEAD in fuse_uring_send_in_task(): client and server get -ECANCELED. */
  #cancel(ring: RealRing, entry: RealEntry): void {
    entry.answer(-ECANCELED);
    ring.queue('fetch', entry.command, entry, this.#fdOf(entry.command.handle));
    this.#dead.push(entry);
  }

  /** The entry can never be reached again. */
  end(entry: RealEntry, res: number): void {
    this.#release(entry, 'RELEASED');
    entry.free();
    this.#told.onOwner(entry, 'server', 0);
    this.#told.onComplete(entry, res);
  }
}
