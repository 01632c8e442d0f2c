/**
 * The client side of the model Kernel: connections by number, requests by ticket, and what a feed
 * is told. `model.ts` adds the server's calls to it.
 */

import { keyOf } from '../protocol/cursor.ts';
import type { Negotiated } from '../protocol/negotiated.ts';
import { OP } from '../protocol/opcodes.ts';
import type { BackingFile } from './backing.ts';
import type { Connection } from './connection.ts';
import type { ConnectionHost } from './connection-host.ts';
import type { Feed, Forget, Outcome, RequestSpec, Ticket, Writer } from './feed.ts';
import { type FusectlFile, readFusectl, writeFusectl } from './fusectl.ts';
import { ownHeader } from './in-header.ts';
import type { HostLimits, InitOffer } from './init.ts';
import { kill, signal } from './interrupt.ts';
import type { ConnId, HandleId, MountCall } from './kernel.ts';
import type { MountWorld } from './mount.ts';
import { ANY_NODE, type NodeFacts } from './notify.ts';
import { FuseReq } from './request.ts';
import type { RingOptions } from './ring/rings.ts';
import { RequestTimeout } from './timeout.ts';
import { type Switches, VERSIONS } from './versions.ts';

/** What the model asks of the world around it; by default nothing is in the way. */
export interface World extends MountWorld {
  /** The thread has CAP_SYS_ADMIN. */
  capable(tid: number): boolean;
  /** What descriptor `fd` of thread `tid` stands for. */
  backingFile(tid: number, fd: number): BackingFile;
}

export interface ModelOptions {
  /** What kind of kernel it is; 6.18 by default. */
  readonly switches?: Switches;
  /** What INIT offers, for all connections or for each. */
  readonly offer?: InitOffer | ((conn: ConnId, call: MountCall) => InitOffer);
  /** Limits of the host that INIT is held against. */
  readonly host?: HostLimits;
  readonly world?: Partial<World>;
  readonly nodes?: Partial<NodeFacts>;
  /** Uniques behind INIT's are above this. */
  readonly uniqueBase?: bigint;
  /** FUSE over io_uring; off by default. */
  readonly ring?: RingOptions;
}

/** What is wanted of a request that a client is about to make. */
export interface Asking {
  /** It waits for `admit`. */
  readonly held?: boolean;
  /** Its client is signalled before it is read. */
  readonly signalled?: boolean;
}

const ANY_WORLD: World = {
  target: () => 'directory',
  blockDevice: () => 0,
  busy: () => false,
  capable: () => true,
  backingFile: () => ({ kind: 'regular', stackDepth: 0 }),
};

const nothing = (): void => {};

export class ModelFeed implements Feed, ConnectionHost {
  readonly switches: Switches;
  readonly world: World;
  /** Facts about nodes; a feed that keeps a ledger replaces them. */
  nodes: NodeFacts;
  onWake: (handle: HandleId) => void = nothing;
  /** A request that fails at once ends before `enqueue` returns its ticket. */
  onEnd: (ticket: Ticket, outcome: Outcome) => void = nothing;
  onInit: (conn: ConnId, accepted: boolean, body: Uint8Array) => void = nothing;
  onNotify: (conn: ConnId, code: number, body: Uint8Array) => void = nothing;

  protected readonly options: ModelOptions;
  protected readonly host: HostLimits;
  protected readonly connections = new Map<ConnId, Connection>();
  protected readonly requests = new Map<Ticket, FuseReq>();
  #lastTicket: Ticket = 0;
  readonly #timeouts: RequestTimeout[] = [];
  #now = 0;

  constructor(options: ModelOptions = {}) {
    this.options = options;
    this.host = options.host ?? {};
    this.switches = options.switches ?? VERSIONS['6.18'];
    this.nodes = { ...ANY_NODE, ...options.nodes };
    this.world = { ...ANY_WORLD, ...options.world };
  }

  protected connection(id: ConnId): Connection {
    const conn = this.connections.get(id);
    if (conn === undefined) throw new Error(`there is no connection ${id}`);
    return conn;
  }

  enqueue(conn: ConnId, spec: RequestSpec): Ticket {
    const connection = this.connection(conn);
    const ticket = ++this.#lastTicket;
    const { held = false, signalled = false } = this.asking?.(conn, ticket, spec) ?? {};
    const req = new FuseReq(ticket, spec);
    req.conn = connection;
    this.requests.set(ticket, req);
    if (signalled) signal(connection, req);
    if (!held) connection.enqueue(req);
    return ticket;
  }

