/** What the server of a probe has read so far: replies are made for it. */
import { IN_HEADER_SIZE, OUT_HEADER_SIZE } from '../../rig/protocol/constants.ts';
import { Request } from '../../rig/protocol/message.ts';
import { BEFORE_INIT, type Negotiated, negotiate } from '../../rig/protocol/negotiated.ts';

export class Seen {
  readonly #requests: Request[] = [];
  negotiated: Negotiated = BEFORE_INIT;

  /** A read has returned a message of this length; of a long one only the start is known. */
  took(length: number, text: string): void {
    const bytes = new Uint8Array(length);
    bytes.set(Buffer.from(text, 'hex'));
    if (length >= IN_HEADER_SIZE) this.#requests.push(new Request(bytes, this.negotiated));
  }

  /** INIT is answered with this message. */
  answersInit(reply: Uint8Array): void {
    const init = this.last('INIT');
    if (init !== undefined && reply.length >= OUT_HEADER_SIZE)
      this.negotiated = negotiate(init.bytes, reply);
  }

  /** The last request, or the last one of an opcode. INTERRUPTs and forgets are none. */
  last(name?: string): Request | undefined {
    return this.#requests.findLast((one) =>
      name === undefined ? !one.noReply && one.name !== 'INTERRUPT' : one.name === name,
    );
  }
}
