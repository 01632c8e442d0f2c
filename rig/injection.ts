/**
 * Asks the decider at the moments the ports come to, says each injected fault as an event, and has
 * teardowns carried out. A session without a plan has none of these: ports look at `undefined`.
 */
import type { Decider, Moment, MomentName, Teardowns, Verdict } from './decider.ts';
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
}

/** What is remembered of a request until it is answered. */
interface Known {
  readonly opcode: number;
  readonly nodeid: bigint;
  readonly size: number;
}

const NO_REQUEST: Known = { opcode: 0, nodeid: 0n, size: 0 };

export class Injection {
  /** Set by whoever drives the session; without one teardowns are refused. */
  teardowns: Teardowns | undefined;
  readonly #decider: Decider;
  readonly #emit: EventSink;
  readonly #now: () => number;
  readonly #known = new Map<string, Known>();

  constructor(decider: Decider, emit: EventSink, now: () => number) {
    this.#decider = decider;
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
    if (name === 'delivered') this.#known.set(key(place.conn, unique), known);
    return this.#ask(name, transport, place, unique, known);
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
    return verdict;
  }

  #ask(
    name: MomentName,
    transport: Moment['transport'],
    place: Place,
    unique: bigint,
    { opcode, nodeid, size }: Known,
  ): Verdict | undefined {
    const { handle, conn, tid, queue = -1, entry = -1, splice = false, nonblock = false } = place;
    const moment: Moment = {
      ...{ name, transport, handle, conn, tid, opcode, nodeid, unique, size },
      ...{ queue, entry, splice, nonblock, inFlight: this.#known.size },
    };
    let result: Verdict | undefined;
    for (const verdict of this.#decider.decide(moment)) {
      if (verdict.teardown !== undefined) this.#tearDown(verdict, verdict.teardown, moment);
      else if (result === undefined) {
        result = verdict;
        this.#say(verdict, moment, -verdict.errno, false);
      }
    }
    return result;
  }

  #tearDown(verdict: Verdict, how: NonNullable<Verdict['teardown']>, moment: Moment): void {
    const refused = this.teardowns?.refused(how, moment) ?? -ERRNO.EPERM;
    this.#say(verdict, moment, refused, refused !== 0);
    if (refused === 0) this.teardowns?.perform(how, moment, verdict.times);
  }

  #say(verdict: Verdict, moment: Moment, result: number, refused: boolean): void {
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
