/** What the rig knows of one connection's real ring: its entries, and the requests they carry. */
import { readFileSync } from 'node:fs';
import type { ConnId } from '../rig/kernel/kernel.ts';
import type { Key } from '../rig/protocol/cursor.ts';
import type { RealEntry } from './real_entry.ts';

/** Number of queues: num_possible_cpus(), from a list such as `0-3,8`. */
function possibleCpus(): number {
  const list = readFileSync('/sys/devices/system/cpu/possible', 'utf8').trim();
  return list.split(',').reduce((sum, range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return sum + last - first + 1;
  }, 0);
}

export class RingConn {
  readonly id: ConnId;
  /** Requests go over the ring. */
  ready = false;
  /** A held SQE came back: nothing the server commits is taken any more. */
  ended = false;
  /** By queue. */
  readonly #queues = Array.from({ length: possibleCpus() }, (): RealEntry[] => []);
  /** Entries whose request is with the server, by its number; the oldest first. */
  readonly #carrying = new Map<Key, RealEntry>();

  constructor(id: ConnId) {
    this.id = id;
  }

  add(entry: RealEntry): void {
    const queue = this.#queues[entry.qid];
    entry.index = queue?.length ?? 0;
    queue?.push(entry);
  }

  /**
   * is_ring_ready(), asked by a REGISTER on `qid`: every other queue has an entry to give. True once.
   */
  becomesReady(qid: number): boolean {
    if (this.ready) return false;
    this.ready = this.#queues.every(
      (queue, one) => one === qid || queue.some(({ state }) => state === 'AVAILABLE'),
    );
    return this.ready;
  }

  entries(): readonly RealEntry[] {
    return this.#queues.flat();
  }

  /** The server has the request `entry.unique`. */
  carry(entry: RealEntry): void {
    entry.twin = undefined;
    let last = this.#carrying.get(entry.unique);
    if (last === undefined) {
      this.#carrying.set(entry.unique, entry);
      return;
    }
    while (last.twin !== undefined) last = last.twin;
    last.twin = entry;
  }

  /** The oldest entry of a queue that carries this request; it does so no more. */
  take(qid: number, unique: Key): RealEntry | undefined {
    let before: RealEntry | undefined;
    let entry = this.#carrying.get(unique);
    while (entry !== undefined && entry.qid !== qid) {
      before = entry;
      entry = entry.twin;
    }
    if (entry === undefined) return undefined;
    if (before !== undefined) before.twin = entry.twin;
    else if (entry.twin !== undefined) this.#carrying.set(unique, entry.twin);
    else this.#carrying.delete(unique);
    return entry;
  }
}
