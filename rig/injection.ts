/**
 * Asks the decider at the moments the ports come to, says each injected fault as an event, and has
 * teardowns carried out. A session without a plan has none of these: ports look at `undefined`.
 */
import {
  type Changes,
  type Decider,
  type Denial,
  LATER,
  type Moment,
  type MomentName,
  type Quotas,
  type Teardowns,
  type Verdict,
} from './decider.ts';
import type { EventSink } from './events.ts';
import { IN_HEADER_SIZE } from './protocol/constants.ts';
import { ERRNO } from './protocol/errno.ts';
import { nodeidOf, opcodeOf, uniqueOf } from './protocol/header.ts';

/** What a port knows of where it is. */
export interface Place {
  readonly handle: number;
  readonly conn: number;
  readonly tid: number;
  readonly queue?: number;
  readonly entry?: number;
  readonly splice?: boolean;
  readonly nonblock?: boolean;
  readonly nr?: number;
}

/** What is remembered of a request until it is answered. */
interface Known {
  readonly opcode: number;
  readonly nodeid: bigint;
  readonly size: number;
}

const NO_REQUEST: Known = { opcode: 0, nodeid: 0n, size: 0 };

interface InHand {
  readonly conn: number;
  readonly unique: bigint;
  readonly transport: Moment['transport'];
}
const NOTHING_IN_HAND: InHand = { conn: 0, unique: 0n, transport: 'device' };

/** A request that a client is about to make: it has no number yet. */
export interface Asked extends Known {
  readonly conn: number;
  readonly transport: Moment['transport'];
  readonly queue: number;
}

export class Injection {
  /** Set by whoever drives the session; without one teardowns are refused. */
  teardowns: Teardowns | undefined;
  /** The same of quotas and changes. */
  quotas: Quotas | undefined;
  changes: Changes | undefined;
  /** Waits until every thread of the server is in a call or sleeps: then what is done to it finds it so. */
  barrier: () => void = () => {};
  /** A quota is given back. */
  released: (verdict: Verdict) => void = () => {};
  /** System calls beside the transport's that are asked about, by number. */
  readonly calls: ReadonlySet<number>;
  readonly #decider: Decider;
  readonly #emit: EventSink;
  readonly #now: () => number;
  readonly #known = new Map<string, Known>();
  /** What a thread has taken and not answered, the last of it. */
  readonly #inHand = new Map<number, InHand>();
  /** Quotas that hold, and how many answers they still have. */
  #holding: { verdict: Verdict; left: number }[] = [];

  constructor(decider: Decider, emit: EventSink, now: () => number) {
    this.#decider = decider;
    this.calls = new Set(decider.calls);
    this.#emit = emit;
    this.#now = now;
  }

  /** A moment without a message. Returns the verdict that gives it another result. */
  call(name: MomentName, transport: Moment['transport'], place: Place): Verdict | undefined {
    return this.#ask(name, transport, place, 0n, NO_REQUEST);
  }

