/** What the INIT of one connection agreed on, as its messages tell. */
import type { ReplyEvent } from '../events.ts';
import { OUT_HEADER_SIZE } from '../protocol/constants.ts';
import { errorOf, opcodeOf, uniqueOf } from '../protocol/header.ts';
import { BEFORE_INIT, type Negotiated, negotiate } from '../protocol/negotiated.ts';
import { OP } from '../protocol/opcodes.ts';

export class Agreement {
  negotiated: Negotiated = BEFORE_INIT;
  /** The INIT request, until it is answered. */
  #init: Uint8Array | undefined;

  /** Takes a request of the device, header and all. */
  ask(bytes: Uint8Array): void {
    // The bytes are the reader's or the seam's, and will be others.
    if (opcodeOf(bytes) === OP.INIT.opcode) this.#init = bytes.slice();
  }

  /** Takes a reply that was written to the device. */
  answer({ bytes, result }: ReplyEvent): void {
    // A server may write what is no message at all.
    if (this.#init === undefined || bytes.length < OUT_HEADER_SIZE) return;
    if (uniqueOf(bytes) !== uniqueOf(this.#init)) return;
    if (result >= 0 && errorOf(bytes) === 0) this.negotiated = negotiate(this.#init, bytes);
    this.#init = undefined;
  }
}
