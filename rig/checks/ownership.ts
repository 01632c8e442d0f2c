/**
 * ownership: a ring entry's buffers belong to one side at a time.
 *
 * Verified, by the events of the ring: no two entries of a connection have buffers that overlap; a
 * request is committed once, on the queue that delivered it; commits and REGISTERs name queues that
 * exist, with buffers that are large enough, stay mapped, and hold the reply. By poison, where the rig puts it (rig/seam/poison.ts): the server does not write into what it
 * gave back, uses no bytes from there, and writes all that it answers with.
 * After the end of the connection a commit meets -ENOTCONN: that is a reply under way, and no
 * finding unless the request was committed before or never came.
 * Not verified: reads whose bytes end neither in a reply nor in the backing store; answers that were
 * left unwritten in a structure or for less than 64 bytes (the kernel looks at no padding); what is
 * found in buffers that overlap; requests that are never committed (termination, divergence); buffers
 * on the device. Memory that processes share is compared by each one's addresses only.
 */
import type {
  CompletionEvent,
  PoisonReadEvent,
  RegisterEvent,
  ReplayEvent,
  SpoiledEvent,
  UnmappedEvent,
} from '../events.ts';
import { keyOf } from '../protocol/cursor.ts';
import { ERRNO } from '../protocol/errno.ts';
import { ringPayloadSize } from '../protocol/negotiated.ts';
import { opOf } from '../protocol/opcodes.ts';
import { URING_CMD } from '../protocol/ring.ts';
import { Agreement } from './agreement.ts';
import { type Check, type Finding, Lines } from './finding.ts';
import { type Carried, Ledger } from './ledger.ts';
import {
  committedTwice,
  foreignCommit,
  noQueue,
  overlapping,
  oversize,
  poisonRead,
  spoiled,
  tooSmall,
  unknownCommit,
  unmapped,
  untouched,
  type Violation,
} from './violations.ts';

/** Refusals of a commit that say something of the request it names. */
const LOST: ReadonlySet<number> = new Set([-ERRNO.ENOENT, -ERRNO.ENOTCONN, -ERRNO.ECONNABORTED]);

/** Shorter stretches of a reply that were never written are taken for padding. */
const UNTOUCHED_MIN = 64;

/** Violations of one rule: the first is told in full. */
interface Broken {
  first: Violation;
  more: Lines;
  count: number;
}

export class Ownership implements Check {
  readonly name = 'ownership';
  readonly #ledger = new Ledger();
  readonly #broken = new Map<string, Broken>();
  readonly #agreements = new Map<number, Agreement>();
  #cpus: number | undefined;
  #used = false;
  /** The next completion is a fault's: it says nothing of what was committed. */
  #injected = false;
  /** Queues on which a fault made a CQE. */
  readonly #misled = new Set<string>();

  /** `cpus`: queues there can be; a `begin` event tells it too. */
  constructor(cpus?: number) {
    this.#cpus = cpus;
  }

  take(event: ReplayEvent): void {
    switch (event.kind) {
      case 'begin':
        this.#cpus = event.cpus ?? this.#cpus;
        break;
      case 'register':
        this.#register(event);
        break;
      case 'request':
        if (event.ring === undefined) this.#agreement(event.conn).ask(event.bytes);
        else this.#ledger.deliver(event);
        break;
      case 'reply':
        if (event.ring === undefined) this.#agreement(event.conn).answer(event);
        else this.#ledger.commit(event);
        break;
      case 'injected':
        this.#injected = event.result < 0 && (event.at === 'cqe' || event.at === 'commit');
        break;
      case 'completion':
        if (this.#fault(event)) break;
        if (event.entry >= 0) this.#ledger.end(event);
        else if (event.command === URING_CMD.COMMIT_AND_FETCH) this.#refused(event);
        break;
      case 'ring-close':
        this.#ledger.close(event.ring);
        break;
      case 'spoiled':
        this.#spoiled(event);
        break;
      case 'poison-read':
        this.#poisonRead(event);
        break;
      case 'unmapped':
        this.#unmapped(event);
        break;
      case 'oversize':
        this.#found('oversize', oversize(event, this.#request(event.conn, event.unique)));
        break;
      default:
    }
  }
  /**
   * A CQE that a fault has made: an entry is released by it, a commit was never seen. It told the server
   * that its command had failed, so that it may well ask again.
   */
  #fault(event: CompletionEvent): boolean {
    const injected = this.#injected;
    this.#injected = false;
    if (!injected) return false;
    if (event.entry >= 0) this.#ledger.end(event);
    this.#misled.add(`${event.conn}/${event.qid}`);
    return true;
  }

