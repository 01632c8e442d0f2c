/** What waits to be read on any handle of a connection (struct fuse_iqueue). */
import { UNIQUE_STEP } from '../protocol/constants.ts';
import { ForgetQueue } from './forget.ts';
import type { FuseReq } from './request.ts';
import { RequestQueue } from './request-queue.ts';

export class InputQueue {
  connected = true;
  readonly pending = new RequestQueue();
  /** Requests whose INTERRUPT is not read yet, first to last. */
  readonly interrupts = new Set<FuseReq>();
  readonly forgets = new ForgetQueue();
  #counter = 0;

  /** As if so many had been asked before, on a connection that is old. Uniques only grow, and stay below 2^53. */
  startAt(base: bigint): void {
    const even = Number(base - (base % BigInt(UNIQUE_STEP)));
    if (even > this.#counter) this.#counter = even;
  }

  /** fuse_get_unique(): requests when they are queued, forgets when they are read. */
  nextUnique(): number {
    this.#counter += UNIQUE_STEP;
    return this.#counter;
  }

  /** request_pending(): a read finds something. */
  get ready(): boolean {
    return this.pending.length > 0 || this.interrupts.size > 0 || this.forgets.length > 0;
  }
}
