/**
 * The same capture again for every session of a server that mounts again: its connections and handles get
 * new numbers, and each session ends before the next is mounted. A server that does not mount again
 * has had its last one.
 */
import type { CaptureReader } from '../recorder/capture/reader.ts';
import type { ReplayEvent, SessionEvent, TransportEvent } from '../rig/events.ts';
import { ERRNO } from '../rig/protocol/errno.ts';

/** What there is once, however often the rest comes. */
const ONCE: ReadonlySet<SessionEvent['kind']> = new Set(['begin', 'fixture', 'output', 'end']);

export class Repeats {
  readonly #reader: CaptureReader;
  readonly #sessions: number;
  readonly #mounted: (conn: number) => boolean;
  /** Requests of the capture, once it was played. */
  #requests = Number.POSITIVE_INFINITY;
  #conns = 0;
  #handles = 0;

  /** `mounted`: this run's server has mounted that connection. */
  constructor(reader: CaptureReader, sessions: number, mounted: (conn: number) => boolean) {
    this.#reader = reader;
    this.#sessions = sessions;
    this.#mounted = mounted;
  }

  *events(): Generator<SessionEvent> {
    if (this.#sessions === 1) {
      yield* this.#reader.events(true);
      return;
    }
    const exits: SessionEvent[] = [];
    let requests = 0;
    for (const event of this.#reader.events(true)) {
      if (event.kind === 'exit') {
        exits.push(event);
        continue;
      }
      if (event.kind === 'request') requests++;
      if ('conn' in event) this.#conns = Math.max(this.#conns, event.conn);
      if ('handle' in event) this.#handles = Math.max(this.#handles, event.handle);
      yield event;
    }
    this.#requests = requests;
    for (let n = 1; n < this.#sessions; n++) if (!(yield* this.#again(n))) break;
    yield* exits;
  }

  /** The capture for the n-th time after the first; false: the server did not mount again. */
  *#again(n: number): Generator<SessionEvent, boolean> {
    const [conns, handles] = [n * this.#conns, n * this.#handles];
    for (let conn = conns - this.#conns + 1; conn <= conns; conn++) yield over(conn);
    for (const event of this.#reader.events(true)) {
      if (ONCE.has(event.kind) || event.kind === 'exit') continue;
      const moved = { ...event };
      if ('conn' in moved && moved.conn > 0) moved.conn += conns;
      if ('handle' in moved && moved.handle > 0) moved.handle += handles;
      yield moved;
      const mount = moved.kind === 'mount' && moved.result === 0;
      if (mount && !this.#mounted(moved.conn)) return false;
    }
    return true;
  }

  /** What is told of a request that was asked before is marked. */
  marked(event: ReplayEvent): ReplayEvent {
    if (event.kind !== 'answered' && event.kind !== 'unanswered' && event.kind !== 'directory') {
      return event;
    }
    return event.index > this.#requests ? { ...event, again: true } : event;
  }
}

/** As a read of the device says it, for which the capture need not have one. */
const over = (conn: number): TransportEvent => ({
  ...{ kind: 'transport', t: 0, handle: 0, conn, tid: 0, call: 'read', result: -ERRNO.ENODEV },
});
