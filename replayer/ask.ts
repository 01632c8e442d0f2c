/**
 * Asks this run's server what the capture's was asked: each captured request becomes one in the
 * model's queue, several, or none that is named. Which requests are due is the cursor's.
 */
import type { ReplaySink, RequestEvent } from '../rig/events.ts';
import type { Feed, Outcome, RequestSpec, Ticket } from '../rig/kernel/feed.ts';
import { IN_HEADER_SIZE } from '../rig/protocol/constants.ts';
import { keyOf, readKey, readU32, readU64 } from '../rig/protocol/cursor.ts';
import { nodeidOf, opcodeOf } from '../rig/protocol/header.ts';
import { Request } from '../rig/protocol/message.ts';
import { OP } from '../rig/protocol/opcodes.ts';
import { Slab } from '../rig/protocol/slab.ts';
import { IN_HEADER } from '../rig/protocol/structs-common.ts';
import { asReaddir } from './captured.ts';
import type { DirectoryStream } from './directory.ts';
import type { Flight } from './flight.ts';
import { Lacks } from './lacks.ts';
import type { OwnerMap } from './normal.ts';
import type { Side } from './side.ts';
import { adapt, Orphan, translate } from './translate.ts';

const NOTHING = new Uint8Array(0);
/** struct fuse_notify_retrieve_in: its size, and where `offset` lies. */
const RETRIEVE_IN = 40;
const RETRIEVE_OFFSET = 8;

/** After these a client's cache no longer holds what the server stored there. */
const CHANGES: ReadonlySet<number> = new Set([OP.WRITE.opcode, OP.SETATTR.opcode]);
const CLOSES: ReadonlySet<number> = new Set([OP.RELEASE.opcode, OP.RELEASEDIR.opcode]);

export class Asker {
  /** Requests of the capture passed so far. */
  index = 0;
  /** Requests asked while others were not answered. */
  overlaps = 0;
  /** Requests asked and not ended. */
  readonly tickets = new Map<Ticket, Flight>();
  readonly #feed: Feed;
  readonly #emit: ReplaySink;
  readonly #owners: OwnerMap;
  readonly #slab = new Slab();
  /** What the plan's faults let the server fail in. */
  readonly lacks = new Lacks(() => this.tickets.values());
  /** READDIRs of this run's own, to reach the end that the capture saw. */
  readonly #own = new Map<Ticket, { stream: DirectoryStream; plus: boolean }>();
  readonly #cpus: number;

  constructor(feed: Feed, owners: OwnerMap, emit: ReplaySink, cpus: number) {
    this.#feed = feed;
    this.#cpus = cpus;
    this.#owners = owners;
    this.#emit = emit;
  }

  ask(event: RequestEvent, side: Side): void {
    const index = ++this.index;
    const captured = this.#slab.copy(event.bytes);
    const { conn } = event;
    const opcode = opcodeOf(captured);
    const nodeid = readKey(captured, IN_HEADER.at.nodeid);
    const translated = translate(captured, side.captured, side.run, {
      identity: side.identity,
      owners: this.#owners,
      stream: (fh) => side.stream(BigInt(nodeid), fh),
    });
    const away = side.gone || side.init !== true;
    if (translated instanceof Orphan || away || (side.detached && translated.fh === undefined)) {
      const ended = away ? 'the connection is gone' : 'the mount is detached: no path leads there';
      const detail = translated instanceof Orphan ? translated.what : ended;
      const why = translated instanceof Orphan ? 'orphaned' : 'ended';
      this.#emit({ kind: 'unanswered', index, conn, opcode, nodeid, why, detail });
      return;
    }
    const { request, fh } = translated;
    // From here on its kernel no longer uses the handle, and the server may give it out anew before
    // it answers.
    if (CLOSES.has(opcode)) side.identity.dropHandle(BigInt(nodeid), BigInt(fh ?? 0));
    if (CHANGES.has(opcode)) side.stored.drop(request.nodeid);
    const specs = adapt(request, side.run);
    const asked: Flight = {
      index,
      conn,
      opcode,
      unique: readKey(captured, IN_HEADER.at.unique),
      nodeid,
      fh,
      plusCaptured: opcode === OP.READDIRPLUS.opcode,
      request: specs[0]?.opcode === opcode ? request : asReaddir(request),
      open: specs.length,
      outcome: undefined,
      reply: undefined,
      written: 0,
      waits: false,
    };
    if (this.tickets.size > 0) this.overlaps++;
    side.flights.set(asked.unique, asked);
    this.asking = asked;
    this.lacks.asked(asked);
    const cpu = this.#cpuOf(event, side, request);
    for (const spec of specs) {
      spec.cpu = cpu;
      this.#enqueue(event.conn, spec, (ticket) => this.tickets.set(ticket, asked));
    }
    this.asking = undefined;
  }
  /** The request being put into the queue: it may be delivered before it has its ticket. */
  asking: Flight | undefined;

