/** The requests that are in ring entries, and what replies the kernel takes for them. */
import type { ReplyEvent, RequestEvent, RingPlace } from '../events.ts';
import { IN_HEADER_SIZE } from '../protocol/constants.ts';
import type { Key } from '../protocol/cursor.ts';
import { opcodeOf, uniqueKeyOf } from '../protocol/header.ts';
import { type BodyLimits, replyLimits } from '../protocol/message.ts';
import { OP, opOf } from '../protocol/opcodes.ts';
import { Agreement } from './agreement.ts';

/** A request in an entry. */
export interface InEntry {
  readonly unique: Key;
  readonly opcode: number;
  /** Sizes of a successful reply's body; undefined where the device takes no reply. */
  readonly limits: BodyLimits | undefined;
}

/** Of an operation without a row: nobody knows. */
const ANY: BodyLimits = { min: 0, max: Number.MAX_SAFE_INTEGER };

interface Connection {
  readonly agreement: Agreement;
  /** By queue and number. */
  readonly queues: Map<number, (InEntry | undefined)[]>;
  /** Limits that depend on the opcode alone, once INIT is answered. */
  readonly fixed: Map<number, BodyLimits | undefined>;
}

export class RingRequests {
  readonly #connections = new Map<number, Connection>();

  #of(conn: number): Connection {
    let found = this.#connections.get(conn);
    if (found === undefined) {
      found = { agreement: new Agreement(), queues: new Map(), fixed: new Map() };
      this.#connections.set(conn, found);
    }
    return found;
  }

  deliver({ conn, bytes, ring }: RequestEvent): void {
    if (bytes.length < IN_HEADER_SIZE) return;
    const opcode = opcodeOf(bytes);
    if (ring === undefined) {
      if (opcode === OP.INIT.opcode) this.#of(conn).agreement.ask(bytes);
      return;
    }
    const connection = this.#of(conn);
    const limits = limitsOf(connection, opcode, bytes);
    const queue = connection.queues.get(ring.qid) ?? [];
    if (queue.length === 0) connection.queues.set(ring.qid, queue);
    queue[ring.entry] = { unique: uniqueKeyOf(bytes), opcode, limits };
  }

  /** Takes a reply that was written to the device: that to INIT says how others measure. */
  agree(reply: ReplyEvent): void {
    this.#connections.get(reply.conn)?.agreement.answer(reply);
  }

  /** The request whose entry was committed; it is there no more. */
  commit(conn: number, ring: RingPlace): InEntry | undefined {
    const queue = this.#connections.get(conn)?.queues.get(ring.qid);
    const request = queue?.[ring.entry];
    if (queue !== undefined) queue[ring.entry] = undefined;
    return request;
  }
}

function limitsOf(
  { agreement: { negotiated }, fixed }: Connection,
  opcode: number,
  bytes: Uint8Array,
): BodyLimits | undefined {
  const op = opOf(opcode);
  const kind = op?.reply.kind;
  if (kind === undefined) return ANY;
  // What depends on a field of the request is asked anew: a READ's size.
  if (kind === 'variable' || kind === 'either') return replyLimits(op, bytes, negotiated);
  if (!fixed.has(opcode)) fixed.set(opcode, replyLimits(op, bytes, negotiated));
  return fixed.get(opcode);
}
