/**
 * The ledger of a run's ring entries: whose their buffers are at every moment, and which requests
 * were in them. It keeps what the events say and accuses nobody; `ownership.ts` does.
 *
 * The buffers are the kernel's from a REGISTER that is held, or a commit that was taken, until the CQE:
 * one with a request, or one that ends the entry (fs/fuse/dev_uring.c, struct fuse_ring_ent).
 */
import type {
  CompletionEvent,
  EntryBuffer,
  RegisterEvent,
  ReplyEvent,
  RequestEvent,
} from '../events.ts';
import type { Key } from '../protocol/cursor.ts';
import { opcodeOf, uniqueKeyOf } from '../protocol/header.ts';
import { type Region, Regions } from '../protocol/regions.ts';
import { URING_REQ_HEADER } from '../protocol/structs-session.ts';

export const HEADERS_SIZE = URING_REQ_HEADER.size;

/** A request that is or was in an entry. */
export interface Carried {
  readonly unique: Key;
  readonly opcode: number;
  readonly entry: LedgerEntry;
  /** When it was delivered, ns. */
  readonly delivered: number;
  /** When its reply was committed, ns. */
  committed: number | undefined;
}

export interface LedgerEntry {
  readonly conn: number;
  readonly qid: number;
  /** Its number in the queue. */
  readonly index: number;
  /** The io_uring it was registered on. */
  readonly ring: number;
  /** When it was registered, ns. */
  readonly since: number;
  readonly regions: readonly Region<LedgerEntry>[];
  /** All that are registered at addresses of the same process. */
  readonly addresses: Regions<LedgerEntry>;
  owner: 'kernel' | 'server';
  /** The request in it, while it is the server's; the one that was answered last. */
  request: Carried | undefined;
  last: Carried | undefined;
  /** Its buffers are another entry's too: what is found in them means nothing. */
  shared: boolean;
}

/** Two buffers at the same addresses. */
export interface Overlap {
  readonly mine: Region<LedgerEntry>;
  readonly other: Region<LedgerEntry>;
}

/** Committed requests that are remembered, the latest: who commits twice does it soon. */
const REMEMBERED = 8 * 1024;

interface Connection {
  /** Entries by queue and by their number in it. */
  readonly queues: Map<number, LedgerEntry[]>;
  /**
   * The latest that were committed, in a circle. Looked through where something is wrong and never
   * else: a map would cost more with every request than the rest of the ledger.
   */
  readonly committed: Carried[];
  commits: number;
}

export class Ledger {
  readonly #connections = new Map<number, Connection>();
  /** By process; where that is not known, by connection. */
  readonly #addresses = new Map<string, Regions<LedgerEntry>>();
  entries = 0;
  requests = 0;
  /** Requests that were committed, of all that were delivered. */
  commits = 0;

  #of(conn: number): Connection {
    let found = this.#connections.get(conn);
    if (found === undefined) {
      found = {
        queues: new Map(),
        committed: [],
        commits: 0,
      };
      this.#connections.set(conn, found);
    }
    return found;
  }

  #regionsOf({ pid, conn }: RegisterEvent): Regions<LedgerEntry> {
    const whose = pid === undefined ? `connection ${conn}` : `process ${pid}`;
    const found = this.#addresses.get(whose) ?? new Regions();
    this.#addresses.set(whose, found);
    return found;
  }

  entry(conn: number, qid: number, index: number): LedgerEntry | undefined {
    return this.#connections.get(conn)?.queues.get(qid)?.[index];
  }

  /** Whether a REGISTER on the queue ever succeeded. */
  hasQueue(conn: number, qid: number): boolean {
    return this.#connections.get(conn)?.queues.has(qid) ?? false;
  }

  /** A request on a ring that has no reply yet. */
  outstanding(conn: number, unique: Key): Carried | undefined {
    for (const queue of this.#connections.get(conn)?.queues.values() ?? []) {
      const found = queue.find((entry) => entry?.request?.unique === unique);
      if (found !== undefined) return found.request;
    }
    return undefined;
  }

  /** A request on a ring that was answered. */
  committed(conn: number, unique: Key): Carried | undefined {
    return this.#connections.get(conn)?.committed.findLast((one) => one.unique === unique);
  }

  /** Enters a REGISTER that is held; returns where its buffers overlap others. */
  register(event: RegisterEvent): Overlap[] {
    const { conn, qid, entry: index, ring, t } = event;
    const { queues } = this.#of(conn);
    const mine: Region<LedgerEntry>[] = [];
    const entry: LedgerEntry = {
      conn,
      qid,
      index,
      ring,
      since: t,
      regions: mine,
      owner: 'kernel',
      request: undefined,
      last: undefined,
      addresses: this.#regionsOf(event),
      shared: false,
    };
    const region = (buffer: EntryBuffer, start: number, size: number): void => {
      mine.push({ start, end: start + size, entry, buffer });
    };
    region('headers', event.headers, HEADERS_SIZE);
    region('payload', event.payload, event.payloadSize);
    this.entries++;
    const queue = queues.get(qid) ?? [];
    queue[index] = entry;
    queues.set(qid, queue);
    const overlaps: Overlap[] = [];
    for (const one of mine) {
      const other = entry.addresses.add(one);
      if (other === undefined) continue;
      entry.shared = true;
      other.entry.shared = true;
      overlaps.push({ mine: one, other });
    }
    return overlaps;
  }

  /** Enters a delivery. */
  deliver(event: RequestEvent): void {
    const entry = event.ring && this.entry(event.conn, event.ring.qid, event.ring.entry);
    if (entry === undefined) return;
    const { bytes, t } = event;
    entry.owner = 'server';
    entry.request = {
      unique: uniqueKeyOf(bytes),
      opcode: opcodeOf(bytes),
      entry,
      delivered: t,
      committed: undefined,
    };
    this.requests++;
  }

  /** Enters a commit that was taken. */
  commit(event: ReplyEvent): void {
    const entry = event.ring && this.entry(event.conn, event.ring.qid, event.ring.entry);
    if (entry === undefined) return;
    entry.owner = 'kernel';
    if (entry.request !== undefined) this.answered(entry.request, event.t);
    this.commits++;
  }

  /** The server has committed the request, whether or not anybody waited for it. */
  answered(request: Carried, t: number): void {
    const connection = this.#of(request.entry.conn);
    request.committed = t;
    request.entry.request = undefined;
    request.entry.last = request;
    connection.committed[connection.commits++ % REMEMBERED] = request;
  }

  /** Enters a CQE that ends an entry: nothing comes there any more. */
  end({ conn, qid, entry: index }: CompletionEvent): void {
    const entry = this.entry(conn, qid, index);
    if (entry?.owner === 'kernel') this.#release(entry);
  }

  /** An io_uring is gone: what it held was cancelled, CQE or not. */
  close(ring: number): void {
    for (const { queues } of this.#connections.values()) {
      for (const entry of [...queues.values()].flat()) {
        if (entry.ring === ring && entry.owner === 'kernel') this.#release(entry);
      }
    }
  }

  #release(entry: LedgerEntry): void {
    entry.owner = 'server';
    for (const region of entry.regions) entry.addresses.remove(region);
  }

  get queues(): number {
    let queues = 0;
    for (const connection of this.#connections.values()) queues += connection.queues.size;
    return queues;
  }
}
