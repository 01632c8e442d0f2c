/** What the content check remembers of a request until its reply comes. */
import type { ReplyEvent, RequestEvent } from '../events.ts';
import { type Key, readKey } from '../protocol/cursor.ts';
import { IN_HEADER } from '../protocol/structs-common.ts';
import type { Transfer } from './shadows.ts';

export interface Asked extends Transfer {
  unique: Key;
  opcode: number;
  node: Key;
  /** WRITE: checksums of its whole blocks. */
  sums: [block: number, sum: number][];
}

/** Requests without their reply. */
export class AskedByConn {
  readonly #device = new Map<number, Map<Key, Asked>>();
  readonly #rings = new Map<number, Map<Key, Asked>>();

  #of({ conn, ring }: RequestEvent | ReplyEvent): Map<Key, Asked> {
    const all = ring === undefined ? this.#device : this.#rings;
    let asked = all.get(conn);
    if (asked === undefined) {
      asked = new Map();
      all.set(conn, asked);
    }
    return asked;
  }

  /** What came in a ring's entry is answered there, whatever unique the reply names. */
  #key({ bytes, ring }: RequestEvent | ReplyEvent): Key {
    if (ring !== undefined) return ring.qid * 2 ** 32 + ring.entry;
    return readKey(bytes, IN_HEADER.at.unique);
  }

  set(event: RequestEvent, asked: Asked): void {
    this.#of(event).set(this.#key(event), asked);
  }

  get(event: ReplyEvent): Asked | undefined {
    return this.#of(event).get(this.#key(event));
  }

  delete(event: ReplyEvent): void {
    this.#of(event).delete(this.#key(event));
  }
}
