/**
 * One connection (struct fuse_conn): requests from their allocation to their end, and the end of
 * everything (fuse_get_req(), fuse_request_end() and fuse_abort_conn() in fs/fuse/dev.c).
 * Callbacks (`host`) run when the state is consistent again, and may call back in.
 */
import { ERRNO } from '../protocol/errno.ts';
import { BEFORE_INIT, has, type Negotiated } from '../protocol/negotiated.ts';
import { OP } from '../protocol/opcodes.ts';
import { Background } from './background.ts';
import type { ConnectionHost } from './connection-host.ts';
import type { Device } from './device.ts';
import type { Forget } from './feed.ts';
import { ownHeader } from './in-header.ts';
import { InputQueue } from './input-queue.ts';
import { cancelInterrupt } from './interrupt.ts';
import type { ConnId } from './kernel.ts';
import { isLatching } from './latches.ts';
import type { MountOptions } from './mount-options.ts';
import { FuseReq } from './request.ts';
import { RequestQueue } from './request-queue.ts';
import type { Ring } from './ring/ring.ts';
import type { Switches } from './versions.ts';

const EMPTY = new Uint8Array(0);

export class Connection {
  readonly id: ConnId;
  readonly dev: number;
  readonly host: ConnectionHost;
  readonly switches: Switches;
  readonly options: MountOptions;
  readonly input = new InputQueue();
  readonly background: Background;
  /** Bound handles, in the order they were bound. */
  readonly devices: Device[] = [];
  readonly latches = new Set<number>();
  /** Backing files by id (fc->backing_files_map), and the last id given. */
  readonly backing = new Set<number>();
  lastBackingId = 0;
  negotiated: Negotiated = BEFORE_INIT;
  connected = true;
  /** INIT was answered, or never will be: allocation no longer waits. */
  initialized = false;
  /** INIT was accepted (fc->conn_init), or refused (fc->conn_error). */
  accepted = false;
  refused = false;
  /** Readers of the dead connection get ECONNABORTED. */
  aborted = false;
  noInterrupt = false;
  /** The superblock exists: nodes can be found, the handle can be mounted again. */
  mounted = true;
  /** Requests from allocation to end, blocked callers too (fc->num_waiting). */
  waiting = 0;
  /** INIT agreed on a ring, and no REGISTER failed (fc->io_uring); the ring, from the first on. */
  ringWanted = false;
  ring: Ring | undefined;
  readonly #blocked = new RequestQueue();
  #queued = false;
  #destroying = false;

  constructor(
    id: ConnId,
    dev: number,
    options: MountOptions,
    switches: Switches,
    host: ConnectionHost,
  ) {
    this.id = id;
    this.dev = dev;
    this.options = options;
    this.switches = switches;
    this.host = host;
    this.background = new Background((req) => this.#queue(req));
  }

  /** Allocates and sends: fuse_simple_request(), _background() and _notify_reply(). */
  enqueue(req: FuseReq): void {
    this.waiting++;
    if (!req.force && this.#mustWait(req)) this.#blocked.push(req);
    else this.#send(req);
    this.#wakeIfQueued();
  }

  forget(forgets: readonly Forget[]): void {
    if (!this.input.connected || forgets.length === 0) return;
    this.input.forgets.push(forgets);
    this.wake();
  }

  /** fuse_block_alloc(). */
  #mustWait(req: FuseReq): boolean {
    if (!this.initialized || (req.background && this.background.blocked)) return true;
    return this.ringWanted && this.connected && !this.ring?.ready;
  }

  #send(req: FuseReq, waited = false): void {
    req.created = this.host.now;
    if (!this.connected || (this.refused && !req.force)) {
      const refuses = this.connected || (this.refused && !waited && this.switches.refusedFirst);
      this.end(req, refuses ? -ERRNO.ECONNREFUSED : -ERRNO.ENOTCONN);
      return;
    }
    req.interrupted ||= req.signalled && !this.noInterrupt;
    if (this.noInterrupt || req.signalled) req.wait = 'killable';
    if (!req.background) this.#queue(req);
    else if (this.ring?.ready) this.ring.queueBackground(req);
    else this.background.add(req);
  }

