/**
 * Brings requests and replies together while events go by. Kept are the requests that wait for
 * their reply and what each connection negotiated, nothing else, so a capture of any length is
 * followed with the memory its requests in flight take.
 */
import type { ReplyEvent, RequestEvent, RingPlace } from '../events.ts';
import { ProtocolError } from '../protocol/cursor.ts';
import { ERRNO } from '../protocol/errno.ts';
import { errorOf, lenOf, uniqueOf } from '../protocol/header.ts';
import { Reply, Request } from '../protocol/message.ts';
import { type Negotiated, negotiate } from '../protocol/negotiated.ts';
import { isNotification } from '../protocol/notify.ts';
import { OP } from '../protocol/opcodes.ts';

/** A request as it was delivered; `message` is what is wrong with it where it does not parse. */
export interface Asked {
  event: RequestEvent;
  message: Request | ProtocolError;
}

/** What a server wrote. */
export type Answered =
  | { as: 'notification'; event: ReplyEvent }
  /** `message` is what is wrong with the reply where it does not parse. */
  | { as: 'reply'; event: ReplyEvent; asked: Asked; message: Reply | ProtocolError }
  /** No request with this unique (in this entry) is waiting, or there is no complete unique. */
  | { as: 'stray'; event: ReplyEvent; unique: bigint | undefined };

/** fuse_in_header and fuse_out_header have `unique` at 8. */
const UNIQUE_END = 16;
const INTERRUPT = 1n;
const PLACE = { struct: 'reply', field: 'request', offset: 0, needed: 0, available: 0 };
const UNIQUE = { ...PLACE, field: 'unique', offset: 8 };

export class Exchanges {
  readonly #waiting = new Map<string, Asked>();
  readonly #negotiated = new Map<number, Negotiated>();

  /** Takes a request. `before` is one with the same unique that still waited: it will not now. */
  ask(event: RequestEvent): { asked: Asked; waits: boolean; before: Asked | undefined } {
    const message = parsed(() => new Request(event.bytes, this.#negotiated.get(event.conn)));
    const asked = { event, message };
    const key = event.ring && placeKey(event.conn, event.ring);
    // What came in an entry is committed in any case, be it with nothing.
    const waits = key !== undefined || (message instanceof Request && takesReply(message));
    if (!waits) return { asked, waits, before: undefined };
    return {
      asked,
      waits,
      before: this.#wait(key ?? keyOf(event.conn, uniqueOf(event.bytes)), asked),
    };
  }

  #wait(key: string, asked: Asked): Asked | undefined {
    const before = this.#waiting.get(key);
    this.#waiting.set(key, asked);
    return before;
  }

  /** Takes what a server wrote, and finds the request it is for. */
  answer(event: ReplyEvent): Answered {
    const { bytes, conn } = event;
    if (bytes.length < UNIQUE_END) return { as: 'stray', event, unique: undefined };
    if (event.ring !== undefined) return this.#committed(event, event.ring);
    if (isNotification(bytes)) return { as: 'notification', event };
    const unique = uniqueOf(bytes);
    const asked = this.#waiting.get(keyOf(conn, unique));
    if (asked === undefined) return { as: 'stray', event, unique };
    if (reached(event)) this.#waiting.delete(keyOf(conn, unique));
    const { message: request } = asked;
    const message = parsed(() => {
      if (request instanceof ProtocolError) throw new ProtocolError(PLACE, 'is malformed');
      if (request.op === OP.INIT) this.#negotiated.set(conn, negotiate(request.bytes, bytes));
      return new Reply(bytes, request);
    });
    return { as: 'reply', event, asked, message };
  }

  /** An entry holds one request, and its commit ends it whatever the reply says. */
  #committed(event: ReplyEvent, ring: RingPlace): Answered {
    const unique = uniqueOf(event.bytes);
    const key = placeKey(event.conn, ring);
    const asked = this.#waiting.get(key);
    if (asked === undefined) return { as: 'stray', event, unique };
    this.#waiting.delete(key);
    const { message: request } = asked;
    const message = parsed(() => {
      if (request instanceof ProtocolError) throw new ProtocolError(PLACE, 'is malformed');
      // fuse_uring_out_header_has_err() looks at the unique of a success only. That of a NOTIFY_REPLY is
      // the server's own, and may be odd.
      const named = unique === request.unique || (unique & ~INTERRUPT) === request.unique;
      if (errorOf(event.bytes) === 0 && !named) {
        throw new ProtocolError(UNIQUE, `${unique} is not the unique of its request`);
      }
      return new Reply(event.bytes, request);
    });
    return { as: 'reply', event, asked, message };
  }

  /** The requests still waiting, in the order of their delivery. */
  waiting(): Iterable<Asked> {
    return this.#waiting.values();
  }
}

/** FUSE_UNIQUE_RESEND: a request delivered again (NOTIFY_RESEND) is still the same request. */
const RESENT = 1n << 63n;

const keyOf = (conn: number, unique: bigint): string => `${conn}/${unique & ~RESENT}`;

const placeKey = (conn: number, { qid, entry }: RingPlace): string => `${conn}/q${qid}/${entry}`;

/**
 * False if fuse_dev_do_write() refused the reply before it took the request off its queue, which
 * then goes on waiting: a wrong length, an error out of range, a unique not waiting on this handle.
 */
function reached({ bytes, result }: ReplyEvent): boolean {
  if (result === -ERRNO.ENOENT) return false;
  const error = errorOf(bytes);
  const sound = lenOf(bytes) === bytes.length && error <= 0 && error > -512;
  return result !== -ERRNO.EINVAL || sound;
}

/** INTERRUPT may be answered, but hardly ever is: to wait for it would be to wait for ever. */
function takesReply(request: Request): boolean {
  return !request.noReply && request.op?.reply.kind !== 'optional';
}

function parsed<T>(parse: () => T): T | ProtocolError {
  try {
    return parse();
  } catch (error) {
    if (error instanceof ProtocolError) return error;
    throw error;
  }
}
