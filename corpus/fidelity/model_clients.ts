/**
 * Clients in front of the model: each operation of native/clients as the requests it makes the kernel
 * send, one after the other as their answers come.
 */
import type { Outcome, Ticket } from '../../rig/kernel/feed.ts';
import type { ModelKernel } from '../../rig/kernel/model.ts';
import { encodeRequest } from '../../rig/protocol/build.ts';
import { IN_HEADER_SIZE } from '../../rig/protocol/constants.ts';
import { ERRNO } from '../../rig/protocol/errno.ts';
import { Request } from '../../rig/protocol/message.ts';
import { OP } from '../../rig/protocol/opcodes.ts';
import type { Result } from './driver.ts';
import { type Ask, OPERATIONS, type Slots } from './operations.ts';

/** Any pid: it is masked on both sides. */
const PID = 77;

const NOTHING: Outcome = { error: 0, body: new Uint8Array(0), replied: false };

const NO_SUCH_CALL: Outcome = { ...NOTHING, error: -ERRNO.ENOSYS };

interface Running {
  readonly work: Generator<Ask, string, Outcome>;
  readonly conn: number;
  ticket: Ticket;
  killed: boolean;
}

export class ModelClients {
  readonly #model: ModelKernel;
  readonly #running = new Map<string, Running>();
  readonly #slots = new Map<string, Slots>();
  /** On which CPU each runs. */
  readonly #cpus = new Map<string, number>();
  #ended: Record<string, Result> = {};
  /** Requests that end while they are being put in. */
  readonly #early = new Map<Ticket, Outcome>();
  #asking = false;
  /** What has ended, not yet noticed by its client. */
  readonly #late: [Ticket, Outcome][] = [];

  constructor(model: ModelKernel) {
    this.#model = model;
    model.onEnd = (ticket, outcome) =>
      this.#end(ticket, { ...outcome, body: outcome.body.slice() });
  }

  reset(): void {
    this.#running.clear();
    this.#slots.clear();
    this.#late.length = 0;
    this.#cpus.clear();
    this.#ended = {};
  }

  begin(name: string, words: readonly string[], conn: number): void {
    const [operation = '', ...rest] = words;
    if (operation === 'cpu') {
      this.#cpus.set(name, Number(rest[0]));
      this.#ended[name] = { text: '0' };
      return;
    }
    const make = OPERATIONS[operation];
    if (make === undefined)
      throw new Error(`${operation}: no such operation in corpus/fidelity/operations.ts`);
    // Below the mount point nothing is there.
    if (conn === 0) {
      this.#ended[name] = { text: 'ENOENT' };
      return;
    }
    let slots = this.#slots.get(name);
    if (slots === undefined) {
      slots = new Map();
      this.#slots.set(name, slots);
    }
    const running: Running = { work: make(slots, rest), conn, ticket: 0, killed: false };
    this.#running.set(name, running);
    this.#step(name, running, running.work.next());
  }

  /** True: these are signals to a client. */
  signal(name: string, fatal: boolean): boolean {
    if (!/^c/.test(name)) return false;
    this.react();
    const running = this.#running.get(name);
    if (running === undefined) return true;
    if (!fatal) this.#model.interrupt(running.ticket);
    else {
      running.killed = true;
      this.#model.kill(running.ticket);
    }
    return true;
  }

  /** Somebody is at work in the mount. */
  busy(conn: number): boolean {
    return [...this.#running.values()].some((running) => running.conn === conn);
  }

  ended(): Record<string, Result> {
    const ended = this.#ended;
    this.#ended = {};
    return ended;
  }

  asleep(): string[] {
    return [...this.#running.keys()];
  }

  #finish(name: string, text: string): void {
    this.#running.delete(name);
    this.#ended[name] = { text };
  }

  #step(name: string, running: Running, next: IteratorResult<Ask, string>): void {
    let now = next;
    while (!now.done) {
      const outcome = this.#ask(name, running, now.value);
      if (outcome === undefined) return;
      now = running.work.next(outcome);
    }
    this.#finish(name, now.value);
  }

  /** The outcome, if it is known at once. */
  #ask(name: string, running: Running, ask: Ask): Outcome | undefined {
    if (ask.forget !== undefined) {
      this.#model.forget(running.conn, [{ nodeid: ask.nodeid, nlookup: ask.forget }]);
      return NOTHING;
    }
    if (this.#model.latched(running.conn, OP[ask.op].opcode)) return NO_SUCH_CALL;
    const negotiated = this.#model.negotiated(running.conn);
    const head = { unique: 0n, nodeid: ask.nodeid };
    const bytes = encodeRequest(OP[ask.op], head, ask.args ?? {}, negotiated);
    const message = new Request(bytes, negotiated);
    const nobody = message.background;
    this.#asking = true;
    const ticket = this.#model.enqueue(running.conn, {
      opcode: message.opcode,
      nodeid: ask.nodeid,
      uid: 0,
      gid: 0,
      pid: nobody ? 0 : PID,
      body: bytes.slice(IN_HEADER_SIZE),
      extlen: bytes[36] ?? 0,
      background: message.background,
      force: message.force,
      cpu: this.#cpus.get(name) ?? 0,
    });
    this.#asking = false;
    if (ask.leave === true) return NOTHING;
    const early = this.#early.get(ticket);
    this.#early.clear();
    running.ticket = ticket;
    return early;
  }

  #end(ticket: Ticket, outcome: Outcome): void {
    if (this.#asking) {
      this.#early.set(ticket, outcome);
      return;
    }
    this.#late.push([ticket, outcome]);
  }

  /** Clients go on when the call that answered them has ended. */
  react(): void {
    for (const [ticket, outcome] of this.#late.splice(0)) this.#goOn(ticket, outcome);
  }

  #goOn(ticket: Ticket, outcome: Outcome): void {
    for (const [name, running] of this.#running) {
      if (running.ticket !== ticket) continue;
      if (running.killed) this.#finish(name, 'killed');
      else this.#step(name, running, running.work.next(outcome));
      return;
    }
  }
}
