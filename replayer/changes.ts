/**
 * Changes that a plan asks for in a replay: requests that come late, on another queue, with an INTERRUPT
 * or malformed, and what INIT offers.
 */
import { type Change, type Changes, LATER, type Moment, type Verdict } from '../rig/decider.ts';
import type { Injection } from '../rig/injection.ts';
import type { RequestSpec, Ticket } from '../rig/kernel/feed.ts';
import type { InitOffer } from '../rig/kernel/init.ts';
import type { ModelKernel } from '../rig/kernel/model.ts';
import { IN_HEADER_SIZE, INTERRUPT_BIT } from '../rig/protocol/constants.ts';
import { ERRNO } from '../rig/protocol/errno.ts';
import { INIT_FLAG, type InitFlag } from '../rig/protocol/init-flags.ts';
import { OP } from '../rig/protocol/opcodes.ts';
import { malform } from './malform.ts';

const { EAGAIN, EINVAL } = ERRNO;

/** A request that a client is about to make. */
interface Asking {
  readonly conn: number;
  readonly ticket: Ticket;
  readonly spec: RequestSpec;
  held: boolean;
  signalled: boolean;
}

interface Held {
  readonly ticket: Ticket;
  readonly verdict: Verdict;
  readonly moment: Moment;
  /** Others that are still to be delivered before it. */
  left: number;
  others: number;
}

export class ReplayChanges implements Changes {
  readonly #model: ModelKernel;
  readonly #injection: Injection;
  readonly #cpus: number;
  #asking: Asking | undefined;
  #offer: { readahead?: number; pageLimit?: number; without: bigint } = { without: 0n };
  #held: Held[] = [];
  /** Requests that get a second INTERRUPT, as `conn/unique`. */
  readonly #twice = new Set<string>();

  constructor(model: ModelKernel, injection: Injection, cpus: number) {
    this.#model = model;
    this.#injection = injection;
    this.#cpus = cpus;
    model.asking = (conn, ticket, spec) => this.#ask(conn, ticket, spec);
  }

  #ask(conn: number, ticket: Ticket, spec: RequestSpec) {
    const asking: Asking = { conn, ticket, spec, held: false, signalled: false };
    this.#asking = asking;
    const ring = this.#model.rings.ready(conn);
    const transport = ring ? 'ring' : 'device';
    const { opcode, nodeid, body, cpu = 0 } = spec;
    const size = IN_HEADER_SIZE + body.length;
    const queue = ring ? cpu : -1;
    this.#injection.asked({ conn, transport, queue, opcode, nodeid: BigInt(nodeid), size });
    this.#asking = undefined;
    return asking;
  }

  /** What INIT of a connection offers. */
  offer(conn: number, offer: InitOffer): InitOffer {
    this.#offer = { without: 0n };
    this.#injection.offer(conn);
    const { readahead = offer.maxReadahead, pageLimit, without } = this.#offer;
    const limit = pageLimit === undefined ? {} : { pageLimit };
    return { ...offer, ...limit, maxReadahead: readahead, flags: offer.flags & ~without };
  }

  apply(verdict: Verdict, { name, value }: Change, moment: Moment): number {
    const number = Number(value);
    if (name === 'interrupt') return this.#interrupt(moment, String(value));
    if (name === 'readahead') this.#offer.readahead = number;
    else if (name === 'max-pages') this.#offer.pageLimit = number;
    else if (name === 'not-offered') this.#offer.without |= INIT_FLAG[value as InitFlag];
    else if (this.#asking === undefined) return -EINVAL;
    else return this.#askOtherwise(this.#asking, verdict, { name, value }, moment);
    return 0;
  }

  #askOtherwise(asking: Asking, verdict: Verdict, { name, value }: Change, moment: Moment): number {
    const { conn, ticket, spec } = asking;
    const number = Number(value);
    if (name === 'hold') {
      if (asking.held) return -EINVAL;
      asking.held = true;
      this.#held.push({ ticket, verdict, moment, left: number, others: 0 });
      return LATER;
    }
    if (name === 'malformed') return malform(spec, String(value), moment.transport);
    if (name === 'forgets') this.#model.flood(conn, spec, number);
    else if (number >= this.#cpus || number === spec.cpu) return -EINVAL;
    else spec.cpu = number;
    return 0;
  }

  #interrupt({ conn, unique, transport }: Moment, when: string): number {
    if (when === 'early') {
      const asking = this.#asking;
      // For one that was signalled while it waited for an entry no INTERRUPT is ever sent.
      if (asking === undefined || asking.spec.background || transport === 'ring') return -EINVAL;
      if (this.#model.latched(conn, INTERRUPT)) return -EINVAL;
      asking.signalled = true;
      return 0;
    }
    const ticket = this.#model.ticketFor(conn, unique);
    if (ticket === undefined || !this.#model.interruptible(ticket)) return -EINVAL;
    if (when === 'twice') this.#twice.add(`${conn}/${unique}`);
    this.#model.interrupt(ticket);
    return 0;
  }

  delivered({ conn, opcode, unique }: Moment): void {
    for (const held of this.#held) {
      held.left--;
      held.others++;
    }
    const of = `${conn}/${unique & ~INTERRUPT_BIT}`;
    if (opcode !== INTERRUPT || !this.#twice.delete(of)) return;
    const ticket = this.#model.ticketFor(conn, unique & ~INTERRUPT_BIT);
    if (ticket !== undefined) this.#model.interruptAgain(ticket);
  }

  /** Lets those go for which enough others came. */
  pump(): void {
    if (this.#held.some(({ left }) => left <= 0)) this.#release(({ left }) => left <= 0);
  }

  /** Whether a request is held back. */
  get holds(): boolean {
    return this.#held.length > 0;
  }

  /** Nothing else is to come: lets all go. False: none was held. */
  releaseAll(): boolean {
    return this.#release(() => true);
  }

  #release(due: (held: Held) => boolean): boolean {
    const free = this.#held.filter(due);
    this.#held = this.#held.filter((held) => !free.includes(held));
    for (const { ticket, verdict, moment, others } of free) {
      this.#model.admit(ticket);
      const unique = this.#model.uniqueOf(ticket) ?? 0n;
      const alone = others === 0;
      this.#injection.tell(verdict, { ...moment, unique }, alone ? -EAGAIN : 0, alone);
    }
    return free.length > 0;
  }
}

const INTERRUPT = OP.INTERRUPT.opcode;
