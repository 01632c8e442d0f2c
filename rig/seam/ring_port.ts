/**
 * How the server's FUSE commands reach the Kernel over io_uring: the seam takes them out of what an
 * enter submits, the Kernel says what becomes of each, and the seam puts CQEs into the server's ring.
 * The ring itself, and everything else the server does with it, is the real kernel's.
 */
import { BLOCK } from '../kernel/kernel.ts';
import { type Entry, HELD, type Owner, type RingKernel } from '../kernel/ring/ring_kernel.ts';
import { ERRNO } from '../protocol/errno.ts';
import { uniqueOf } from '../protocol/header.ts';
import { URING_CMD } from '../protocol/ring.ts';
import type { DevicePort } from './device_port.ts';
import { EntryMemory, MessageBuffers } from './entry_memory.ts';
import type { Poison } from './poison.ts';
import type { PortWiring } from './port_handle.ts';
import { IORING_OP_URING_CMD, RingCommands } from './ring_commands.ts';
import { IORING_REGISTER, refusedSetup } from './ring_setup.ts';

const { EBADF, EINVAL, EOPNOTSUPP } = ERRNO;
/** To begin with: 256 pages, the kernel's default limit, and headers. */
const MESSAGE_SIZE = (1 << 20) + 8192;

/** A thread that submits commands into one of its process's rings. The Kernel's ring ids name these. */
interface Submitter {
  id: number;
  ring: number;
  memory: EntryMemory;
}

/** A command that waits for its handle's mount (SYNC_INIT), and the enter that waits with it. */
interface Waiting {
  handle: number;
  retry(): boolean;
}

export class RingPort {
  /** Requests delivered by entries. */
  delivered = 0;
  /** Entries registered, by queue. */
  readonly depths = new Map<number, number>();
  readonly #w: PortWiring;
  readonly #device: DevicePort;
  readonly #commands: RingCommands;
  readonly #buffers = new MessageBuffers(MESSAGE_SIZE);
  readonly #submitters = new Map<number, Submitter>();
  /** By ring and thread. */
  readonly #ids = new Map<string, Submitter>();
  /** By queue and commit id: entries that carry a request. */
  readonly #carrying = new Map<bigint, Entry>();
  readonly #told = new Set<string>();
  /** Entries that came into the kernel's hands in this batch and may be poisoned at its end. */
  readonly #fresh = new Map<Entry, bigint>();
  #waiting: Waiting[] = [];
  #registered: Entry | undefined;
  /** What the server asked for an entry last: FUSE_IO_URING_CMD_*. */
  readonly #lastCommand = new Map<Entry, number>();
  poison: Poison | undefined;

  constructor(wiring: PortWiring, device: DevicePort) {
    this.#w = wiring;
    this.#device = device;
    this.#commands = new RingCommands(wiring.seam);
    const { rings } = wiring.kernel;
    if (rings === undefined) return;
    rings.onOwner = (entry, owner, unique) => this.#changedHands(entry, owner, unique);
    rings.onDelivery = (entry) => this.#delivering(entry);
    rings.onComplete = (entry, res) => this.#complete(entry, res);
    rings.onBug = (entry, what) =>
      this.#unsupported(entry.qid, `the kernel has a bug here that it may not survive: ${what}`);
  }

