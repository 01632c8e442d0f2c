/** What the server of a probe has read so far: replies are made for it. */

import { decode } from '../../rig/protocol/codec.ts';
import { IN_HEADER_SIZE, OUT_HEADER_SIZE } from '../../rig/protocol/constants.ts';
import { Request } from '../../rig/protocol/message.ts';
import { BEFORE_INIT, type Negotiated, negotiate } from '../../rig/protocol/negotiated.ts';
import { opOf } from '../../rig/protocol/opcodes.ts';
import { joinRequest, opInSize, uringEntOf } from '../../rig/protocol/ring.ts';
import { IN_HEADER } from '../../rig/protocol/structs-common.ts';

export class Seen {
  readonly #requests: Request[] = [];
  readonly #entries = new Map<string, Request>();
  negotiated: Negotiated = BEFORE_INIT;

  /** A read has returned a message of this length; of a long one only the start is known. */
  took(length: number, text: string): void {
    const bytes = new Uint8Array(length);
    bytes.set(Buffer.from(text, 'hex'));
    if (length >= IN_HEADER_SIZE) this.#requests.push(new Request(bytes, this.negotiated));
  }

  /** An entry's buffers are looked at: `headers` whole, of a long payload only the start. */
  looked(slot: string, headers: Uint8Array, payload: Uint8Array): void {
    const { payload_sz, commit_id } = uringEntOf(headers);
    const { opcode, unique, len } = decode(IN_HEADER, headers);
    if (opOf(opcode) === undefined || unique !== commit_id) return;
    // A reply may lie there by now.
    if (len !== IN_HEADER_SIZE + opInSize(opcode, this.negotiated) + payload_sz) return;
    const whole = new Uint8Array(Math.max(payload_sz, payload.length));
    whole.set(payload);
    const request = joinRequest(headers, whole, this.negotiated);
    this.#entries.set(slot, request);
    this.#requests.push(request);
  }

  /** The request that was last seen in an entry. */
  entry(slot: string): Request | undefined {
    return this.#entries.get(slot);
  }

  /** INIT is answered with this message. */
  answersInit(reply: Uint8Array): void {
    const init = this.last('INIT');
    if (init !== undefined && reply.length >= OUT_HEADER_SIZE)
      this.negotiated = negotiate(init.bytes, reply);
  }

  /** The last request, or the last one of an opcode, or one before it. INTERRUPTs and forgets are none. */
  last(name?: string, back = 0): Request | undefined {
    const fits = this.#requests.filter((one) =>
      name === undefined ? !one.noReply && one.name !== 'INTERRUPT' : one.name === name,
    );
    return fits.at(-1 - back);
  }
}
