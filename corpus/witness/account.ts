/** What a capture says about one connection, by unique: the half of the comparison that is ours. */
import type { ReplyEvent, RequestEvent, SessionEvent } from '../../rig/events.ts';
import { readS32, readU32, readU64 } from '../../rig/protocol/cursor.ts';

const FORGET = 2;
const INTERRUPT = 36;
const BATCH_FORGET = 42;
export const INIT = 26;
export const NOTIFY_REPLY = 41;

/** Queued beside fuse_send_one (fuse_dev_queue_forget, fuse_dev_queue_interrupt): never reported. */
export const UNREPORTED: ReadonlySet<number> = new Set([FORGET, INTERRUPT, BATCH_FORGET]);

/** A request that is sent again (RESEND) carries this bit from then on. */
const RESENT = 1n << 63n;
export const withoutResent = (unique: bigint): bigint => unique & ~RESENT;

const IN_HEADER = 40;
const OUT_HEADER = 16;

export interface CapturedRequest {
  opcode: number;
  len: number;
  /**
   * The reply the kernel took. `len` is undefined where it came over a ring: the kernel does not look
   * at out_header.len there, and its tracepoint shows what the server left in it.
   */
  reply?: { error: number; len: number | undefined };
  /** A reply the kernel refused: it may have ended the request all the same (copy_out_args). */
  refused: boolean;
}

export const bump = (map: Map<number, number>, key: number): void => {
  map.set(key, (map.get(key) ?? 0) + 1);
};

export class Account {
  readonly requests = new Map<bigint, CapturedRequest>();
  /** Their uniques are the server's, and may repeat: only counted. */
  notifyReplies = 0;
  /** Requests that the tracepoints do not report, by opcode. */
  readonly unreported = new Map<number, number>();
  readonly unexplained: string[] = [];
  /** Ring entries that carry a NOTIFY_REPLY: their commit ends no request. */
  readonly #notifyPlaces = new Set<string>();

  /** The events of the one connection that was mounted with st_dev `dev`. */
  constructor(dev: number, events: Iterable<SessionEvent>) {
    const conns = new Set<number>();
    for (const event of events) {
      if (event.kind === 'mount' && event.result === 0 && event.dev === dev) conns.add(event.conn);
      if (event.kind === 'request' && conns.has(event.conn)) this.#request(event);
      if (event.kind === 'reply' && conns.has(event.conn)) this.#reply(event);
    }
    if (conns.size !== 1) {
      this.unexplained.push(`${conns.size} mounts with dev ${dev} are in the capture, not one`);
    }
  }

  #request({ bytes, ring }: RequestEvent): void {
    if (bytes.length < IN_HEADER) {
      this.unexplained.push(`a request of ${bytes.length} bytes is in the capture`);
      return;
    }
    const opcode = readU32(bytes, 4);
    const raw = readU64(bytes, 8);
    const unique = withoutResent(raw);
    if (opcode === NOTIFY_REPLY) {
      this.notifyReplies++;
      if (ring !== undefined) this.#notifyPlaces.add(`${ring.qid}/${ring.entry}`);
    } else if (UNREPORTED.has(opcode)) bump(this.unreported, opcode);
    else if (!this.requests.has(unique)) {
      this.requests.set(unique, { opcode, len: readU32(bytes, 0), refused: false });
    } else if (raw === unique) {
      this.unexplained.push(`request ${unique} is in the capture twice`);
    }
  }

  #reply({ bytes, result, ring }: ReplyEvent): void {
    if (bytes.length < OUT_HEADER) return;
    if (ring !== undefined && this.#notifyPlaces.delete(`${ring.qid}/${ring.entry}`)) return;
    const unique = withoutResent(readU64(bytes, 8));
    // A notification, or the reply to an interrupt: neither ends a request.
    if (unique === 0n || (unique & 1n) === 1n) return;
    const request = this.requests.get(unique);
    if (request !== undefined && result < 0) request.refused = true;
    else if (request !== undefined) {
      const len = ring === undefined ? readU32(bytes, 0) : undefined;
      request.reply = { error: readS32(bytes, 4), len };
    } else if (result >= 0) {
      this.unexplained.push(`the reply to ${unique} was taken, its request is not in the capture`);
    }
  }
}
