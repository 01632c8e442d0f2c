/**
 * Where messages lie on their way to and from a ring's entries (native/addon/entry.cc): memory that the
 * addon knows. One request and one reply at a time, whichever entry they are of.
 */
import { native } from '../../native/load.ts';
import type { Buffers } from '../kernel/ring/ring_kernel.ts';
import { OUT_HEADER_SIZE } from '../protocol/constants.ts';
import { ENT_OFFSET, IN_OUT_OFFSET } from '../protocol/ring.ts';
import { URING_ENT_IN_OUT } from '../protocol/structs-session.ts';

/** Where in its memory a request begins, behind ring_ent_in_out; where in its own a reply's payload does. */
const REQUEST = 64;
const BODY = 512;
/** To begin with: 256 pages, the kernel's default limit, and headers. */
const MESSAGE_SIZE = (1 << 20) + 8192;
/** Views up to this length are kept: a message is most often as long as one before. */
const KEPT_MAX = 8192;
const NOTHING = new Uint8Array(0);

/** Of a piece of memory the first bytes, so many as are asked for. */
class Views {
  readonly #memory: ArrayBuffer;
  readonly #start: number;
  readonly #kept = new Array<Uint8Array | undefined>(KEPT_MAX + 1).fill(undefined);

  constructor(memory: ArrayBuffer, start: number) {
    this.#memory = memory;
    this.#start = start;
  }

  of(length: number): Uint8Array {
    if (length > KEPT_MAX) return new Uint8Array(this.#memory, this.#start, length);
    let view = this.#kept[length];
    if (view === undefined) {
      view = new Uint8Array(this.#memory, this.#start, length);
      this.#kept[length] = view;
    }
    return view;
  }
}

/** The addon's memory for messages of up to `size` bytes, and views of its pieces. */
function memoryFor(size: number) {
  const messages = new native.EntryMessages(size);
  const { request, reply } = messages;
  return {
    messages,
    size,
    ent: new Uint8Array(request, 0, URING_ENT_IN_OUT.size),
    requests: new Views(request, REQUEST),
    outHeader: new Uint8Array(reply, IN_OUT_OFFSET, OUT_HEADER_SIZE),
    replyEnt: new Uint8Array(reply, ENT_OFFSET, URING_ENT_IN_OUT.size),
    replies: new Views(reply, BODY - OUT_HEADER_SIZE),
    bodies: new Views(reply, BODY),
  };
}

export class MessageBuffers {
  /** The request that there was room for last. */
  request: Uint8Array = NOTHING;
  #m = memoryFor(MESSAGE_SIZE);

  /** From now on a message may be so long. */
  #fit(size: number): void {
    if (size > this.#m.size) this.#m = memoryFor(2 * size);
  }

  /** Room for a request of `size` bytes. */
  room(size: number): Uint8Array {
    this.#fit(size);
    this.request = this.#m.requests.of(size);
    return this.request;
  }

  /** Puts the request into an entry; 0 or -errno, see EntryMessages.put. */
  put(tid: number, { headers, payload }: Buffers, opIn: number, ent: Uint8Array): number {
    this.#m.ent.set(ent);
    return this.#m.messages.put(tid, headers, payload, opIn, this.request.length);
  }

  /** Takes the reply in an entry; see EntryMessages.take. */
  take(tid: number, { headers, payload }: Buffers, payloadSize: number, guess: number): number {
    this.#fit(payloadSize);
    return this.#m.messages.take(tid, headers, payload, payloadSize, guess);
  }

  /** `length` bytes of the headers of the reply that was taken, from `at` on. */
  headers(at: number, length: number): Uint8Array {
    const { outHeader, replyEnt, messages } = this.#m;
    if (at === IN_OUT_OFFSET && length === outHeader.length) return outHeader;
    if (at === ENT_OFFSET && length === replyEnt.length) return replyEnt;
    return new Uint8Array(messages.reply, at, length);
  }

  /** The first `length` bytes of its payload. */
  body(length: number): Uint8Array {
    return this.#m.bodies.of(length);
  }

  /** The reply as one message with `size` bytes of payload. */
  reply(size: number): Uint8Array {
    return this.#m.replies.of(OUT_HEADER_SIZE + size);
  }
}
