/**
 * Walks the capture once, in order. A request is put into the model's queue as soon as every reply
 * that precedes it in the capture has arrived in this run; a captured reply waits for this run's.
 * So concurrency is what was recorded, the order of comparison is the capture's whatever the server's
 * threads do, and memory holds only what is in flight.
 */
import type {
  InjectedEvent,
  ReplaySink,
  ReplyEvent,
  RequestEvent,
  SessionEvent,
  UnansweredEvent,
} from '../rig/events.ts';
import type { Feed, Outcome, Ticket } from '../rig/kernel/feed.ts';
import { OUT_HEADER_SIZE } from '../rig/protocol/constants.ts';
import { ProtocolError, readU32 } from '../rig/protocol/cursor.ts';
import { ERRNO } from '../rig/protocol/errno.ts';
import { opcodeOf } from '../rig/protocol/header.ts';
import { Reply } from '../rig/protocol/message.ts';
import { BEFORE_INIT, type Negotiated } from '../rig/protocol/negotiated.ts';
import { NOTIFY } from '../rig/protocol/notify.ts';
import { OP } from '../rig/protocol/opcodes.ts';
import { Asker } from './ask.ts';
import { faulted, isRelease, isResent, named, negotiateWith, repliedTo } from './captured.ts';
import { compare, isDirectory, normalForm } from './compare.ts';
import type { Flight } from './flight.ts';
import { failed, mustBeAnswered } from './lacks.ts';
import { normalReply, type OwnerMap } from './normal.ts';
import type { Side } from './side.ts';
import { Sides } from './sides.ts';

const NOTHING = new Uint8Array(0);
/** sizeof(struct fuse_notify_store_out). */
const STORE_OUT = 24;

export class Cursor {
  done = false;
  /** How the captured server's first process ended, once the cursor has passed that. */
  capturedExit: { code: number | null; signal: number | null } | undefined;
  readonly #events: Iterator<SessionEvent>;
  readonly #feed: Feed;
  readonly #asker: Asker;
  readonly #emit: ReplaySink;
  readonly #owners: OwnerMap;
  readonly #serial: boolean;
  readonly #sides = new Sides();
  #current: SessionEvent | undefined;
  /** Recorded time of the event passed last. */
  #passedAt = 0;
  #ended: Flight | undefined;

  /** `cpus`: possible CPUs of this run, and so the queues of a ring. `serial`: a request is asked only when none is unanswered. */
  constructor(
    events: Iterator<SessionEvent>,
    feed: Feed,
    owners: OwnerMap,
    emit: ReplaySink,
    { cpus = 1, serial = false }: { cpus?: number; serial?: boolean } = {},
  ) {
    this.#serial = serial;
    this.#feed = feed;
    this.#events = events;
    this.#asker = new Asker(feed, owners, emit, cpus);
    this.#owners = owners;
    this.#emit = emit;
    feed.onEnd = (ticket, outcome) => this.#onEnd(ticket, outcome);
    feed.onNotify = (conn, code, body) => this.#onNotify(conn, code, body);
    this.#advance();
  }

  /** Connections of this run, as they are mounted. */
  connected(conn: number): void {
    this.#sides.at(conn).gone = this.#stopped !== undefined;
    this.#mounted.add(conn);
  }
  readonly #mounted = new Set<number>();

  /** Counts the requests of the capture before which nothing was unanswered there. */
  moment = 0;

  /** Requests of the capture passed so far. */
  get index(): number {
    return this.#asker.index;
  }

  /** Requests asked and not ended. */
  get inFlight(): number {
    return this.#asker.tickets.size;
  }

  /** Requests asked while others were not answered. */
  get overlaps(): number {
    return this.#asker.overlaps;
  }

