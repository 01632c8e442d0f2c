/** Which entry carries a request that is with the server: by connection, queue and commit id. */
import type { Entry } from '../kernel/ring/ring_kernel.ts';
import type { Key } from '../protocol/cursor.ts';

export class Carrying {
  /** By connection, then by queue. */
  readonly #queues: Map<Key, Entry>[][] = [];

  get(conn: number, qid: number, unique: Key): Entry | undefined {
    return this.#queues[conn]?.[qid]?.get(unique);
  }

  set(unique: Key, entry: Entry): void {
    this.#queues[entry.conn] ??= [];
    const queues = this.#queues[entry.conn] as Map<Key, Entry>[];
    queues[entry.qid] ??= new Map();
    queues[entry.qid]?.set(unique, entry);
  }

  delete(unique: Key, entry: Entry): void {
    this.#queues[entry.conn]?.[entry.qid]?.delete(unique);
  }
}