  /** A request is about to be delivered, or was. */
  request(
    name: 'deliver' | 'delivered' | 'cqe',
    transport: Moment['transport'],
    place: Place,
    bytes: Uint8Array,
  ): Verdict | undefined {
    if (bytes.length < IN_HEADER_SIZE) return undefined;
    const unique = uniqueOf(bytes);
    const known = { opcode: opcodeOf(bytes), nodeid: nodeidOf(bytes), size: bytes.length };
    if (name !== 'delivered') return this.#ask(name, transport, place, unique, known);
    this.#known.set(key(place.conn, unique), known);
    this.#inHand.set(place.tid, { conn: place.conn, unique, transport });
    const verdict = this.#ask(name, transport, place, unique, known);
    const { changes } = this;
    if (changes) changes.delivered(this.#moment(name, transport, place, unique, known));
    return verdict;
  }

  /** A reply came, or was taken. What answers no request that was delivered is not looked at. */
  reply(
    name: 'reply' | 'replied' | 'commit',
    transport: Moment['transport'],
    place: Place,
    unique: bigint,
  ): Verdict | undefined {
    const known = this.#known.get(key(place.conn, unique));
    if (known === undefined) return undefined;
    const verdict = this.#ask(name, transport, place, unique, known);
    const answered = name !== 'reply' && verdict === undefined;
    if (answered || verdict?.fate === 'lost') this.#known.delete(key(place.conn, unique));
    if (answered) this.#answered(place.tid, unique);
    return verdict;
  }

  #answered(tid: number, unique: bigint): void {
    if (this.#inHand.get(tid)?.unique === unique) this.#inHand.delete(tid);
    for (const held of this.#holding) held.left--;
    const over = this.#holding.filter(({ left }) => left <= 0);
    if (over.length === 0) return;
    this.#holding = this.#holding.filter(({ left }) => left > 0);
    this.barrier();
    for (const { verdict } of over) {
      if (verdict.quota !== undefined) this.quotas?.release(verdict.quota);
      this.released(verdict);
    }
  }

  /** A client is about to ask. What is to be otherwise is done by `changes`. */
  asked(asked: Asked): void {
    const { conn, transport, queue } = asked;
    this.#ask('ask', transport, { handle: 0, conn, tid: 0, queue }, 0n, asked);
  }

  /** INIT is about to be made. */
  offer(conn: number): void {
    this.#ask('offer', 'device', { handle: 0, conn, tid: 0 }, 0n, NO_REQUEST);
  }

  /** A system call of the server that is not the transport's: 0, or the negative errno it ends with. */
  systemCall(nr: number, tid: number): number {
    const { conn, unique, transport } = this.#inHand.get(tid) ?? NOTHING_IN_HAND;
    const known = this.#known.get(key(conn, unique)) ?? NO_REQUEST;
    const place = { handle: 0, conn, tid, nr };
    const verdict = this.#ask('call', transport, place, unique, known);
    if (verdict !== undefined) return -verdict.errno;
    if (this.#holding.length === 0) return 0;
    const denial = this.quotas?.denied(nr, tid);
    if (denial === undefined) return 0;
    this.met(denial, tid);
    return denial.byKernel ? 0 : denial.result;
  }

  /** A call of that thread meets a quota. What that excuses was said when it was imposed. */
  met({ quota, result }: Denial, tid: number): void {
    const held = this.#holding.find(({ verdict }) => verdict.quota === quota);
    if (held === undefined) return;
    const { conn, unique, transport } = this.#inHand.get(tid) ?? NOTHING_IN_HAND;
    const known = this.#known.get(key(conn, unique)) ?? NO_REQUEST;
    const moment = this.#moment('call', transport, { handle: 0, conn, tid }, unique, known);
    this.tell({ ...held.verdict, fate: 'whole', goesOn: true }, moment, result, false);
  }

  #ask(
    name: MomentName,
    transport: Moment['transport'],
    place: Place,
    unique: bigint,
    known: Known,
  ): Verdict | undefined {
    const moment = this.#moment(name, transport, place, unique, known);
    let result: Verdict | undefined;
    for (const verdict of this.#decider.decide(moment)) {
      if (verdict.teardown !== undefined) this.#tearDown(verdict, verdict.teardown, moment);
      else if (verdict.quota !== undefined) this.#impose(verdict, verdict.quota, moment);
      else if (verdict.change !== undefined) this.#change(verdict, verdict.change, moment);
      else if (result === undefined) {
        result = verdict;
        this.tell(verdict, moment, -verdict.errno, false);
      }
    }
    return result;
  }

  #moment(
    name: MomentName,
    transport: Moment['transport'],
    place: Place,
    unique: bigint,
    { opcode, nodeid, size }: Known,
  ): Moment {
    const { handle, conn, tid, queue = -1, entry = -1, splice = false, nonblock = false } = place;
    const [inFlight, index] = [this.#known.size, undefined];
    // In one literal, and in the order of momentAt: a spread makes a new shape each time.
    // biome-ignore format: as it is read
    return {
      name, transport, handle, conn, tid, opcode, nodeid, unique, size, queue, entry, splice, nonblock,
      inFlight, index, nr: place.nr,
    };
  }

  #impose(verdict: Verdict, quota: NonNullable<Verdict['quota']>, moment: Moment): void {
    this.barrier();
    const refused = this.quotas?.impose(quota) ?? -ERRNO.EPERM;
    this.tell(verdict, moment, refused, refused !== 0);
    if (refused !== 0) return;
    this.#holding.push({ verdict, left: quota.until ?? Number.POSITIVE_INFINITY });
  }

  #change(verdict: Verdict, change: NonNullable<Verdict['change']>, moment: Moment): void {
    const refused = this.changes?.apply(verdict, change, moment) ?? -ERRNO.EPERM;
    if (refused !== LATER) this.tell(verdict, moment, refused, refused !== 0);
  }

  #tearDown(verdict: Verdict, how: NonNullable<Verdict['teardown']>, moment: Moment): void {
    this.barrier();
    const refused = this.teardowns?.refused(how, moment) ?? -ERRNO.EPERM;
    this.tell(verdict, moment, refused, refused !== 0);
    if (refused !== 0) return;
    this.teardowns?.perform(how, moment, verdict.times);
    // Who takes a signal has handled it before anybody is answered.
    this.barrier();
  }

  /** Says that the rule came true there. */
  tell(verdict: Verdict, moment: Moment, result: number, refused: boolean): void {
    const { rule, text, fault, fate, synthetic, goesOn } = verdict;
    const { handle, conn, tid, opcode, name: at, queue: qid, entry } = moment;
    const unique = moment.unique === 0n ? '' : moment.unique.toString(16);
    this.#emit({
      ...{ kind: 'injected', t: this.#now(), handle, conn, tid, rule, text, fault, at, opcode },
      ...{ unique, qid, entry, result, refused, fate, synthetic, goesOn },
    });
  }
}

const key = (conn: number, unique: bigint): string => `${conn}/${unique}`;