  /** How long nothing happened in the capture before the event that is waited for. */
  get recordedGapMs(): number {
    return Math.max(0, ((this.#current?.t ?? 0) - this.#passedAt) / 1e6);
  }

  #advance(): void {
    this.#passedAt = this.#current?.t ?? 0;
    const { value, done } = this.#events.next();
    this.#current = done ? undefined : value;
    this.done = done === true;
  }

  /** Does everything that is due. */
  pump(): void {
    if (this.#halted !== undefined) {
      this.#leave(this.#halted);
      return;
    }
    while (this.#current !== undefined && this.#step(this.#current)) this.#advance();
    if (this.#stopped !== undefined) this.#drain(this.#stopped);
  }

  /** Passes the event if it is due or no matter; false: it must wait. */
  #step(event: SessionEvent): boolean {
    if (event.kind === 'request') {
      const { index } = this.#asker;
      try {
        return this.#request(event);
      } catch (error) {
        this.#malformed(event, index, error);
        return true;
      }
    }
    if (event.kind === 'reply') return this.#reply(event);
    if (event.kind === 'mount') return event.result !== 0 || this.#mounted.has(event.conn);
    if (event.kind === 'exit' && event.main) {
      this.capturedExit = { code: event.code, signal: event.signal };
    }
    return true;
  }

  /** Whether a request must wait for the answers to others although the capture's did not. */
  #held(event: RequestEvent): boolean {
    const opcode = opcodeOf(event.bytes);
    // Both are for a server that has yet to answer.
    if (opcode === OP.INTERRUPT.opcode || opcode === OP.NOTIFY_REPLY.opcode) return false;
    for (const flight of this.#asker.tickets.values()) if (!flight.waits) return true;
    return false;
  }

  /**
   * The server waits, asked one at a time: for a request behind (a lock that is given back), or for
   * nothing. Returns false if no request was held for that.
   */
  release(): boolean {
    if (!this.#serial || this.#current?.kind !== 'request' || !this.#held(this.#current)) {
      return false;
    }
    for (const flight of this.#asker.tickets.values()) flight.waits = true;
    this.pump();
    return true;
  }

  /** A captured request that no kernel sends is named and passed; `before` is the index before it. */
  #malformed(event: RequestEvent, before: number, error: unknown): void {
    if (!(error instanceof ProtocolError)) throw error;
    this.#asker.index = before + 1;
    const detail = `malformed in the capture: ${error.message}`;
    this.#emit({ kind: 'unanswered', ...named(event, before + 1), why: 'orphaned', detail });
  }

  #request(event: RequestEvent): boolean {
    if (!this.#mounted.has(event.conn)) return false;
    if (this.paused && this.#stopped === undefined) return false;
    if (this.#serial && this.#held(event)) return false;
    const side = this.#sides.at(event.conn);
    if (this.#sides.idle) this.moment++;
    const asker = this.#asker;
    const opcode = opcodeOf(event.bytes);
    if (event.ring !== undefined) side.carries(event.ring, opcode === OP.NOTIFY_REPLY.opcode);
    if (opcode === OP.NOTIFY_REPLY.opcode) return asker.notifyReply(event, side);
    if (opcode === OP.INIT.opcode) {
      side.initRequest = event.bytes.slice();
      asker.index++;
    } else if (opcode === OP.INTERRUPT.opcode) asker.interrupt(event, side);
    else if (opcode === OP.FORGET.opcode || opcode === OP.BATCH_FORGET.opcode) {
      asker.forget(event, side);
    } else if (opcode === OP.RELEASEDIR.opcode) return asker.releasedir(event, side);
    else if (!isResent(event.bytes)) asker.ask(event, side);
    return true;
  }

  #onNotify(conn: number, code: number, body: Uint8Array): void {
    const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
    if (code === NOTIFY.STORE.code) {
      const at = Number(view.getBigUint64(8, true));
      this.#sides.at(conn).stored.put(view.getBigUint64(0, true), at, body.slice(STORE_OUT));
    }
    if (code !== NOTIFY.RETRIEVE.code) return;
    this.#sides.at(conn).retrieves.push({
      unique: view.getBigUint64(0, true),
      nodeid: view.getBigUint64(8, true),
    });
  }

  #onEnd(ticket: Ticket, outcome: Outcome): void {
    this.#asker.endOwn(ticket, outcome);
    const { tickets } = this.#asker;
    const flight = tickets.get(ticket);
    if (flight === undefined) {
      this.#asker.early.push({ ticket, outcome });
      return;
    }
    tickets.delete(ticket);
    flight.open--;
    if (flight.outcome === undefined || flight.outcome.error === 0) {
      const { error, replied } = outcome;
      flight.outcome = { error, body: NOTHING, replied };
    }
    if (flight.opcode === OP.WRITE.opcode && outcome.error === 0 && outcome.body.length >= 4) {
      flight.written += readU32(outcome.body, 0);
    }
    // Where the kernel ended it no reply event follows, or none that says anything.
    if (outcome.replied) this.#ended = flight;
  }

  /** The session took a write of the server. Must follow the `onEnd` it caused. */
  replied(event: ReplyEvent): void {
    const flight = this.#ended;
    this.#ended = undefined;
    if (flight === undefined) {
      this.pump();
      return;
    }
    flight.reply = event.bytes;
    this.pump();
    // Not compared yet: the bytes are the seam's buffer, which the next call overwrites.
    if (this.#sides.at(flight.conn).flights.get(flight.unique) === flight) {
      flight.reply = event.bytes.slice();
    }
  }

  /** This run's INIT was answered. */
  initialised(conn: number, negotiated: Negotiated): void {
    const side = this.#sides.at(conn);
    side.init = negotiated.accepted;
    side.agreed({ run: negotiated });
  }

  #reply(event: ReplyEvent): boolean {
    const side = this.#sides.at(event.conn);
    // Too short to say what it answers: the kernel took none of it.
    if (event.bytes.length < OUT_HEADER_SIZE) return true;
    // The request had ended before its reply came (the connection was gone): it was never answered.
    if (event.result === -ERRNO.ENOENT) return true;
    // A NOTIFY_REPLY is committed under a number that the server chose.
    if (event.ring !== undefined && side.commitsNotifyReply(event.ring)) return true;
    const unique = repliedTo(event.bytes);
    if (unique === undefined) return true;
    if (side.captured === BEFORE_INIT && unique === 2) return this.#initReply(event, side);
    const flight = side.flights.get(unique);
    if (flight === undefined) return true;
    if (flight.open > 0 && flight.fault?.fate !== 'stuck' && flight.cut === undefined) return false;
    side.flights.delete(flight.unique);
    if (flight.cut !== undefined) {
      this.#emit(this.#givenUp(flight, 'ended', flight.cut));
      return true;
    }
    // What a fault has cost its answer is not compared; ids that never came are learned to be lost.
    const answered = compare(event, side, flight, this.#owners);
    const ended = flight.outcome?.replied !== true;
    // Answered again, after it was told that its answer had failed: it may say so.
    const unsure = flight.fault?.fate === 'unsure' && answered.expected !== answered.actual;
    const excused = unsure || (ended && (flight.fault !== undefined || this.#mayEnd));
    if (failed(flight, answered)) {
      const { nodeid, fh, opcode } = flight;
      if (isDirectory(opcode)) side.readStream(BigInt(nodeid), BigInt(fh ?? 0))?.break();
      this.#emit(faulted(flight));
    } else this.#emit(excused ? this.#givenUp(flight, 'ended', 'the connection ended') : answered);
    return true;
  }

  #initReply(event: ReplyEvent, side: Side): boolean {
    if (side.init === undefined && !side.gone) return false;
    // Without one the two runs are taken to have agreed on the same.
    side.agreed({ captured: negotiateWith(side.initRequest, event.bytes) ?? side.run });
    return true;
  }

  /** Gives up what the cursor waits for: the server is quiet, or gone. Returns false if it waits for nothing. */
  giveUp(why: 'missing' | 'ended', detail: string): boolean {
    const event = this.#current;
    if (event === undefined) return false;
    if (event.kind === 'reply') {
      const side = this.#sides.at(event.conn);
      const flight = side.flights.get(repliedTo(event.bytes) ?? 0);
      // The captured kernel has got its INIT reply, this run's has not: waiting is over.
      if (flight === undefined) side.captured = side.run;
      if (flight !== undefined) {
        side.flights.delete(flight.unique);
        this.#emit(this.#givenUp(flight, why, detail));
      }
    } else if (event.kind === 'request') {
      if (opcodeOf(event.bytes) === OP.INIT.opcode) {
        this.#sides.at(event.conn).initRequest = event.bytes.slice();
      }
      this.#emit({ kind: 'unanswered', ...named(event, ++this.#asker.index), why, detail });
    }
    this.#asker.dropOwn();
    this.#advance();
    return true;
  }

  /** A request that is not waited for any longer. */
  #givenUp(flight: Flight, why: 'missing' | 'ended', detail: string): UnansweredEvent {
    const { index, conn, opcode, nodeid, fault } = flight;
    if (fault !== undefined && !mustBeAnswered(fault.fate)) return faulted(flight);
    const at = { index, conn, opcode, nodeid };
    if (why === 'missing' && this.#mayEnd && !this.#delivered(flight)) {
      return { kind: 'unanswered', ...at, why: 'ended', detail: `not taken any more: ${detail}` };
    }
    return { kind: 'unanswered', ...at, why, detail };
  }

  #delivered(flight: Flight): boolean {
    for (const [ticket, one] of this.#asker.tickets) {
      if (one === flight && this.#feed.delivered?.(ticket) === true) return true;
    }
    return false;
  }

  /** A fault was injected. Returns the place among the captured requests of the one it is about, or 0. */
  injected(event: InjectedEvent): number {
    if (!event.goesOn && !event.refused) {
      this.#mayEnd = true;
      this.paused = true;
    }
    const flight = this.#flightIn(event);
    this.#asker.lacks.take(event, flight);
    return flight?.index ?? 0;
  }

  #flightIn({ conn, unique, opcode, at }: InjectedEvent): Flight | undefined {
    if (unique !== '') return this.#flightOf(conn, BigInt(`0x${unique}`), opcode);
    const { asking } = this.#asker;
    return at === 'ask' && asking?.conn === conn ? asking : undefined;
  }

  /** The server has again what a rule of the plan took. */
  released(rule: number): void {
    this.#asker.lacks.released(rule);
  }
  #mayEnd = false;
  /**
   * After a fault that may end the server nothing is asked until it has done what it does then: else it
   * would be chance how much a server that ends still answers.
   */
  paused = false;

  #flightOf(conn: number, unique: bigint, opcode: number): Flight | undefined {
    const { tickets, asking } = this.#asker;
    for (const [ticket, flight] of tickets) {
      if (flight.conn === conn && this.#feed.uniqueOf(ticket) === unique) return flight;
    }
    return asking?.conn === conn && asking.request.opcode === opcode ? asking : undefined;
  }

  /** The place of a request in the capture, or of the one that is being asked; 0 for none. */
  placeOf(conn: number, unique: bigint, opcode: number): number {
    const { asking } = this.#asker;
    if (unique === 0n) return asking?.conn === conn ? asking.index : 0;
    return this.#flightOf(conn, unique, opcode)?.index ?? 0;
  }

  /** Whether a request is none of the capture's: no plan counts it, as no other run need have it. */
  isOwn(opcode: number, unique: bigint): boolean {
    return this.#asker.isOwn(opcode, unique);
  }

  /** What this ticket asked will not be answered, because of a fault. */
  lose(ticket: Ticket, text: string): void {
    const flight = this.#asker.tickets.get(ticket);
    if (flight !== undefined) flight.fault = { text, fate: 'lost' };
  }

  /** umount(2) would be refused: a client has something open, or waits for an answer. */
  busy(conn: number): boolean {
    for (const flight of this.#asker.tickets.values()) {
      if (flight.conn === conn && !isRelease(flight.opcode)) return true;
    }
    return this.#sides.at(conn).identity.open > 0;
  }

  /** The mount is lazily unmounted. */
  detach(conn: number): void {
    this.#sides.at(conn).detached = true;
  }

  /** Every mount was lazily unmounted, and nothing is open any more. */
  get detached(): boolean {
    if (this.#mounted.size === 0 || this.#asker.tickets.size > 0) return false;
    return [...this.#mounted].every((c) => this.#sides.at(c).detached && !this.busy(c));
  }

  /**
   * A teardown: nothing more is asked, and nothing that is unanswered now is waited for. The rest of
   * the capture is named at the next pump: this one may be going on.
   */
  stop(detail: string): void {
    if (this.#halted !== undefined) return;
    this.#stopped ??= detail;
    this.onStop();
    this.#sides.close();
    this.#sides.cut(detail);
  }
  #stopped: string | undefined;
  onStop: () => void = () => {};

  /** The session ends here, and another goes on with the `rest`: what is unanswered now stays so. */
  halt(detail: string): void {
    if (this.#stopped !== undefined) return;
    this.#halted ??= detail;
    this.onStop();
    this.#sides.close();
  }
  #halted: string | undefined;

  get halted(): boolean {
    return this.#halted !== undefined;
  }

  /** What the session has left unanswered, by its place in the capture: once. */
  #leave(detail: string): void {
    for (const flight of this.#sides.takeFlights())
      this.#emit(this.#givenUp(flight, 'ended', detail));
  }

  /** Events of the capture that were not passed. */
  *rest(): Generator<SessionEvent> {
    if (this.#current !== undefined) yield this.#current;
    for (let next = this.#events.next(); next.done !== true; next = this.#events.next()) {
      yield next.value;
    }
  }

  /** Recorded time of the event that is waited for. */
  get passedUntil(): number {
    return this.#current?.t ?? Number.POSITIVE_INFINITY;
  }

  /** Requests up to this place of the capture were passed before this session. */
  passedBefore(index: number): void {
    this.#asker.index = index;
  }

  /** Names what is left of the capture after a teardown. */
  #drain(detail: string): void {
    while (this.#current !== undefined) {
      if (this.#step(this.#current)) this.#advance();
      else this.giveUp('ended', detail);
    }
  }

  /** The connection is dead: nothing more is asked of it. */
  disconnected(conn: number): void {
    this.#sides.at(conn).gone = true;
  }

  /** Says what was never answered on either side, and what only this run answered. */
  finish(): void {
    for (const flight of this.#sides.takeFlights()) {
      const { index, conn, opcode, nodeid, outcome, reply, request, cut } = flight;
      const at = { index, conn, opcode, nodeid };
      if (outcome?.replied && reply !== undefined && cut === undefined) {
        const actual = normalForm(() => normalReply(request, new Reply(reply, request)));
        this.#emit({ kind: 'news', ...at, actual });
      } else {
        this.#emit({ kind: 'unanswered', ...at, why: 'as-captured', detail: 'never answered' });
      }
    }
  }
}
