/**
 * How the server's FUSE commands reach the Kernel over io_uring: the seam takes them out of what an
 * enter submits, the Kernel says what becomes of each, and the seam puts CQEs into the server's ring.
 * The ring itself, and everything else the server does with it, is the real kernel's.
 */
import { BLOCK } from '../kernel/kernel.ts';
import { type Entry, HELD, type Owner, type RingSqe } from '../kernel/ring/ring_kernel.ts';
import { OUT_HEADER_SIZE } from '../protocol/constants.ts';
import { highWord, type Key, lowWord, readKey } from '../protocol/cursor.ts';
import { ERRNO } from '../protocol/errno.ts';
import { uniqueOf } from '../protocol/header.ts';
import { URING_CMD } from '../protocol/ring.ts';
import type { BufferMisfits } from './buffer_misfits.ts';
import { Carrying } from './carrying.ts';
import type { DevicePort } from './device_port.ts';
import type { Poison } from './poison.ts';
import type { PortWiring } from './port_handle.ts';
import { type BatchCommand, RingBatches } from './ring_batches.ts';
import { RingCommands } from './ring_commands.ts';
import { RingEmitter } from './ring_emitter.ts';
import { RingFaults } from './ring_faults.ts';
import { type Submitter, Submitters } from './submitters.ts';

const { EBADF } = ERRNO;

/** Of a command that is as all are. */
const NOTHING: ReturnType<RingCommands['beyond']> = {};

export class RingPort {
  readonly emitter: RingEmitter;
  poison: Poison | undefined;
  /** Told of buffers that are not there, or too small. */
  misfits: BufferMisfits | undefined;
  readonly #w: PortWiring;
  readonly #device: DevicePort;
  readonly #commands: RingCommands;
  readonly #submitters: Submitters;
  readonly #carrying = new Carrying();
  /** Entries that came into the kernel's hands in this batch and are poisoned at its end. */
  readonly #fresh = new Map<Entry, Key>();
  readonly #batches = new RingBatches();
  readonly #faults: RingFaults;
  /** Of the command being carried out: the entry it has made, and the one that took a request. */
  #registered: Entry | undefined;
  #inline: Entry | undefined;

  constructor(wiring: PortWiring, device: DevicePort) {
    this.#w = wiring;
    this.#device = device;
    this.#commands = new RingCommands(wiring.seam);
    this.#submitters = new Submitters(wiring.seam, wiring.data);
    this.emitter = new RingEmitter(wiring);
    this.#faults = new RingFaults(wiring, this.emitter);
    const { rings } = wiring.kernel;
    rings.onOwner = (entry, owner, unique) => this.#changedHands(entry, owner, unique);
    rings.onDelivery = (entry) => this.#delivering(entry);
    rings.onComplete = (entry, res) => this.#complete(entry, res);
    rings.onRefused = ({ ring }, sqe, res) => {
      const submitter = this.#submitters.byId(ring);
      if (submitter === undefined) return;
      this.emitter.refused(sqe, submitter, wiring.kernel.connOf(sqe.handle), res);
      this.#post(submitter, sqe, res);
    };
    rings.onBug = (entry, what) => {
      const tid = this.#submitters.byId(entry.command.ring)?.memory.submitter ?? 0;
      this.emitter.unsupported(tid, `the kernel has a bug here that it may not survive: ${what}`);
    };
  }

  /** io_uring_enter that submits commands for a device: `size` of them lie in the command buffer. */
  enter(): void {
    const { seam, trap } = this.#w;
    const { slot } = trap;
    this.#run(() => seam.continue(slot));
  }

  /** Commands whose linked predecessors are done. */
  linked(): void {
    this.#run(() => {});
  }

