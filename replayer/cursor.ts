/**
 * Walks the capture once, in order. A request is put into the model's queue as soon as every reply
 * that precedes it in the capture has arrived in this run; a captured reply waits for this run's.
 * So concurrency is what was recorded, the order of comparison is the capture's whatever the server's
 * threads do, and memory holds only what is in flight.
 */
import type { ReplaySink, ReplyEvent, RequestEvent, SessionEvent } from '../rig/events.ts';
import type { Feed, Outcome, Ticket } from '../rig/kernel/feed.ts';
import { errnoName } from '../rig/protocol/errno.ts';
import { nodeidOf, opcodeOf, uniqueOf } from '../rig/protocol/header.ts';
import { Reply, Request } from '../rig/protocol/message.ts';
import { BEFORE_INIT, type Negotiated, negotiate } from '../rig/protocol/negotiated.ts';
import { NOTIFY } from '../rig/protocol/notify.ts';
import { OP } from '../rig/protocol/opcodes.ts';
import { DirectoryStream } from './directory.ts';
import type { Flight } from './flight.ts';
import { Identity } from './identity.ts';
import { learnDirectory, learnIds, learnLost } from './learn.ts';
import { normalReply, type OwnerMap } from './normal.ts';
import { adapt, Orphan, translate } from './translate.ts';

const RESENT = 1n << 63n;

/** One connection's state: the capture's and this run's. */
class Side {
  readonly identity = new Identity();
  readonly streams = new Map<bigint, DirectoryStream>();
  readonly flights = new Map<bigint, Flight>();
  /** RETRIEVE notifications of this run whose NOTIFY_REPLY the capture has not reached. */
  readonly retrieves: { unique: bigint; nodeid: bigint }[] = [];
  captured: Negotiated = BEFORE_INIT;
  run: Negotiated = BEFORE_INIT;
  initRequest: Uint8Array | undefined;
  /** Whether this run's INIT reply came, and was accepted. */
  init: boolean | undefined;
  gone = false;

  stream(fh: bigint): DirectoryStream {
    let stream = this.streams.get(fh);
    if (stream === undefined) {
      stream = new DirectoryStream();
      this.streams.set(fh, stream);
    }
    return stream;
  }
}

export class Cursor {
  /** Requests of the capture passed so far. */
  index = 0;
  done = false;
  /** How the captured server's first process ended, once the cursor has passed that. */
  capturedExit: { code: number | null; signal: number | null } | undefined;
  readonly #events: Iterator<SessionEvent>;
  readonly #feed: Feed;
  readonly #emit: ReplaySink;
  readonly #owners: OwnerMap;
  readonly #sides = new Map<number, Side>();
  readonly #tickets = new Map<Ticket, Flight>();
  #current: SessionEvent | undefined;
  /** READDIRs of this run's own, to reach the end that the capture saw. */
  readonly #own = new Map<Ticket, { stream: DirectoryStream; plus: boolean }>();
  #ended: Flight | undefined;

  constructor(events: Iterator<SessionEvent>, feed: Feed, owners: OwnerMap, emit: ReplaySink) {
    this.#events = events;
    this.#feed = feed;
    this.#owners = owners;
    this.#emit = emit;
    feed.onEnd = (ticket, outcome) => this.#onEnd(ticket, outcome);
    feed.onNotify = (conn, code, body) => this.#onNotify(conn, code, body);
    this.#advance();
  }

  /** Connections of this run, as they are mounted. */
  connected(conn: number): void {
    this.#side(conn).gone = false;
    this.#mounted.add(conn);
  }
  readonly #mounted = new Set<number>();

  /** Requests asked and not ended. */
  get inFlight(): number {
    return this.#tickets.size;
  }

