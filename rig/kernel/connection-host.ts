/** What stands around a connection and is told by it. */
import type { Connection } from './connection.ts';
import type { Outcome } from './feed.ts';
import type { HandleId } from './kernel.ts';
import type { FuseReq } from './request.ts';

export interface ConnectionHost {
  /** The model's time, ms: it goes on only when the feed says so. */
  readonly now: number;
  /** A request that carries a ticket has ended. */
  ended(req: FuseReq, outcome: Outcome): void;
  /** Calls held on this handle may go on. */
  wake(handle: HandleId): void;
  /** INIT has ended; `body` is init_out as it was taken. */
  inited(conn: Connection, body: Uint8Array): void;
  /** A notification was accepted. */
  notified(conn: Connection, code: number, body: Uint8Array): void;
}
