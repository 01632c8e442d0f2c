/** What is known of one connection while a capture is walked: the capture's state and this run's. */
import { BEFORE_INIT, type Negotiated } from '../rig/protocol/negotiated.ts';
import { DirectoryStream } from './directory.ts';
import type { Flight } from './flight.ts';
import { Identity } from './identity.ts';

export class Side {
  readonly identity = new Identity();
  readonly streams = new Map<bigint, DirectoryStream>();
  readonly flights = new Map<bigint, Flight>();
  /** RETRIEVE notifications of this run whose NOTIFY_REPLY the capture has not reached. */
  readonly retrieves: { unique: bigint; nodeid: bigint }[] = [];
  captured: Negotiated = BEFORE_INIT;
  run: Negotiated = BEFORE_INIT;
  initRequest: Uint8Array | undefined;
  /** Whether this run's INIT reply came, and was accepted. */
  init: boolean | undefined;
  gone = false;

  stream(fh: bigint): DirectoryStream {
    let stream = this.streams.get(fh);
    if (stream === undefined) {
      stream = new DirectoryStream();
      this.streams.set(fh, stream);
    }
    return stream;
  }
}
