/** A flood of FORGETs, as of clients that look a name up and drop what they find (fuse_dentry_revalidate()). */
import { readU64 } from '../protocol/cursor.ts';
import type { Connection } from './connection.ts';
import type { Outcome, RequestSpec } from './feed.ts';
import { FuseReq } from './request.ts';

/** `count` LOOKUPs of one name; what each finds is forgotten when it is answered. */
export function flood(conn: Connection, lookup: RequestSpec, count: number): void {
  const forget = ({ error, body }: Outcome): void => {
    const nodeid = error === 0 && body.length >= 8 ? readU64(body, 0) : 0n;
    if (nodeid !== 0n) conn.forget([{ nodeid, nlookup: 1n }]);
  };
  for (let n = 0; n < count; n++) conn.enqueue(new FuseReq(0, { ...lookup }, forget));
}