  #register(event: RegisterEvent): void {
    this.#used = true;
    const { result, qid } = event;
    if (result === 0) {
      const [overlap] = this.#ledger.register(event);
      if (overlap !== undefined) this.#found('overlap', overlapping(overlap));
    } else if (result !== -ERRNO.EINVAL) return;
    else if (this.#cpus !== undefined && qid >= this.#cpus) {
      this.#found('queue', noQueue(event, this.#cpus));
    } else if (event.headersSize !== undefined) {
      const { negotiated } = this.#agreement(event.conn);
      const small = tooSmall(event, event.headersSize, ringPayloadSize(negotiated));
      if (small !== undefined) this.#found('small', small);
    }
  }

  #agreement(conn: number): Agreement {
    let found = this.#agreements.get(conn);
    if (found === undefined) {
      found = new Agreement();
      this.#agreements.set(conn, found);
    }
    return found;
  }

  #unmapped(event: UnmappedEvent): void {
    const { conn, qid, entry, unique } = event;
    const request = event.committed ? this.#request(conn, unique) : undefined;
    this.#found(
      event.committed ? 'unreadable' : 'unmapped',
      unmapped(event, this.#ledger.entry(conn, qid, entry), request),
    );
  }

  /** A commit that reached no entry. What it names tells whether the server may have made it. */
  #refused(event: CompletionEvent): void {
    this.#used = true;
    const { conn, qid, commitId, result, t } = event;
    const lost = LOST.has(result);
    if (!lost && result !== -ERRNO.EINVAL) return;
    if (!this.#ledger.hasQueue(conn, qid)) {
      this.#found('queue', noQueue(event, this.#cpus));
      return;
    }
    // -EINVAL on a queue that is there: a ring without SQE128, or a fault.
    if (!lost || commitId === '') return;
    const unique = keyOf(BigInt(`0x${commitId}`));
    const waiting = this.#ledger.outstanding(conn, unique);
    if (waiting !== undefined) {
      if (waiting.entry.qid !== qid) this.#found('foreign', foreignCommit(event, waiting));
      // Nobody waits for it any more: committed it is all the same, and once is enough.
      else if (result !== -ERRNO.ENOENT) this.#ledger.answered(waiting, t);
      return;
    }
    const past = this.#ledger.committed(conn, unique);
    if (past === undefined) this.#found('unknown', unknownCommit(event));
    else if (!this.#misled.has(`${conn}/${qid}`)) this.#found('twice', committedTwice(event, past));
  }

  /** Whether what is found in the buffers of an entry means anything. */
  #alone(conn: number, qid: number, entry: number): boolean {
    return this.#ledger.entry(conn, qid, entry)?.shared !== true;
  }

  #request(conn: number, unique: bigint): Carried | undefined {
    const key = keyOf(unique);
    return this.#ledger.outstanding(conn, key) ?? this.#ledger.committed(conn, key);
  }

  #spoiled(event: SpoiledEvent): void {
    const { conn, qid, entry, unique } = event;
    if (!this.#alone(conn, qid, entry)) return;
    this.#found('spoiled', spoiled(event, this.#request(conn, unique)));
  }

  #poisonRead(event: PoisonReadEvent): void {
    const { conn, qid, entry, unique, before } = event;
    const reply = this.#request(conn, unique);
    if (!this.#alone(conn, qid, entry) || reply?.entry.shared === true) return;
    const past = this.#request(conn, before);
    if (!event.untouched) this.#found('read', poisonRead(event, reply, past));
    else if (event.length >= UNTOUCHED_MIN && variable(reply)) {
      this.#found('untouched', untouched(event, reply, past));
    }
  }

  #found(rule: string, violation: Violation): void {
    const broken = this.#broken.get(rule);
    if (broken === undefined) {
      this.#broken.set(rule, { first: violation, more: new Lines(), count: 1 });
      return;
    }
    broken.count++;
    broken.more.add(violation.text);
  }

  /** Nothing of a server without a ring; one finding a rule that was broken. */
  findings(): Finding[] {
    if (!this.#used) return [];
    const check = this.name;
    if (this.#broken.size === 0) {
      const { entries, queues, requests, commits } = this.#ledger;
      const text = `${entries} entries in ${queues} queues, ${requests} requests, ${commits} committed`;
      return [{ check, verdict: 'pass', text, details: [] }];
    }
    return [...this.#broken.values()].map(({ first, more, count }) => {
      const text = count === 1 ? first.text : `${first.text} (the first of ${count})`;
      return { check, verdict: 'fail', text, details: [...first.details, ...more.list()] };
    });
  }
}

/** Of an unknown request the reply may be of any length. */
function variable(request: Carried | undefined): boolean {
  const kind = request === undefined ? undefined : opOf(request.opcode)?.reply.kind;
  return kind === undefined || kind === 'variable' || kind === 'either';
}
