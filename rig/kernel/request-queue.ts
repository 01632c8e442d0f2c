/**
 * A FIFO of requests out of whose middle one can be taken (struct list_head): adding and removing
 * cost the same at any length. A request is in at most one such queue at a time.
 */
import type { FuseReq } from './request.ts';

export class RequestQueue {
  #first: FuseReq | undefined;
  #last: FuseReq | undefined;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get first(): FuseReq | undefined {
    return this.#first;
  }

  push(req: FuseReq): void {
    req.previous = this.#last;
    req.next = undefined;
    if (this.#last === undefined) this.#first = req;
    else this.#last.next = req;
    this.#last = req;
    this.#length++;
  }

  /** Puts `reqs` before everything else, in their order (list_splice). */
  splice(reqs: readonly FuseReq[]): void {
    for (const req of [...reqs].reverse()) {
      req.previous = undefined;
      req.next = this.#first;
      if (this.#first === undefined) this.#last = req;
      else this.#first.previous = req;
      this.#first = req;
      this.#length++;
    }
  }

  shift(): FuseReq | undefined {
    const req = this.#first;
    if (req !== undefined) this.delete(req);
    return req;
  }

  /** Takes out a request that is in this queue. */
  delete(req: FuseReq): void {
    const { previous, next } = req;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    req.previous = undefined;
    req.next = undefined;
    this.#length--;
  }

  /** Empties the queue; what was in it, first to last. */
  takeAll(): FuseReq[] {
    const all = [...this];
    for (const req of all) this.delete(req);
    return all;
  }

  *[Symbol.iterator](): Generator<FuseReq> {
    for (let req = this.#first; req !== undefined; req = req.next) yield req;
  }
}
