/** What a plan may want of clients: that they come late, are signalled, or come in a flood. */
import type { RequestSpec, Ticket } from './feed.ts';
import { flood } from './flood.ts';
import { queueInterrupt } from './interrupt.ts';
import type { ConnId } from './kernel.ts';
import { ModelFeed } from './model-feed.ts';

export class ChangingFeed extends ModelFeed {
  /** A request that was held gets into its queue. */
  admit(ticket: Ticket): void {
    const req = this.requests.get(ticket);
    if (req?.conn !== undefined) req.conn.enqueue(req);
  }

  /** The ticket of a request that the server has; undefined for none and for the kernel's own. */
  ticketFor(conn: ConnId, unique: bigint): Ticket | undefined {
    for (const [ticket, req] of this.requests) {
      if (req.conn?.id === conn && BigInt(req.unique) === unique) return ticket;
    }
    return undefined;
  }

  /** Whether a signal to the client of this request now makes an INTERRUPT. */
  interruptible(ticket: Ticket): boolean {
    const req = this.requests.get(ticket);
    if (req === undefined || req.background || req.conn?.noInterrupt !== false) return false;
    return req.wait === 'interruptible' && req.place !== 'ended';
  }

  /** A second INTERRUPT, as where the first was answered with EAGAIN. False: the request has ended. */
  interruptAgain(ticket: Ticket): boolean {
    const req = this.requests.get(ticket);
    if (req?.conn === undefined || req.place !== 'sent') return false;
    queueInterrupt(req.conn, req);
    return true;
  }

  flood(conn: ConnId, lookup: RequestSpec, count: number): void {
    flood(this.connection(conn), lookup, count);
  }
}