  #run(done: () => void): void {
    const then = () => {
      this.#settle();
      done();
    };
    this.#batches.run(this.#w.trap.size, this.#command, then);
  }

  /** The Kernel says that the handle's state changed. */
  wake(handle: number): void {
    this.#batches.wake(handle);
  }

  /** Command `n` of the buffer, which the next enter overwrites. */
  readonly #command = (n: number): BatchCommand => {
    const c = this.#commands;
    const submitter = this.#submitters.of(c.ring(n), c.tid(n));
    const handle = this.#device.byIndex(c.index(n));
    const userData = c.userData(n);
    const { what, result } = c.plain(n) ? NOTHING : c.beyond(n);
    if (what !== undefined) this.emitter.unsupported(c.tid(n), what);
    if (result !== undefined) {
      const run = () => (result === 0 ? 0 : this.#post(submitter, { userData }, result));
      return { handle: 0, run };
    }
    const sqe = c.sqe(n, handle?.id ?? 0);
    if (handle === undefined) {
      return { handle: 0, run: () => this.#post(submitter, { userData }, -EBADF) };
    }
    return { handle: handle.id, run: () => this.#carryOut(submitter, sqe) };
  };

  #carryOut(submitter: Submitter, sqe: RingSqe): number {
    const { memory } = submitter;
    const { kernel } = this.#w;
    const conn = kernel.connOf(sqe.handle);
    const refused = this.#w.injection && this.#faults.command(submitter, sqe, conn);
    if (refused) return this.#post(submitter, sqe, refused);
    const commit = sqe.cmdOp === URING_CMD.COMMIT_AND_FETCH;
    const entry = commit ? this.#carrying.get(conn, sqe.qid, sqe.commitId) : undefined;
    const bytes = entry && memory.take(entry);
    if (entry !== undefined) this.misfits?.committed(entry, sqe.commitId, memory, this.#w.now());
    this.#registered = undefined;
    this.#inline = undefined;
    const res = kernel.rings.command(submitter.id, sqe, memory);
    memory.took();
    if (res === BLOCK) return res;
    // What is told of the reply may bring the next requests, and these share the buffer.
    const next = res === 0 ? this.#inline : undefined;
    const request = next && memory.request.slice();
    if (entry !== undefined && bytes !== undefined && (res === HELD || res >= 0)) {
      if (this.poison !== undefined) this.#searchReply(this.poison, entry, bytes);
      this.emitter.reply(entry, submitter, sqe.handle, bytes);
    } else if (sqe.cmdOp === URING_CMD.REGISTER) {
      this.emitter.register(sqe, submitter, conn, this.#registered, res);
    } else if (res !== HELD) this.emitter.refused(sqe, submitter, conn, res);
    if (next !== undefined && request !== undefined) {
      this.#deliver(submitter, next, request);
      return res;
    }
    if (res !== HELD) this.#post(submitter, sqe, res);
    else if (this.#w.injection) this.#faults.held(submitter, sqe, this.#registered);
    return res;
  }

  #searchReply(poison: Poison, entry: Entry, bytes: Uint8Array): void {
    const body = bytes.subarray(OUT_HEADER_SIZE);
    poison.uses(entry, body.length);
    if (bytes.length < OUT_HEADER_SIZE) return;
    poison.searchReply(entry, uniqueOf(bytes), body, this.#w.now());
  }

  /** A request was written into an entry: its CQE is posted, unless a fault gives it another. */
  #deliver(submitter: Submitter, entry: Entry, bytes: Uint8Array): void {
    const { command } = entry;
    const { injection } = this.#w;
    const instead = (res: number) => {
      this.#carrying.delete(readKey(bytes, 8), entry);
      this.poison?.ended(entry);
      this.#post(submitter, command, res);
    };
    if (injection && this.#faults.cqe(submitter, entry, bytes, instead)) return;
    this.poison?.uses(entry, bytes.length);
    this.emitter.request(entry, submitter, bytes);
    this.#post(submitter, command, 0);
    if (injection) this.#faults.delivered(submitter, entry, bytes);
  }

  // --- what the Kernel tells ---

  #changedHands(entry: Entry, owner: Owner, unique: Key): void {
    if (owner === 'server') {
      if (this.#fresh.size > 0) this.#fresh.delete(entry);
      if (unique !== 0) this.#carrying.set(unique, entry);
      this.#inline = entry;
      return;
    }
    if (unique !== 0) this.#carrying.delete(unique, entry);
    else if (entry.command !== undefined) {
      this.#registered ??= entry;
      const submitter = this.#submitters.byId(entry.command.ring);
      if (submitter !== undefined) this.#given(entry, submitter);
    }
    if (this.poison !== undefined) this.#fresh.set(entry, unique);
  }

  /** The kernel has the entry: it is new, or a request could not be put there. */
  #given(entry: Entry, submitter: Submitter): void {
    const { memory } = submitter;
    this.poison?.registered(entry, memory.process);
    const lost = memory.undelivered;
    // Who has closed the ring may unmap its buffers.
    if (lost === undefined || this.#submitters.isClosed(submitter)) return;
    this.misfits?.undelivered(entry, lost, this.#w.now());
  }

  #delivering(entry: Entry): void {
    if (this.#fresh.size > 0) this.#fresh.delete(entry);
    this.poison?.verify(entry, this.#w.now());
  }

  /** A held SQE ends: with a request, or with why there will be none. */
  #complete(entry: Entry, res: number): void {
    const submitter = this.#submitters.byId(entry.command.ring);
    if (submitter === undefined) return;
    if (res === 0) {
      this.#deliver(submitter, entry, submitter.memory.request);
      return;
    }
    this.poison?.verify(entry, this.#w.now());
    this.poison?.ended(entry);
    this.emitter.ended(entry, submitter, res);
    this.#post(submitter, entry.command, res);
  }

  #post({ ring }: Submitter, { userData, quiet }: Posted, res: number): number {
    if (res < 0 || quiet !== true) {
      this.#w.seam.ringPost(ring, lowWord(userData), highWord(userData), res);
    }
    return 0;
  }

  /** At the end of a batch: what stays with the kernel is poisoned. */
  #settle(): void {
    this.#w.kernel.rings.flush();
    if (this.#fresh.size === 0) return;
    for (const [entry, unique] of this.#fresh) {
      const tid = this.#submitters.byId(entry.command.ring)?.memory.tid;
      if (tid !== undefined && entry.held) this.poison?.put(entry, tid, unique, this.#w.now());
    }
    this.#fresh.clear();
  }

  // --- what no call tells ---

  /** Looks for rings that were closed and threads that ended. */
  look(): void {
    const { kernel, seam } = this.#w;
    const closed = this.#submitters.look(
      ({ id }, taskGone) => kernel.rings.cancelRing(id, taskGone),
      ({ id, ring }) => kernel.rings.taskEnded(id, seam.ringDefers(ring)),
    );
    for (const ring of closed) this.emitter.closed(ring);
  }
}

/** What a CQE needs to know of its command. */
type Posted = { readonly userData: Key; readonly quiet?: boolean };
