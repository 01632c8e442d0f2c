/**
 * Clients in front of the model: each operation of native/clients as the requests it makes the kernel
 * send, one after the other as their answers come.
 */
import { clientError } from '../../rig/kernel/client-error.ts';
import type { Outcome, Ticket } from '../../rig/kernel/feed.ts';
import type { ModelKernel } from '../../rig/kernel/model.ts';
import { concat, writeU32 } from '../../rig/protocol/cursor.ts';
import { bareReply } from '../../rig/protocol/header.ts';
import { Reply, type Request } from '../../rig/protocol/message.ts';
import type { Result } from './driver.ts';
import { requestOf } from './model_request.ts';
import type { ModelTree } from './model_tree.ts';
import { subject, viewOf } from './model_view.ts';
import type { Ask, OpenFile } from './operations/ask.ts';
import { OPERATIONS } from './operations/index.ts';

/** What statfs says of the file system that the mount point lies in. */
const BENEATH = 'names 255';

interface Running {
  readonly work: Generator<Ask, string, Outcome>;
  readonly conn: number;
  /** What it waits for. */
  ask: Ask | undefined;
  request: Request | undefined;
  ticket: Ticket;
  killed: boolean;
}

export class ModelClients {
  readonly #model: ModelKernel;
  readonly #running = new Map<string, Running>();
  readonly #tree: ModelTree;
  /** Open files by client, with the connection each belongs to. */
  readonly #slots = new Map<string, Map<string, OpenFile>>();
  readonly #connOf = new Map<OpenFile, number>();
  /** Files opened of each connection so far. */
  readonly #opens = new Map<number, number>();
  /** The last file of a connection is closed. */
  onIdle: (conn: number) => void = () => {};
  /** On which CPU each runs. */
  readonly #cpus = new Map<string, number>();
  #ended: Record<string, Result> = {};
  /** Requests that end while they are being put in. */
  readonly #early = new Map<Ticket, Outcome>();
  #asking = false;
  /** What has ended, not yet noticed by its client. */
  readonly #late: [Ticket, Outcome][] = [];

  constructor(model: ModelKernel, tree: ModelTree) {
    this.#model = model;
    this.#tree = tree;
    tree.isOpen = (conn, nodeid) =>
      [...this.#connOf].some(([file, of]) => of === conn && file.nodeid === nodeid);
    model.onEnd = (ticket, outcome) =>
      this.#end(ticket, { ...outcome, body: outcome.body.slice() });
  }

  reset(): void {
    this.#running.clear();
    this.#slots.clear();
    this.#late.length = 0;
    this.#cpus.clear();
    this.#connOf.clear();
    this.#ended = {};
  }

  begin(name: string, words: readonly string[], mounted: number): void {
    const [operation = '', ...rest] = words;
    if (this.#running.has(name)) return;
    if (operation === 'cpu') {
      this.#cpus.set(name, Number(rest[0]));
      this.#ended[name] = { text: '0' };
      return;
    }
    const file = operation === 'open' ? undefined : this.#slots.get(name)?.get(rest[0] ?? '');
    const conn = (file && this.#connOf.get(file)) ?? mounted;
    const make = OPERATIONS[operation];
    if (make === undefined)
      throw new Error(`${operation}: no such operation in corpus/fidelity/operations`);
    // Below the mount point nothing is there.
    if (conn === 0) {
      const itself = operation === 'statfs' && !rest[0]?.includes('/');
      this.#ended[name] = { text: itself ? BENEATH : 'ENOENT' };
      return;
    }
    const view = viewOf(this.#model, conn, this.#slotsOf(name), this.#opens);
    const running: Running = {
      work: make(view, rest),
      conn,
      ask: undefined,
      request: undefined,
      ticket: 0,
      killed: false,
    };
    this.#running.set(name, running);
    this.#step(name, running, running.work.next());
  }

  /** Whether files of the connection are open, or somebody is at work on it. */
  busy(conn: number): boolean {
    const working = [...this.#running.values()].some((running) => running.conn === conn);
    return working || [...this.#connOf.values()].includes(conn);
  }

  #slotsOf(name: string): Map<string, OpenFile> {
    let slots = this.#slots.get(name);
    if (slots === undefined) {
      slots = new Map();
      this.#slots.set(name, slots);
    }
    return slots;
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

  ended(): Record<string, Result> {
    const ended = this.#ended;
    this.#ended = {};
    return ended;
  }

  asleep(): string[] {
    return [...this.#running.keys()];
  }

  #finish(name: string, text: string): void {
    const running = this.#running.get(name);
    this.#running.delete(name);
    this.#ended[name] = { text };
    if (running === undefined) return;
    const { conn } = running;
    const files = [...(this.#slots.get(name)?.values() ?? [])];
    for (const file of files) if (!this.#connOf.has(file)) this.#connOf.set(file, conn);
    // Files that are in no slot any more are closed.
    const open = new Set([...this.#slots.values()].flatMap((slots) => [...slots.values()]));
    for (const [file, of] of [...this.#connOf]) {
      if (open.has(file)) continue;
      this.#connOf.delete(file);
      this.#tree.release(of, file.nodeid);
    }
    if (!this.busy(conn)) this.onIdle(conn);
  }

  #step(name: string, running: Running, next: IteratorResult<Ask, string>): void {
    let now = next;
    while (!now.done) {
      const outcome = this.#ask(name, running, now.value);
      if (outcome === undefined) return;
      this.#took(running, outcome);
      now = running.work.next(outcome);
    }
    this.#finish(name, now.value);
  }

  /** What the kernel makes of a reply the device has taken. */
  #judged({ request, conn }: Running, outcome: Outcome): Outcome {
    if (request === undefined || !outcome.replied || outcome.error !== 0) return outcome;
    const message = concat([bareReply(request.unique, 0), outcome.body]);
    writeU32(message, 0, message.length);
    const error = clientError(
      new Reply(message, request),
      this.#tree.typeOf(conn, subject(request)),
    );
    return error === 0 ? outcome : { ...outcome, error };
  }

  #took(running: Running, outcome: Outcome): void {
    if (running.ask !== undefined) this.#tree.took(running.conn, running.ask, outcome);
    running.ask = undefined;
  }

  /** The outcome, if it is known at once. */
  #ask(name: string, running: Running, ask: Ask): Outcome | undefined {
    const { message, spec } = requestOf(this.#model, running.conn, ask, this.#cpus.get(name) ?? 0);
    this.#asking = true;
    const ticket = this.#model.enqueue(running.conn, spec);
    this.#asking = false;
    if (ask.leave === true) return { error: 0, body: new Uint8Array(0), replied: false };
    const early = this.#early.get(ticket);
    this.#early.clear();
    running.ticket = ticket;
    running.ask = ask;
    running.request = message;
    return early === undefined ? undefined : this.#judged(running, early);
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
      const judged = this.#judged(running, outcome);
      this.#took(running, judged);
      if (running.killed) this.#finish(name, 'killed');
      else this.#step(name, running, running.work.next(judged));
      return;
    }
  }
}
