/** Messages that several probes write. */
import { encode } from '../../../rig/protocol/codec.ts';
import { concat, writeU32 } from '../../../rig/protocol/cursor.ts';
import { bareReply } from '../../../rig/protocol/header.ts';
import * as session from '../../../rig/protocol/structs-session.ts';

/** A header with so many bytes of zero behind it. */
export function header(unique: bigint, error: number, more = 0): Uint8Array {
  const message = concat([bareReply(unique, error), new Uint8Array(more)]);
  writeU32(message, 0, message.length);
  return message;
}

const named = (name: string): Uint8Array => Buffer.from(`${name}\0`);

/** Bodies of notifications. */
export const body = {
  poll: (kh: bigint) => encode(session.NOTIFY_POLL_WAKEUP_OUT, { kh }),
  invalInode: (ino: bigint, off = 0n, len = 0n) =>
    encode(session.NOTIFY_INVAL_INODE_OUT, { ino, off, len }),
  invalEntry: (name: string, fields: { parent?: bigint; namelen?: number; flags?: number } = {}) =>
    concat([
      encode(session.NOTIFY_INVAL_ENTRY_OUT, { parent: 1n, namelen: name.length, ...fields }),
      named(name),
    ]),
  remove: (name: string, child: bigint, fields: { parent?: bigint; namelen?: number } = {}) =>
    concat([
      encode(session.NOTIFY_DELETE_OUT, { parent: 1n, child, namelen: name.length, ...fields }),
      named(name),
    ]),
  store: (nodeid: bigint, data: Uint8Array, offset = 0n, size = data.length) =>
    concat([encode(session.NOTIFY_STORE_OUT, { nodeid, offset, size }), data]),
  retrieve: (nodeid: bigint, size: number, offset = 0n, notify_unique = 99n) =>
    encode(session.NOTIFY_RETRIEVE_OUT, { notify_unique, nodeid, offset, size }),
  prune: (nodes: readonly bigint[], count = nodes.length) =>
    concat([
      encode(session.NOTIFY_PRUNE_OUT, { count }),
      ...nodes.map((node) => Uint8Array.from(Buffer.from(BigUint64Array.of(node).buffer))),
    ]),
};