  /** fuse_send_one(): to the ring as soon as it is ready. */
  #queue(req: FuseReq): void {
    if (!req.numbered) req.unique = this.input.nextUnique();
    if (this.ring?.ready) {
      this.ring.queue(req);
      return;
    }
    req.place = 'pending';
    this.input.pending.push(req);
    this.#queued = true;
  }

  /** Takes a request off the queue it waits in. */
  unqueue(req: FuseReq): void {
    if (req.place === 'blocked') this.#blocked.delete(req);
    else if (req.place === 'pending') (req.queue ?? this.input).pending.delete(req);
  }

  /**
   * fuse_request_end(), of a request that is in no queue and no table any more. `body` may be a
   * view of what the server wrote; `admit`: it made room for a sleeper in the allocation.
   */
  end(req: FuseReq, error: number, body: Uint8Array = EMPTY, replied = false, admit = false): void {
    if (req.place === 'ended') return;
    req.place = 'ended';
    cancelInterrupt(this, req);
    this.waiting--;
    const room = req.counted ? this.background.ended(req) : admit;
    if (replied && error === -ERRNO.ENOSYS && isLatching(req.spec.opcode)) {
      this.latches.add(req.spec.opcode);
    }
    const outcome = { error, body: error === 0 ? body : EMPTY, replied };
    if (req.own !== undefined) req.own(outcome);
    else this.host.ended(req, outcome);
    if (room) this.#admitOne();
    this.#wakeIfQueued();
  }

  /** One waiter of fc->blocked_waitq goes on, if there is one that need not sleep again. */
  #admitOne(): boolean {
    for (const req of this.#blocked) {
      if (this.#mustWait(req)) continue;
      this.#blocked.delete(req);
      this.#send(req, true);
      return true;
    }
    return false;
  }

  /** wake_up_all(&fc->blocked_waitq). Each may end others, or everything: look again every time. */
  admitAll(): void {
    while (this.#admitOne());
    this.#wakeIfQueued();
  }

  /** fuse_set_initialized(), with what INIT agreed on. `body` is the reply's, for the host. */
  initialize(negotiated: Negotiated, body: Uint8Array): void {
    this.negotiated = negotiated;
    this.accepted = negotiated.accepted;
    this.refused = !negotiated.accepted;
    if (this.connected) {
      this.background.max = negotiated.maxBackground;
      this.background.congestionThreshold = negotiated.congestionThreshold;
    }
    this.initialized = true;
    this.host.inited(this, body);
    this.admitAll();
  }

  /** A write to fusectl `max_background`. */
  limitBackground(max: number): void {
    this.background.limit(max);
    if (!this.background.blocked) this.#admitOne();
    this.#wakeIfQueued();
  }

  /** Wakes every handle: something can be read, or the state is another one. */
  wake(): void {
    this.#queued = false;
    for (const device of [...this.devices]) this.host.wake(device.id);
  }

  #wakeIfQueued(): void {
    if (this.#queued) this.wake();
  }

  /** fusectl `abort`: only here, and only if ABORT_ERROR was negotiated, readers are told so. */
  abortByUser(): void {
    if (has(this.negotiated, 'ABORT_ERROR')) this.aborted = true;
    this.abort();
  }

  /** fuse_abort_conn(): ends everything, `doomed` first; a second time does nothing. */
  abort(doomed: FuseReq[] = []): void {
    if (!this.connected) return;
    this.connected = false;
    this.initialized = true;
    for (const device of this.devices) doomed.push(...device.takeProcessing());
    this.background.open();
    this.input.connected = false;
    // FR_PENDING is cleared before anybody runs: nobody may take these off the queue any more.
    doomed.push(...this.input.pending.takeAll());
    this.input.forgets.clear();
    for (const req of doomed) req.place = 'sent';
    this.wake();
    for (const req of doomed) this.end(req, -ERRNO.ECONNABORTED);
    this.ring?.abort();
    this.admitAll();
  }

  /**
   * The last reference to the superblock goes (fuse_kill_sb_anon(), fuse_kill_sb_blk()): a block
   * one sends DESTROY and awaits its reply first. `gone` is called when there is none any more.
   */
  shutdown(gone: () => void = () => {}): void {
    if (!this.mounted || this.#destroying) return;
    const end = (): void => {
      this.mounted = false;
      if (this.switches.unmountHidesAbort) this.aborted = false;
      this.abort();
      this.ring === undefined ? gone() : this.ring.whenDrained(gone);
    };
    if (this.options.isBdev && this.accepted && this.connected) {
      this.#destroying = true;
      const spec = { ...ownHeader(OP.DESTROY.opcode), body: EMPTY, force: true };
      this.enqueue(new FuseReq(0, spec, end));
    } else end();
  }

  /** fuse_dev_release() of one of the handles. */
  release(device: Device): void {
    const at = this.devices.indexOf(device);
    if (at >= 0) this.devices.splice(at, 1);
    const doomed = device.takeProcessing();
    // The last one ends them too before it aborts, but whom that wakes finds the connection dead.
    if (this.devices.length === 0) this.abort(doomed);
    else for (const req of doomed) this.end(req, -ERRNO.ECONNABORTED);
  }
}