  /** A captured queue is the CPU of a ring's request. */
  #cpuOf({ ring }: RequestEvent, side: Side, request: Request): number {
    if (this.#cpus === 1) return 0;
    return ring === undefined ? side.cpuOf(request.pid, this.#cpus) : ring.qid % this.#cpus;
  }

  /** An INTERRUPT goes to the request it names, if that is still asked. */
  interrupt(event: RequestEvent, side: Side): void {
    this.index++;
    const { unique } = new Request(event.bytes).as('INTERRUPT');
    const flight = side.flights.get(keyOf(unique));
    for (const [ticket, f] of this.tickets) if (f === flight) this.#feed.interrupt(ticket);
  }

  forget(event: RequestEvent, side: Side): void {
    this.index++;
    const request = new Request(event.bytes, side.captured);
    const named =
      request.opcode === OP.FORGET.opcode
        ? [{ nodeid: request.nodeid, nlookup: request.as('FORGET').nlookup }]
        : request.as('BATCH_FORGET').forgets;
    const forgets = named.flatMap(({ nodeid, nlookup }) => side.identity.forget(nodeid, nlookup));
    if (forgets.length > 0 && !side.gone) this.#feed.forget(event.conn, forgets);
  }

  /**
   * Before a directory is closed this run must have seen its end, if the capture did. False: that is
   * still being asked.
   */
  releasedir(event: RequestEvent, side: Side): boolean {
    const request = new Request(event.bytes, side.captured);
    const { fh } = request.as('RELEASEDIR');
    const stream = side.readStream(request.nodeid, fh);
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
      side.dropStream(request.nodeid, fh);
    }
    this.ask(event, side);
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
    this.#askingOwn = true;
    this.#enqueue(conn, { opcode, nodeid, body, ...ids }, (ticket) =>
      this.#own.set(ticket, { stream, plus: false }),
    );
    this.#askingOwn = false;
  }
  #askingOwn = false;

  /** Whether a request is a READDIR of this run's own; how many of those there are is the server's order of names. */
  isOwn(opcode: number, unique: bigint): boolean {
    if (opcode !== OP.READDIR.opcode) return false;
    // It is about to be asked, and has no number yet.
    if (unique === 0n) return this.#askingOwn;
    const asked = [...this.#own.keys()].some((ticket) => this.#feed.uniqueOf(ticket) === unique);
    if (asked || this.#askingOwn) this.#ownUniques.add(unique);
    return this.#ownUniques.has(unique);
  }
  readonly #ownUniques = new Set<bigint>();

  /** A request may end before it has its ticket: its ring entry cannot be written. */
  #enqueue(conn: number, spec: RequestSpec, keep: (ticket: Ticket) => void): void {
    if (this.early.length > 0) this.early.length = 0;
    const ticket = this.#feed.enqueue(conn, spec);
    keep(ticket);
    if (this.early.length === 0) return;
    for (const ended of this.early.splice(0)) {
      if (ended.ticket === ticket) this.#feed.onEnd(ticket, ended.outcome);
    }
  }
  /** Ends of tickets that nobody knows, since a request was asked last. */
  readonly early: { ticket: Ticket; outcome: Outcome }[] = [];

  /** A READDIR of this run's own has ended. */
  endOwn(ticket: Ticket, outcome: Outcome): void {
    const own = this.#own.get(ticket);
    if (own === undefined) return;
    this.#own.delete(ticket);
    own.stream.addOwn(outcome.error === 0 ? outcome.body : NOTHING, own.plus);
  }

  /** No answer to this run's own READDIRs is waited for any more. */
  dropOwn(): void {
    this.#own.clear();
  }

  /** The kernel's answer to a RETRIEVE: this run's server must have asked. False: it has not yet. */
  notifyReply(event: RequestEvent, side: Side): boolean {
    const node = side.identity.node(nodeidOf(event.bytes));
    const at = side.retrieves.findIndex((r) => r.nodeid === node);
    const retrieve = side.retrieves[at];
    if (retrieve === undefined) return side.gone;
    side.retrieves.splice(at, 1);
    this.index++;
    const body = event.bytes.slice(IN_HEADER_SIZE);
    const offset = Number(readU64(body, RETRIEVE_OFFSET));
    side.stored.layOver(retrieve.nodeid, offset, body.subarray(RETRIEVE_IN));
    const word = (at: number): number => readU32(event.bytes, at);
    const { at: place } = IN_HEADER;
    const writer = { uid: word(place.uid), gid: word(place.gid), pid: word(place.pid) };
    this.#feed.notifyReply(event.conn, retrieve.unique, retrieve.nodeid, body, writer);
    return true;
  }
}
