/**
 * Sessions one after the other in one process. A connection of the capture that ended before another was
 * mounted ends in this run at that place of the capture's order, in the way it ended there: once all that
 * was asked before is answered, and the server is quiet. What the server holds then is counted.
 */
import type { MountEvent, ReplayEvent, ReplaySink, SessionEvent } from '../rig/events.ts';
import { ERRNO } from '../rig/protocol/errno.ts';
import { heldBelow } from '../rig/seam/held.ts';
import type { Session } from '../rig/session.ts';
import type { EndedFeed } from './ending.ts';

/** `itself`: by the server, which closed the device without a read that failed. */
type How = 'unmount' | 'abort' | 'itself';

export class Succession {
  /** Connections of the capture that are over, with nothing mounted since. */
  readonly #over = new Map<number, How>();
  /** Handles of the capture, with the connection they speak for. */
  readonly #handles = new Map<number, number>();
  #due: [number, How][] = [];
  #counted = true;
  /** Nothing more is to be asked until the server is quiet; `settled` follows. */
  pause: () => void = () => {};
  /** A server whose mounts were taken away has mounted once more: nobody else would ever end it. */
  mountedAgain: () => void = () => {};
  #torn = false;
  #unmounted = false;
  readonly #feed: EndedFeed;
  readonly #emit: ReplaySink;
  /** More than one session was asked for. */
  readonly #several: boolean;
  #ended = 0;
  /** Connections of this run. */
  readonly mounted = new Set<number>();

  constructor(feed: EndedFeed, emit: ReplaySink, several: boolean) {
    this.#feed = feed;
    this.#emit = emit;
    this.#several = several;
  }

  /** The capture's events as they are passed. */
  *through(events: Iterable<SessionEvent>): Generator<SessionEvent> {
    for (const event of events) {
      if (event.kind === 'mount' && event.result === 0) this.#mounting(event);
      else this.#note(event);
      yield event;
    }
  }

  #mounting({ handle, conn }: MountEvent): void {
    this.#handles.set(handle, conn);
    this.#due = [...this.#over];
    this.#over.clear();
    if (this.#due.length === 0) return;
    this.#counted = false;
    this.pause();
  }

  #note(event: SessionEvent): void {
    if (event.kind === 'clone' && event.result === 0) this.#handles.set(event.handle, event.conn);
    else if (event.kind === 'close') this.#closed(event.handle);
    else if (event.kind === 'transport' && event.conn > 0) {
      if (event.result === -ERRNO.ENODEV) this.#over.set(event.conn, 'unmount');
      else if (event.result === -ERRNO.ECONNABORTED) this.#over.set(event.conn, 'abort');
    }
  }

  /** Without a read that says so: the last handle of a connection was closed. */
  #closed(handle: number): void {
    const conn = this.#handles.get(handle);
    this.#handles.delete(handle);
    if (conn === undefined || [...this.#handles.values()].includes(conn)) return;
    if (!this.#over.has(conn)) this.#over.set(conn, 'itself');
  }

  /**
   * The server is quiet, or (`late`) does nothing more by itself, and so does not end what it ended in the
   * capture. True if something was ended here.
   */
  settled(session: Session, keeperPid: number, late: boolean): boolean {
    if (!this.#counted) this.#count(session, keeperPid);
    this.#counted = true;
    const due = this.#due.filter(([, how]) => late || how !== 'itself');
    this.#due = this.#due.filter((one) => !due.includes(one));
    const live = due.filter(([conn]) => this.mounted.has(conn) && this.#feed.connected(conn));
    for (const [conn, how] of live) {
      if (how === 'abort') this.#feed.abort(conn);
      else this.#feed.shutdown(conn);
    }
    return live.length > 0;
  }

  /** Takes what this run does. */
  take(event: ReplayEvent, session: Session, keeperPid: number): void {
    if (event.kind === 'mount' && event.result === 0) {
      this.mounted.add(event.conn);
      if (this.#unmounted && this.#feed.connected(event.conn)) this.mountedAgain();
    }
    const several = this.#several || this.#ended > 0;
    if (event.kind !== 'teardown' || this.#torn) return;
    this.#torn = true;
    // A signal says all there is to say, and before the first mount nothing is over.
    this.#unmounted = !event.how.startsWith('sig') && this.mounted.size > 0;
    if (several) this.#count(session, keeperPid);
  }

  #count(session: Session, keeperPid: number): void {
    const n = ++this.#ended;
    this.#emit({ kind: 'session-end', t: session.now(), session: n, ...heldBelow(keeperPid) });
  }
}