  get #rings(): RingKernel | undefined {
    return this.#w.kernel.rings;
  }

  /** io_uring_setup(entries, params). */
  setup(): void {
    const { seam, trap, data } = this.#w;
    const { slot, tid } = trap;
    const read = seam.readMemory(tid, trap.arg(1), 12);
    const flags = read === 12 ? new DataView(data.buffer).getUint32(8, true) : 0;
    const refused = refusedSetup(flags);
    if (refused === undefined) {
      seam.ringMake(slot);
      return;
    }
    this.#unsupported(tid, `io_uring_setup with ${refused}: refused with EINVAL`);
    seam.respond(slot, -EINVAL);
  }

  /** io_uring_register(fd, opcode, arg, nr). */
  register(): void {
    const { seam, trap } = this.#w;
    const opcode = trap.int(1) & ~IORING_REGISTER.useRegisteredRing;
    // A registered ring would be entered by a number that only the kernel knows.
    const refused =
      opcode === IORING_REGISTER.ringFds ||
      opcode === IORING_REGISTER.resizeRings ||
      trap.int(1) < 0;
    if (refused) {
      seam.respond(trap.slot, -EINVAL);
      return;
    }
    seam.ringFiles(trap.slot);
    seam.continue(trap.slot);
  }

  /** io_uring_enter that submits commands for a device: `size` of them lie in the command buffer. */
  enter(): void {
    const { seam, trap } = this.#w;
    const { slot, size } = trap;
    const blocked = this.#run(size);
    if (blocked === undefined) seam.continue(slot);
    else this.#waiting.push({ handle: blocked.handle, retry: () => this.#retry(slot, blocked) });
  }

  /** Commands whose linked predecessors are done. */
  linked(): void {
    this.#run(this.#w.trap.size);
  }

  /** Carries out the batch. Undefined, or what of it sleeps until the handle is mounted. */
  #run(count: number): { handle: number; commands: (() => number)[] } | undefined {
    const waiting: (() => number)[] = [];
    let handle = 0;
    for (let n = 0; n < count; n++) {
      const command = this.#command(n);
      if (waiting.length > 0) waiting.push(command.run);
      else if (command.run() === BLOCK) {
        handle = command.handle;
        waiting.push(command.run);
      }
    }
    this.#settle();
    return waiting.length > 0 ? { handle, commands: waiting } : undefined;
  }

  #retry(slot: number, blocked: { commands: (() => number)[] }): boolean {
    for (;;) {
      const run = blocked.commands[0];
      if (run === undefined) break;
      if (run() === BLOCK) return false;
      blocked.commands.shift();
    }
    this.#settle();
    this.#w.seam.continue(slot);
    return true;
  }

  /** The Kernel says that the handle's state changed. */
  wake(handle: number): void {
    if (this.#waiting.length === 0) return;
    this.#waiting = this.#waiting.filter((w) => w.handle !== handle || !w.retry());
  }

  /** One command of the batch; `run` answers BLOCK, or something else once it is done. */
  #command(n: number): { handle: number; run: () => number } {
    const c = this.#commands;
    const submitter = this.#submitter(c.ring(n), c.tid(n));
    const handle = this.#device.byIndex(c.index(n));
    const userData = c.userData(n);
    const beyond = c.beyond(n);
    if (beyond !== undefined) {
      this.#unsupported(c.tid(n), beyond);
      return { handle: 0, run: () => 0 };
    }
    if (c.opcode(n) !== IORING_OP_URING_CMD) {
      const what = `io_uring operation ${c.opcode(n)} on /dev/fuse: only read(2), write(2) and FUSE commands are`;
      this.#unsupported(c.tid(n), what);
      return { handle: 0, run: () => 0 };
    }
    if (c.linksOn(n)) this.#unsupported(c.tid(n), 'an SQE linked behind a FUSE command');
    if (c.drain(n)) this.#unsupported(c.tid(n), 'IOSQE_IO_DRAIN on a FUSE command');
    const sqe = {
      cmdOp: c.cmdOp(n),
      handle: handle?.id ?? 0,
      qid: c.qid(n),
      commitId: c.commitId(n),
      flags: c.flags(n),
      addr: c.addr(n),
      len: c.len(n),
      userData,
      sqe128: c.sqe128(n),
    };
    if (handle === undefined || this.#rings === undefined) {
      const res = handle === undefined ? -EBADF : -EOPNOTSUPP;
      return { handle: 0, run: () => this.#post(submitter, userData, res) };
    }
    const rings = this.#rings;
    return { handle: handle.id, run: () => this.#carryOut(rings, submitter, sqe) };
  }

  #carryOut(rings: RingKernel, submitter: Submitter, sqe: Parameters<RingKernel['command']>[1]) {
    const { memory } = submitter;
    const { tid } = memory;
    const conn = this.#w.kernel.connOf(sqe.handle);
    const commit = sqe.cmdOp === URING_CMD.COMMIT_AND_FETCH;
    const entry = commit ? this.#carrying.get(key(conn, sqe.qid, sqe.commitId)) : undefined;
    const bytes = entry && memory.take(entry);
    this.#registered = undefined;
    this.#inline = undefined;
    const res = rings.command(submitter.id, sqe, memory);
    memory.took();
    if (res === BLOCK) return res;
    const of = entry ?? this.#registered;
    if (of !== undefined) this.#lastCommand.set(of, sqe.cmdOp);
    // What is told of the reply may bring the next requests, and these share the buffer.
    const next = res === 0 ? this.#inline : undefined;
    const request = next && memory.request.slice();
    if (entry !== undefined && bytes !== undefined && (res === HELD || res >= 0)) {
      this.#reply(entry, sqe.handle, tid, bytes);
    } else if (res !== HELD || !commit) this.#tellCommand(submitter, sqe, conn, res);
    if (next !== undefined && request !== undefined) this.#request(submitter, next, request);
    if (res !== HELD) this.#post(submitter, sqe.userData, res);
    return res;
  }
  /** The entry that took a request while its own command was carried out. */
  #inline: Entry | undefined;

  #reply(entry: Entry, handle: number, tid: number, bytes: Uint8Array): void {
    const { conn, qid, index } = entry;
    const t = this.#w.now();
    const body = bytes.subarray(16);
    this.poison?.uses(entry, body.length);
    if (bytes.length >= 16) this.poison?.searchReply(entry, uniqueOf(bytes), body, t);
    const ring = { qid, entry: index };
    this.#w.emit({ kind: 'reply', t, handle, conn, tid, bytes, result: bytes.length, ring });
  }

  /** A command without a message: REGISTER, or one that was refused. */
  #tellCommand(
    submitter: Submitter,
    sqe: Parameters<RingKernel['command']>[1],
    conn: number,
    res: number,
  ): void {
    const { handle, qid, cmdOp } = sqe;
    const at = { t: this.#w.now(), handle, conn, tid: submitter.memory.tid, ring: submitter.ring };
    const result = res === HELD ? 0 : res;
    if (cmdOp === URING_CMD.REGISTER) {
      const entry = this.#registered;
      if (entry !== undefined) this.depths.set(qid, (this.depths.get(qid) ?? 0) + 1);
      const buffers = {
        entry: entry?.index ?? -1,
        headers: Number(entry?.headers ?? 0),
        payload: Number(entry?.payload ?? 0),
        payloadSize: entry?.payloadSize ?? 0,
      };
      this.#w.emit({ kind: 'register', ...at, qid, ...buffers, result });
      return;
    }
    const commitId = cmdOp === URING_CMD.COMMIT_AND_FETCH ? sqe.commitId.toString(16) : '';
    this.#w.emit({ kind: 'completion', ...at, command: cmdOp, qid, entry: -1, commitId, result });
  }

  #submitter(ring: number, tid: number): Submitter {
    const name = `${ring} ${tid}`;
    let found = this.#ids.get(name);
    if (found === undefined) {
      const memory = new EntryMemory(this.#w.seam, this.#w.data, this.#buffers, tid);
      found = { id: this.#submitters.size + 1, ring, memory };
      this.#ids.set(name, found);
      this.#submitters.set(found.id, found);
    }
    return found;
  }

  // --- what the Kernel tells ---

  #changedHands(entry: Entry, owner: Owner, unique: bigint): void {
    if (owner === 'server') {
      this.#fresh.delete(entry);
      if (unique !== 0n) this.#carrying.set(key(entry.conn, entry.qid, unique), entry);
      this.#inline = entry;
      return;
    }
    if (unique !== 0n) this.#carrying.delete(key(entry.conn, entry.qid, unique));
    else if (entry.command !== undefined) this.#registered = entry;
    this.#fresh.set(entry, unique);
  }

  #delivering(entry: Entry): void {
    this.#fresh.delete(entry);
    this.poison?.verify(entry, this.#w.now());
    this.#submitters.get(entry.command.ring)?.memory.begin(entry);
  }

  /** A held SQE ends: with a request, or with why there will be none. */
  #complete(entry: Entry, res: number): void {
    const submitter = this.#submitters.get(entry.command.ring);
    if (submitter === undefined) return;
    if (res === 0) this.#request(submitter, entry, submitter.memory.request);
    else {
      const { conn, qid, index, command } = entry;
      this.poison?.verify(entry, this.#w.now());
      const at = { t: this.#w.now(), handle: command.handle, conn, tid: submitter.memory.tid };
      const what = {
        ring: submitter.ring,
        command: 0,
        qid,
        entry: index,
        commitId: '',
        result: res,
      };
      this.#w.emit({ kind: 'completion', ...at, ...what, result: res });
    }
    this.#post(submitter, entry.command.userData, res);
  }

  #request({ memory }: Submitter, entry: Entry, bytes: Uint8Array): void {
    const { conn, qid, index, command } = entry;
    const { tid } = memory;
    this.delivered++;
    this.poison?.uses(entry, bytes.length);
    const ring = { qid, entry: index };
    const t = this.#w.now();
    this.#w.emit({ kind: 'request', t, handle: command.handle, conn, tid, bytes, ring });
  }

  #post(submitter: Submitter, userData: bigint, res: number): number {
    this.#w.seam.ringPost(submitter.ring, userData, res);
    return 0;
  }

  /** At the end of a batch: what stays with the kernel is poisoned. */
  #settle(): void {
    for (const [entry, unique] of this.#fresh) {
      const tid = this.#submitters.get(entry.command.ring)?.memory.tid;
      if (tid !== undefined && entry.held) this.poison?.put(entry, tid, unique, this.#w.now());
    }
    this.#fresh.clear();
  }

  // --- what no call tells ---

  /** Looks for rings that were closed and threads that ended: the kernel cancels what they hold. */
  look(): void {
    if (this.#submitters.size === 0) return;
    const { seam } = this.#w;
    for (const ring of seam.ringsGone()) {
      for (const s of [...this.#submitters.values()]) if (s.ring === ring) this.#cancel(s, false);
      this.#w.emit({ kind: 'ring-close', t: this.#w.now(), ring });
    }
    for (const s of [...this.#submitters.values()]) {
      if (!seam.threadLives(s.memory.tid)) this.#cancel(s, true);
    }
  }

  #cancel(submitter: Submitter, taskGone: boolean): void {
    this.#rings?.cancelRing(submitter.id, taskGone);
    this.#submitters.delete(submitter.id);
    this.#ids.delete(`${submitter.ring} ${submitter.memory.tid}`);
  }

  /** Said once each. */
  #unsupported(tid: number, what: string): void {
    if (this.#told.has(what)) return;
    this.#told.add(what);
    this.#w.emit({ kind: 'unsupported', t: this.#w.now(), tid, what });
  }
}

/** Names a request on its way through a queue. */
const key = (conn: number, qid: number, unique: bigint): bigint =>
  (unique << 32n) | BigInt((conn << 16) | qid);
