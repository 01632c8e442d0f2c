/** Clients of a live session that wait by right: for a lock, or because a fault left nobody to answer them. */
import type { SessionEvent } from '../events.ts';
import { readKey } from '../protocol/cursor.ts';
import { opcodeOf } from '../protocol/header.ts';
import { OP } from '../protocol/opcodes.ts';
import { OUT_HEADER } from '../protocol/structs-common.ts';

export class Waiting {
  /** `conn/unique` of SETLKWs that the server has: only another client can end such a wait. */
  readonly #locks = new Set<string>();
  /** Of requests that a fault has left without anybody to answer them. */
  readonly #stuck = new Set<string>();

  take(event: SessionEvent): void {
    if (event.kind === 'request') {
      if (opcodeOf(event.bytes) === OP.SETLKW.opcode) this.#locks.add(keyIn(event));
    } else if (event.kind === 'reply') {
      if (event.bytes.length >= OUT_HEADER.size) this.#locks.delete(keyIn(event));
    } else if (event.kind === 'injected' && event.fate === 'stuck' && !event.refused) {
      this.#stuck.add(`${event.conn}/${BigInt(`0x${event.unique || '0'}`)}`);
    }
  }

  get locks(): number {
    return this.#locks.size;
  }

  get stuck(): number {
    return this.#stuck.size;
  }
}

const keyIn = ({ conn, bytes }: { conn: number; bytes: Uint8Array }): string =>
  `${conn}/${readKey(bytes, OUT_HEADER.at.unique)}`;
