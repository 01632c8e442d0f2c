/**
 * Calls of the server that fail, one after the other: reads of a dead device, replies that nobody
 * waits for. A few are how a session ends; thousands are a server that gets nowhere.
 */
import type { ReplayEvent, SessionEvent } from '../events.ts';
import { ProtocolError } from '../protocol/cursor.ts';
import { ERRNO, errnoName } from '../protocol/errno.ts';
import { uniqueOf } from '../protocol/header.ts';

/** So many in a row and nothing else: only noise. */
export const NOISE_MAX = 1000;
/** How long noise may go on before somebody acts on it. */
export const NOISE_NS = 3e9;

export class Noise {
  count = 0;
  /** `t` of the first. */
  since = 0;
  /** A read has said that the connection is gone: no request will ever come. */
  dead = false;
  /** The thread that made the last of them. */
  tid = 0;
  readonly #kinds = new Map<string, number>();
  /** Whose replies they are, while it is always the same request. */
  #unique: bigint | undefined;
  #uniques = 0;

  /** Whether the event is one of them; a request ends the row. */
  take(event: SessionEvent | ReplayEvent): boolean {
    if (event.kind === 'request') this.reset();
    if (event.kind !== 'transport' && event.kind !== 'reply') return false;
    if (event.result >= 0) return false;
    if (this.count++ === 0) this.since = event.t;
    this.tid = event.tid;
    const call = event.kind === 'reply' ? 'write' : event.call;
    if (event.result === -ERRNO.ENODEV && call !== 'write') this.dead = true;
    const kind = `${call} ${errnoName(event.result)}`;
    this.#kinds.set(kind, (this.#kinds.get(kind) ?? 0) + 1);
    if (event.kind === 'reply') this.#answers(event.bytes);
    return true;
  }

  #answers(reply: Uint8Array): void {
    const unique = uniqueIn(reply);
    if (unique === undefined) return;
    if (unique !== this.#unique) this.#uniques++;
    this.#unique = unique;
  }

  reset(): void {
    if (this.count === 0) return;
    this.count = 0;
    this.dead = false;
    this.#kinds.clear();
    this.#unique = undefined;
    this.#uniques = 0;
  }

  /** What they were, most frequent first; and what that is, where it can be told. */
  describe(): string[] {
    const kinds = [...this.#kinds].sort(([, a], [, b]) => b - a);
    const lines = [
      `${this.count} calls in a row failed: ${kinds.map(([kind, n]) => `${n} ${kind}`).join(', ')}`,
    ];
    if (this.dead && this.#uniques === 1) {
      lines.push(
        `every reply was to request ${this.#unique}, answered before: a read that failed is taken for a request`,
      );
    }
    return lines;
  }
}

function uniqueIn(reply: Uint8Array): bigint | undefined {
  try {
    return uniqueOf(reply);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}