  #side(conn: number): Side {
    let side = this.#sides.get(conn);
    if (side === undefined) {
      side = new Side();
      this.#sides.set(conn, side);
    }
    return side;
  }

  #advance(): void {
    const { value, done } = this.#events.next();
    this.#current = done ? undefined : value;
    this.done = done === true;
  }

  /** Does everything that is due. */
  pump(): void {
    while (this.#current !== undefined && this.#step(this.#current)) this.#advance();
  }

  /** Passes the event if it is due or no matter; false: it must wait. */
  #step(event: SessionEvent): boolean {
    if (event.kind === 'request') return this.#request(event);
    if (event.kind === 'reply') return this.#reply(event);
    if (event.kind === 'exit' && event.main) {
      this.capturedExit = { code: event.code, signal: event.signal };
    }
    return true;
  }

  #request(event: RequestEvent): boolean {
    if (!this.#mounted.has(event.conn)) return false;
    const side = this.#side(event.conn);
    const opcode = opcodeOf(event.bytes);
    if (opcode === OP.NOTIFY_REPLY.opcode) return this.#notifyReply(event, side);
    if (opcode === OP.INIT.opcode) {
      side.initRequest = event.bytes.slice();
      this.index++;
    } else if (opcode === OP.INTERRUPT.opcode) this.#interrupt(event, side);
    else if (opcode === OP.FORGET.opcode || opcode === OP.BATCH_FORGET.opcode) {
      this.#forget(event, side);
    } else if (opcode === OP.RELEASEDIR.opcode) return this.#releasedir(event, side);
    else if ((uniqueOf(event.bytes) & RESENT) === 0n) this.#ask(event, side);
    return true;
  }

  #ask(event: RequestEvent, side: Side): void {
    const index = ++this.index;
    const captured = event.bytes.slice();
    const flight = {
      index,
      conn: event.conn,
      opcode: opcodeOf(captured),
      nodeid: nodeidOf(captured),
    };
    const unique = uniqueOf(captured);
    const translated = translate(captured, side.run, {
      identity: side.identity,
      owners: this.#owners,
      stream: (fh) => side.stream(fh),
    });
    if (translated instanceof Orphan || side.gone || side.init !== true) {
      const detail = translated instanceof Orphan ? translated.what : 'the connection is gone';
      const why = translated instanceof Orphan ? 'orphaned' : 'ended';
      this.#emit({ kind: 'unanswered', ...flight, why, detail });
      return;
    }
    const { request, fh } = translated;
    const specs = adapt(request, side.run);
    const plusCaptured = flight.opcode === OP.READDIRPLUS.opcode;
    const asked: Flight = {
      ...flight,
      unique,
      fh,
      plusCaptured,
      request: specs[0]?.opcode === flight.opcode ? request : asReaddir(request),
      open: specs.length,
      outcome: undefined,
      reply: undefined,
      written: 0,
    };
    side.flights.set(unique, asked);
    for (const spec of specs) this.#tickets.set(this.#feed.enqueue(event.conn, spec), asked);
  }

  /** An INTERRUPT goes to the request it names, if that is still asked. */
  #interrupt(event: RequestEvent, side: Side): void {
    this.index++;
    const { unique } = new Request(event.bytes).as('INTERRUPT');
    const flight = side.flights.get(unique);
    for (const [ticket, f] of this.#tickets) if (f === flight) this.#feed.interrupt(ticket);
  }

  #forget(event: RequestEvent, side: Side): void {
    this.index++;
    const request = new Request(event.bytes, side.captured);
    const named =
      request.opcode === OP.FORGET.opcode
        ? [{ nodeid: request.nodeid, nlookup: request.as('FORGET').nlookup }]
        : request.as('BATCH_FORGET').forgets;
    const forgets = named.flatMap(({ nodeid, nlookup }) => {
      const own = side.identity.forget(nodeid, nlookup);
      return own === undefined ? [] : [own];
    });
    if (forgets.length > 0 && !side.gone) this.#feed.forget(event.conn, forgets);
  }

  /** Before a directory is closed this run must have seen its end, if the capture did. */
  #releasedir(event: RequestEvent, side: Side): boolean {
    const request = new Request(event.bytes, side.captured);
    const { fh } = request.as('RELEASEDIR');
    const stream = side.streams.get(fh);
    if (stream !== undefined) {
      const cookie = side.gone ? undefined : stream.unfinished;
      if (cookie !== undefined) {
        this.#askOn(event.conn, side, stream, request.nodeid, fh, cookie);
        if (this.#own.size > 0) return false;
      }
      const found = stream.difference();
      if (found !== undefined && found.missing.length + found.extra.length > 0) {
        const { index } = this;
        this.#emit({
          kind: 'directory',
          index,
          conn: event.conn,
          nodeid: request.nodeid,
          ...found,
        });
      }
      side.streams.delete(fh);
    }
    this.#ask(event, side);
    return true;
  }

  #askOn(
    conn: number,
    side: Side,
    stream: DirectoryStream,
    node: bigint,
    fh: bigint,
    cookie: bigint,
  ): void {
    if (this.#own.size > 0) return;
    const nodeid = side.identity.node(node);
    const handle = side.identity.handle(node, fh);
    if (nodeid === undefined || handle === undefined) return;
    const body = new Uint8Array(40);
    const view = new DataView(body.buffer);
    view.setBigUint64(0, handle, true);
    view.setBigUint64(8, cookie, true);
    view.setUint32(16, 4096, true);
    const { opcode } = OP.READDIR;
    const ids = { uid: 0, gid: 0, pid: 0, extlen: 0 };
    this.#own.set(this.#feed.enqueue(conn, { opcode, nodeid, body, ...ids }), {
      stream,
      plus: false,
    });
  }

  /** The kernel's answer to a RETRIEVE: this run's server must have asked. */
  #notifyReply(event: RequestEvent, side: Side): boolean {
    const node = side.identity.node(nodeidOf(event.bytes));
    const at = side.retrieves.findIndex((r) => r.nodeid === node);
    const retrieve = side.retrieves[at];
    if (retrieve === undefined) return side.gone;
    side.retrieves.splice(at, 1);
    this.index++;
    this.#feed.notifyReply(event.conn, retrieve.unique, retrieve.nodeid, event.bytes.slice(40));
    return true;
  }

  #onNotify(conn: number, code: number, body: Uint8Array): void {
    if (code !== NOTIFY.RETRIEVE.code) return;
    const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
    this.#side(conn).retrieves.push({
      unique: view.getBigUint64(0, true),
      nodeid: view.getBigUint64(8, true),
    });
  }

  #onEnd(ticket: Ticket, outcome: Outcome): void {
    const own = this.#own.get(ticket);
    if (own !== undefined) {
      this.#own.delete(ticket);
      own.stream.addOwn(outcome.error === 0 ? outcome.body : new Uint8Array(0), own.plus);
    }
    const flight = this.#tickets.get(ticket);
    if (flight === undefined) return;
    this.#tickets.delete(ticket);
    flight.open--;
    if (flight.outcome === undefined || flight.outcome.error === 0) {
      flight.outcome = { ...outcome, body: new Uint8Array(0) };
    }
    if (flight.opcode === OP.WRITE.opcode && outcome.error === 0 && outcome.body.length >= 4) {
      flight.written += new DataView(outcome.body.buffer, outcome.body.byteOffset).getUint32(
        0,
        true,
      );
    }
    this.#ended = flight;
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
    if (this.#side(flight.conn).flights.get(flight.unique) === flight) {
      flight.reply = event.bytes.slice();
    }
  }

  /** This run's INIT was answered. */
  initialised(conn: number, negotiated: Negotiated): void {
    const side = this.#side(conn);
    side.init = negotiated.accepted;
    side.run = negotiated;
  }

  #reply(event: ReplyEvent): boolean {
    const side = this.#side(event.conn);
    const unique = uniqueOf(event.bytes);
    if (unique === 0n || (unique & 1n) === 1n) return true;
    if (side.captured === BEFORE_INIT && unique === 2n) return this.#initReply(event, side);
    const flight = side.flights.get(unique & ~RESENT);
    if (flight === undefined) return true;
    if (flight.open > 0) return false;
    side.flights.delete(flight.unique);
    this.#compare(event, side, flight);
    return true;
  }

  #initReply(event: ReplyEvent, side: Side): boolean {
    if (side.init === undefined && !side.gone) return false;
    side.captured = negotiateWith(side.initRequest, event.bytes);
    return true;
  }

  #compare(event: ReplyEvent, side: Side, flight: Flight): void {
    const { index, conn, opcode, nodeid, request, outcome } = flight;
    const at = { index, conn, opcode, nodeid };
    const captured = new Reply(event.bytes, new Request(request.bytes, side.captured));
    const expected =
      event.result < 0 ? `refused -${errnoName(event.result)}` : this.#form(captured, flight, true);
    const success = outcome?.replied === true && outcome.error === 0 && flight.reply !== undefined;
    const run = flight.reply === undefined ? undefined : new Reply(flight.reply, request);
    let actual: string;
    if (outcome?.replied !== true || run === undefined) {
      actual = `ended by the kernel with -${errnoName(outcome?.error ?? 0)}`;
    } else actual = this.#form(run, flight, false);
    if (event.result >= 0 && captured.error === 0) {
      if (!success) learnLost(side.identity, captured);
      else if (isDirectory(opcode)) {
        learnDirectory(
          side.identity,
          side.stream(flight.fh ?? 0n),
          flight,
          captured,
          run?.bytes as Uint8Array,
        );
      } else learnIds(side.identity, flight, captured, run as Reply);
    }
    if (opcode === OP.RELEASE.opcode || opcode === OP.RELEASEDIR.opcode) {
      side.identity.dropHandle(nodeid, flight.fh ?? 0n);
    }
    this.#emit({ kind: 'answered', ...at, expected, actual });
  }

  #form(reply: Reply, flight: Flight, captured: boolean): string {
    try {
      if (!captured && flight.opcode === OP.WRITE.opcode && reply.error === 0) {
        return `size=${flight.written}`;
      }
      return normalReply(reply.request, reply, captured ? this.#owners : undefined);
    } catch (error) {
      return `malformed (${(error as Error).message})`;
    }
  }

  /** Gives up what the cursor waits for: the server is quiet, or gone. Returns false if it waits for nothing. */
  giveUp(why: 'missing' | 'ended', detail: string): boolean {
    const event = this.#current;
    if (event === undefined) return false;
    if (event.kind === 'reply') {
      const side = this.#side(event.conn);
      const flight = side.flights.get(uniqueOf(event.bytes) & ~RESENT);
      if (flight !== undefined) {
        side.flights.delete(flight.unique);
        const { index, conn, opcode, nodeid } = flight;
        this.#emit({ kind: 'unanswered', index, conn, opcode, nodeid, why, detail });
      }
    } else if (event.kind === 'request') {
      const at = { index: ++this.index, conn: event.conn };
      const names = { opcode: opcodeOf(event.bytes), nodeid: nodeidOf(event.bytes) };
      this.#emit({ kind: 'unanswered', ...at, ...names, why, detail });
    }
    this.#own.clear();
    this.#advance();
    return true;
  }

  /** The connection is dead: nothing more is asked of it. */
  disconnected(conn: number): void {
    this.#side(conn).gone = true;
  }

  /** Says what was never answered on either side, and what only this run answered. */
  finish(): void {
    for (const side of this.#sides.values()) {
      for (const {
        index,
        conn,
        opcode,
        nodeid,
        outcome,
        reply,
        request,
      } of side.flights.values()) {
        const at = { index, conn, opcode, nodeid };
        if (outcome?.replied && reply !== undefined) {
          const actual = normalReply(request, new Reply(reply, request));
          this.#emit({ kind: 'news', ...at, actual });
        } else {
          this.#emit({ kind: 'unanswered', ...at, why: 'as-captured', detail: 'never answered' });
        }
      }
    }
  }
}

const isDirectory = (opcode: number): boolean =>
  opcode === OP.READDIR.opcode || opcode === OP.READDIRPLUS.opcode;

/** The same request with the opcode READDIR. */
function asReaddir(request: Request): Request {
  const bytes = request.bytes.slice();
  new DataView(bytes.buffer).setUint32(4, OP.READDIR.opcode, true);
  return new Request(bytes, request.negotiated);
}

function negotiateWith(request: Uint8Array | undefined, reply: Uint8Array): Negotiated {
  return request === undefined ? BEFORE_INIT : negotiate(request, reply);
}
