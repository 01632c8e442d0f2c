/**
 * One open of /dev/fuse (struct fuse_dev) and its processing table: replies are looked up in the
 * table of the handle they are written to, so only the reader's handle can answer.
 */
import { type Key, readKey } from '../protocol/cursor.ts';
import { IN_HEADER } from '../protocol/structs-common.ts';
import type { Connection } from './connection.ts';
import type { HandleId } from './kernel.ts';
import type { FuseReq } from './request.ts';

/** `sync-init`: FUSE_DEV_IOC_SYNC_INIT was done, calls wait for the mount. */
export type DeviceState = 'unbound' | 'sync-init' | 'bound';

const POLLIN = 0x001;
const POLLOUT = 0x004;
const POLLERR = 0x008;
const POLLRDNORM = 0x040;
const POLLWRNORM = 0x100;

/** GOLDEN_RATIO_64 and FUSE_PQ_HASH_BITS: hash_long() over the table's buckets. */
const GOLDEN_RATIO = 0x61c8864680b583ebn;
const HASH_SHIFT = 64n - 8n;

const bucket = (unique: bigint): bigint => BigInt.asUintN(64, unique * GOLDEN_RATIO) >> HASH_SHIFT;

export class Device {
  readonly id: HandleId;
  state: DeviceState = 'unbound';
  conn: Connection | undefined;
  /** The handle alone is dead (no kernel does this): the connection lives on through others. */
  lost = false;
  /** Requests read here and not answered, by unique. */
  readonly processing = new Map<Key, FuseReq>();
  /** Handles whose call waits until this one is bound (CLONE of a SYNC_INIT source). */
  readonly waiters = new Set<HandleId>();

  constructor(id: HandleId) {
    this.id = id;
  }

  /** fuse_dev_install(). */
  bind(conn: Connection): void {
    this.state = 'bound';
    this.conn = conn;
    conn.devices.push(this);
  }

  /**
   * Empties the table, bucket by bucket as abort, close and RESEND do: not in the order of the
   * uniques, which a server sees when requests are sent again.
   */
  takeProcessing(): FuseReq[] {
    const all = [...this.processing.values()].map((req) => ({
      bucket: bucket(BigInt(req.unique)),
      req,
    }));
    this.processing.clear();
    all.sort((a, b) => Number(a.bucket - b.bucket));
    return all.map(({ req }) => req);
  }

  /** The delivered request of this message, if it is one that awaits its reply here. */
  requestOf(message: Uint8Array): FuseReq | undefined {
    return this.processing.get(readKey(message, IN_HEADER.at.unique));
  }

  /** fuse_dev_poll(), for a handle that is not waiting for its mount. */
  poll(): number {
    const input = this.conn?.input;
    if (!input?.connected || this.lost) return POLLERR;
    return POLLOUT | POLLWRNORM | (input.ready ? POLLIN | POLLRDNORM : 0);
  }
}
