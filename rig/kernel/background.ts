/**
 * Background requests: how many may be active, who waits behind them, and when allocating another
 * one blocks (fuse_request_queue_background(), flush_bg_queue() and fuse_request_end() in
 * fs/fuse/dev.c). What becomes active is handed to `activate`.
 */
import { DEFAULT_CONGESTION_THRESHOLD, DEFAULT_MAX_BACKGROUND } from '../protocol/constants.ts';
import type { FuseReq } from './request.ts';
import { RequestQueue } from './request-queue.ts';

const UINT_MAX = 0xffffffff;

export class Background {
  max = DEFAULT_MAX_BACKGROUND;
  /** Paces readahead only; no server sees it. */
  congestionThreshold = DEFAULT_CONGESTION_THRESHOLD;
  /** fc->blocked: allocating an unforced background request sleeps. */
  blocked = false;
  readonly queue = new RequestQueue();
  readonly #activate: (req: FuseReq) => void;
  /** fc->num_background and fc->active_background. */
  #count = 0;
  #active = 0;

  constructor(activate: (req: FuseReq) => void) {
    this.#activate = activate;
  }

  get count(): number {
    return this.#count;
  }
  get active(): number {
    return this.#active;
  }

  add(req: FuseReq): void {
    this.admit(req);
    req.place = 'background';
    this.queue.push(req);
    this.#flush();
  }

  /** Counts a request, which waits here or in a ring's queue. */
  admit(req: FuseReq): void {
    req.counted = true;
    this.#count++;
    if (this.#count === this.max) this.blocked = true;
  }

  /** As many are active as may be; a ring's queues may go beyond. */
  get full(): boolean {
    return this.#active >= this.max;
  }

  /** A request of a ring's queue becomes active. */
  activate(): void {
    this.#active++;
  }

  /** A counted request has ended. True if one sleeper in the allocation may go on. */
  ended(req: FuseReq): boolean {
    const wake = this.finish(req);
    this.#flush();
    return wake;
  }

  /** The same without looking at the queue (fuse_request_bg_finish()). */
  finish(req: FuseReq): boolean {
    req.counted = false;
    if (this.#count === this.max) this.blocked = false;
    this.#count--;
    this.#active--;
    return !this.blocked;
  }

  /** A write to fusectl `max_background`: what already waits in the queue is not looked at. */
  limit(max: number): void {
    this.max = max;
    this.blocked = this.#count >= max;
  }

  /** Abort: everything in the queue becomes active at once. */
  open(): void {
    this.blocked = false;
    this.max = UINT_MAX;
    this.#flush();
  }

  #flush(): void {
    while (this.#active < this.max) {
      const req = this.queue.shift();
      if (req === undefined) return;
      this.#active++;
      this.#activate(req);
    }
  }
}
