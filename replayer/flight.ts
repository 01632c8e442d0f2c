/** One captured request on its way through this run. */
import type { Fate } from '../rig/events.ts';
import type { Outcome } from '../rig/kernel/feed.ts';
import type { Key } from '../rig/protocol/cursor.ts';
import type { Request } from '../rig/protocol/message.ts';

export interface Flight {
  /** Place among the capture's requests, from 1. */
  index: number;
  conn: number;
  opcode: number;
  /** Ids as the capture has them. */
  unique: Key;
  nodeid: Key;
  fh: Key | undefined;
  /** The request as asked in this run (translated; adapted). */
  request: Request;
  /** READDIR's captured form and this run's: a server without READDIRPLUS is asked READDIR. */
  plusCaptured: boolean;
  /** Tickets still to end: one, or several for a WRITE split to this server's max_write. */
  open: number;
  outcome: Outcome | undefined;
  /** This run's reply, header included; undefined while none came or where the kernel ended it. */
  reply: Uint8Array | undefined;
  /** Bytes acknowledged by the parts of a split WRITE so far. */
  written: number;
  /** The fault that was injected into it, and what became of it. */
  fault?: { text: string; fate: Fate };
  /** It was unanswered when the session was torn down, by this: what ends it then is no answer. */
  cut?: string;
  /** Asked one at a time: the server was seen to wait, so that it cannot answer before others are asked. */
  waits: boolean;
}