  /** Told of each request that a client is about to make, whose `spec` it may change; what it wants of it. */
  asking: ((conn: ConnId, ticket: Ticket, spec: RequestSpec) => Asking) | undefined;

  uniqueOf(ticket: Ticket): bigint | undefined {
    const unique = this.requests.get(ticket)?.unique || undefined;
    return unique === undefined ? undefined : BigInt(unique);
  }

  delivered(ticket: Ticket): boolean {
    return this.requests.get(ticket)?.place === 'sent';
  }

  interrupt(ticket: Ticket): void {
    const req = this.requests.get(ticket);
    if (req?.conn !== undefined) signal(req.conn, req);
  }

  kill(ticket: Ticket): void {
    const req = this.requests.get(ticket);
    if (req?.conn !== undefined) kill(req.conn, req);
  }

  forget(conn: ConnId, forgets: readonly Forget[]): void {
    this.connection(conn).forget(forgets);
  }

  notifyReply(
    conn: ConnId,
    notifyUnique: bigint,
    nodeid: bigint,
    body: Uint8Array,
    writer?: Writer,
  ): void {
    const spec = { ...ownHeader(OP.NOTIFY_REPLY.opcode, nodeid), ...writer, body };
    const req = new FuseReq(0, spec, nothing);
    req.unique = keyOf(notifyUnique);
    req.numbered = true;
    this.connection(conn).enqueue(req);
  }

  shutdown(conn: ConnId): void {
    this.connection(conn).shutdown();
  }

  abort(conn: ConnId): void {
    this.connection(conn).abortByUser();
  }

  forceUnmount(conn: ConnId): void {
    this.connection(conn).abort();
  }

  waiting(conn: ConnId): number {
    return this.connection(conn).waiting;
  }

  /** A request was not answered in time (FUSE_REQUEST_TIMEOUT): the connection is aborted. */
  expire(conn: ConnId): void {
    this.connection(conn).abort();
  }

  get now(): number {
    return this.#now;
  }

  /** So many ms pass: connections look for requests that were not answered in time. */
  elapse(ms: number): void {
    const until = this.#now + ms;
    const next = () =>
      this.#timeouts
        .filter(({ runs, due }) => runs && due <= until)
        .sort((a, b) => a.due - b.due)[0];
    for (let timeout = next(); timeout !== undefined; timeout = next()) {
      this.#now = timeout.due;
      timeout.look();
    }
    this.#now = until;
  }

  /** ENOSYS to this opcode was remembered: the kernel would not send it any more. */
  latched(conn: ConnId, opcode: number): boolean {
    const connection = this.connection(conn);
    if (opcode === OP.INTERRUPT.opcode) return connection.noInterrupt;
    return connection.latches.has(opcode);
  }

  /** What INIT agreed on; `accepted` is false before, and after a refusal. */
  negotiated(conn: ConnId): Negotiated {
    return this.connection(conn).negotiated;
  }

  /** False once nothing can be sent any more. */
  connected(conn: ConnId): boolean {
    return this.connection(conn).connected;
  }

  /** A file of /sys/fs/fuse/connections/N: text or a negative errno. */
  readFusectl(conn: ConnId, file: FusectlFile): string | number {
    return readFusectl(this.connection(conn), file);
  }

  /** Bytes written or a negative errno. */
  writeFusectl(conn: ConnId, file: FusectlFile, text: string, offset = 0): number {
    return writeFusectl(this.connection(conn), file, text, offset);
  }

  // --- what connections tell ---

  ended(req: FuseReq, outcome: Outcome): void {
    this.requests.delete(req.ticket);
    this.onEnd(req.ticket, outcome);
  }

  wake(handle: HandleId): void {
    this.onWake(handle);
  }

  inited(conn: Connection, body: Uint8Array): void {
    conn.input.startAt(this.options.uniqueBase ?? 0n);
    const limited = conn.negotiated.requestTimeout > 0;
    if (limited) this.#timeouts.push(new RequestTimeout(conn, this.#now));
    this.onInit(conn.id, conn.accepted, body);
  }

  notified(conn: Connection, code: number, body: Uint8Array): void {
    this.onNotify(conn.id, code, body);
  }
}
