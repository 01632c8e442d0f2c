/**
 * Requests that are not answered in time (FUSE_REQUEST_TIMEOUT): the connection is aborted.
 * fuse_check_timeout() and fuse_request_expired() in fs/fuse/dev.c, fuse_uring_request_expired() in
 * dev_uring.c.
 */
import { TIMEOUT_SCAN_S } from '../protocol/constants.ts';
import type { Connection } from './connection.ts';
import type { FuseReq } from './request.ts';
import type { RingEntry } from './ring/entry.ts';
import type { RingQueue } from './ring/queue.ts';

const SCAN_MS = TIMEOUT_SCAN_S * 1000;

export class RequestTimeout {
  /** When the kernel looks next, in ms of the model's time: it does so every TIMEOUT_SCAN_S from INIT on. */
  due: number;
  readonly #conn: Connection;

  /** `now`: INIT is answered, and negotiated a limit. */
  constructor(conn: Connection, now: number) {
    this.#conn = conn;
    this.due = now + SCAN_MS;
  }

  /** It looks at a dead connection no more. */
  get runs(): boolean {
    return this.#conn.connected;
  }

  /** One look, when it is due: the end of the connection if a request is older than it may be. */
  look(): void {
    const oldest = this.due - this.#conn.negotiated.requestTimeout * 1000;
    this.due += SCAN_MS;
    for (const req of looked(this.#conn)) {
      if (req !== undefined && req.created < oldest) {
        this.#conn.abort();
        return;
      }
    }
  }
}

/**
 * Of the queues and of a ring's lists the first is looked at. A handle's table has many lists, whose
 * firsts are its oldest: all of it is. Forgets and interrupts are no requests.
 */
function* looked({ input, background, devices, ring }: Connection): Generator<FuseReq | undefined> {
  yield input.pending.first;
  yield background.queue.first;
  for (const device of devices) yield* device.processing.values();
  for (const queue of ring?.queues() ?? []) {
    yield queue.pending.first;
    yield queue.background.first;
    yield oldestOf(queue, 'FUSE_REQ');
    yield oldestOf(queue, 'USERSPACE');
  }
}

/** What entries carry is in lists to whose ends they are moved. */
function oldestOf(queue: RingQueue, state: RingEntry['state']): FuseReq | undefined {
  return [...queue.entries]
    .flatMap((entry) => (entry.state === state && entry.req !== undefined ? [entry.req] : []))
    .sort((a, b) => a.created - b.created)[0];
}
