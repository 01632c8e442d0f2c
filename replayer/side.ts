/** What is known of one connection while a capture is walked: the capture's state and this run's. */

import { isDeepStrictEqual } from 'node:util';
import type { RingPlace } from '../rig/events.ts';
import type { Key } from '../rig/protocol/cursor.ts';
import { BEFORE_INIT, type Negotiated } from '../rig/protocol/negotiated.ts';
import { DirectoryStream } from './directory.ts';
import type { Flight } from './flight.ts';
import { Identity } from './identity.ts';
import { Stored } from './stored.ts';

export class Side {
  readonly identity = new Identity();
  /** By the capture's node and handle. */
  readonly #streams = new Map<string, DirectoryStream>();
  readonly flights = new Map<Key, Flight>();
  /** RETRIEVE notifications of this run whose NOTIFY_REPLY the capture has not reached. */
  readonly retrieves: { unique: bigint; nodeid: bigint }[] = [];
  /** What this run's server has stored into the page cache. */
  readonly stored = new Stored();
  captured: Negotiated = BEFORE_INIT;
  run: Negotiated = BEFORE_INIT;
  initRequest: Uint8Array | undefined;
  /** Whether this run's INIT reply came, and was accepted. */
  init: boolean | undefined;
  gone = false;
  /** The mount was lazily unmounted: only what is open is asked. */
  detached = false;
  /** Ring entries of the capture that carry a NOTIFY_REPLY. */
  readonly #notifyReplies = new Set<string>();
  /** CPUs of clients whose captured requests say nothing of theirs, in order of appearance. */
  readonly #cpus = new Map<number, number>();

  /**
   * What this run's INIT agreed on, or what the capture's did. Where both agreed on the same, they are
   * one object: then no request need be looked at twice.
   */
  agreed(on: { run?: Negotiated; captured?: Negotiated }): void {
    this.run = on.run ?? this.run;
    this.captured = on.captured ?? this.captured;
    if (isDeepStrictEqual(this.run, this.captured)) this.captured = this.run;
  }

  /** A captured entry carries a request. */
  carries({ qid, entry }: RingPlace, notifyReply: boolean): void {
    if (notifyReply) this.#notifyReplies.add(`${qid}/${entry}`);
  }

  /** A captured entry was committed: whether it carried a NOTIFY_REPLY. */
  commitsNotifyReply({ qid, entry }: RingPlace): boolean {
    return this.#notifyReplies.size > 0 && this.#notifyReplies.delete(`${qid}/${entry}`);
  }

  /** On which of `cpus` a client of the device runs in this run: each process on one. */
  cpuOf(pid: number, cpus: number): number {
    let cpu = this.#cpus.get(pid);
    if (cpu === undefined) {
      cpu = this.#cpus.size;
      this.#cpus.set(pid, cpu);
    }
    return cpu % cpus;
  }

  stream(nodeid: bigint, fh: bigint): DirectoryStream {
    const key = `${nodeid}:${fh}`;
    let stream = this.#streams.get(key);
    if (stream === undefined) {
      stream = new DirectoryStream();
      this.#streams.set(key, stream);
    }
    return stream;
  }

  /** The stream of an open directory, if anything was read from it. */
  readStream(nodeid: bigint, fh: bigint): DirectoryStream | undefined {
    return this.#streams.get(`${nodeid}:${fh}`);
  }

  dropStream(nodeid: bigint, fh: bigint): void {
    const key = `${nodeid}:${fh}`;
    if (this.#streams.get(key)?.shared === false) this.#streams.delete(key);
  }
}
