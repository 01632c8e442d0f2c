/**
 * Notifications (a write with unique 0, the code in `error`): what the kernel checks before it does
 * as told (fuse_notify() and fuse_notify_*() in fs/fuse/dev.c, fuse_reverse_inval_*() in inode.c
 * and dir.c). Which nodes and entries a kernel would have is not known here: `NodeFacts` says so.
 */
import { OUT_HEADER_SIZE } from '../protocol/constants.ts';
import { readU32, readU64 } from '../protocol/cursor.ts';
import { ERRNO } from '../protocol/errno.ts';
import type { Layout } from '../protocol/layout.ts';
import { type NotifyName, notifyOf } from '../protocol/notify.ts';
import * as session from '../protocol/structs-session.ts';
import type { Connection } from './connection.ts';
import type { ConnId } from './kernel.ts';
import { resend } from './resend.ts';

/** What the client side knows about a connection's nodes. */
export interface NodeFacts {
  /** The kernel has this node: it was looked up and not forgotten. */
  knowsNode(conn: ConnId, nodeid: bigint): boolean;
  /** S_IFMT bits of a known node; 0 where nobody knows, and then no check of the type fails. */
  typeOf(conn: ConnId, nodeid: bigint): number;
  /** Errno (0, -ENOENT, -EBUSY, -ENOTEMPTY) of removing an entry; `child` 0n: invalidating it. */
  entryError(conn: ConnId, parent: bigint, name: Uint8Array, child: bigint): number;
}

/** Knows of nothing that would stand in the way. */
export const ANY_NODE: NodeFacts = {
  knowsNode: () => true,
  typeOf: () => 0,
  entryError: () => 0,
};

const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;

/** A notification being looked at. */
interface Notification {
  readonly conn: Connection;
  readonly nodes: NodeFacts;
  /** The readable bytes after the header; `size` of them were written. */
  readonly body: Uint8Array;
  readonly size: number;
}

/** 0 or a negative errno. */
type Rule = (n: Notification) => number;

/** A rule of a structure: its size is checked, then it is copied in, then `rest` looks at it. */
function structure(layout: Layout, exact: boolean, rest: Rule): Rule {
  return (n) => {
    if (exact ? n.size !== layout.size : n.size < layout.size) return -ERRNO.EINVAL;
    if (n.body.length < layout.size) return -ERRNO.EFAULT;
    return rest(n);
  };
}

/** fuse_ilookup(): needs a superblock, and a type if one is asked for. */
function nodeError(n: Notification, nodeid: bigint, type = 0): number {
  const { conn, nodes } = n;
  if (!conn.mounted || !nodes.knowsNode(conn.id, nodeid)) return -ERRNO.ENOENT;
  const is = nodes.typeOf(conn.id, nodeid);
  if (type === 0 || is === 0 || is === type) return 0;
  return type === S_IFDIR ? -ERRNO.ENOTDIR : -ERRNO.EINVAL;
}

/** The rest of INVAL_ENTRY and DELETE: a name of `namelen` bytes and its NUL, and the entry. */
function entry(layout: Layout, childAt: number | undefined): Rule {
  return structure(layout, false, (n) => {
    const { conn, nodes, body, size } = n;
    const namelen = readU32(body, layout.at.namelen as number);
    if (namelen > conn.negotiated.nameMax) return -ERRNO.ENAMETOOLONG;
    if (size !== layout.size + namelen + 1) return -ERRNO.EINVAL;
    if (body.length < size) return -ERRNO.EFAULT;
    const parent = readU64(body, layout.at.parent as number);
    const error = nodeError(n, parent, S_IFDIR);
    if (error !== 0) return error;
    const name = body.subarray(layout.size, layout.size + namelen);
    const child = childAt === undefined ? 0n : readU64(body, childAt);
    return nodes.entryError(conn.id, parent, name, child);
  });
}

const regularOf = (conn: Connection): number => (conn.switches.storeNeedsRegular ? S_IFREG : 0);

const store: Rule = (n) => {
  const layout = session.NOTIFY_STORE_OUT;
  if (n.size - layout.size !== readU32(n.body, layout.at.size)) return -ERRNO.EINVAL;
  const error = nodeError(n, readU64(n.body, layout.at.nodeid), regularOf(n.conn));
  return error || (n.body.length < n.size ? -ERRNO.EFAULT : 0);
};

const prune: Rule = (n) => {
  const layout = session.NOTIFY_PRUNE_OUT;
  const bytes = readU32(n.body, layout.at.count) * session.NOTIFY_PRUNE_ONE.size;
  if (n.size - layout.size !== bytes) return -ERRNO.EINVAL;
  return n.body.length < n.size ? -ERRNO.EFAULT : 0;
};

const inodeOut = session.NOTIFY_INVAL_INODE_OUT;
const deleteOut = session.NOTIFY_DELETE_OUT;
const retrieveOut = session.NOTIFY_RETRIEVE_OUT;

/** One rule a notification; every code without a row in the protocol is EINVAL. */
const RULES: Readonly<Record<NotifyName, Rule>> = {
  POLL: structure(session.NOTIFY_POLL_WAKEUP_OUT, true, () => 0),
  INVAL_INODE: structure(inodeOut, true, (n) => nodeError(n, readU64(n.body, inodeOut.at.ino))),
  INVAL_ENTRY: entry(session.NOTIFY_INVAL_ENTRY_OUT, undefined),
  STORE: structure(session.NOTIFY_STORE_OUT, false, store),
  // What it brings is a request, which a dead connection has not.
  RETRIEVE: structure(retrieveOut, true, (n) => {
    const error = nodeError(n, readU64(n.body, retrieveOut.at.nodeid), regularOf(n.conn));
    return error || (n.conn.connected ? 0 : -ERRNO.ENOTCONN);
  }),
  DELETE: entry(deleteOut, deleteOut.at.child),
  RESEND: ({ conn }) => {
    resend(conn);
    return 0;
  },
  INC_EPOCH: () => 0,
  PRUNE: structure(session.NOTIFY_PRUNE_OUT, false, prune),
};

/** Checks and carries out a notification: 0 or a negative errno. */
export function notify(
  conn: Connection,
  code: number,
  message: Uint8Array,
  length: number,
  nodes: NodeFacts,
): number {
  const { notifyNeedsInit } = conn.switches;
  if (notifyNeedsInit && !(conn.initialized && conn.connected)) return -ERRNO.EINVAL;
  const spec = notifyOf(code);
  if (spec === undefined) return -ERRNO.EINVAL;
  const body = message.subarray(OUT_HEADER_SIZE, length);
  const error = RULES[spec.name as NotifyName]({
    conn,
    nodes,
    body,
    size: length - OUT_HEADER_SIZE,
  });
  if (error === 0) conn.host.notified(conn, code, body);
  return error;
}
