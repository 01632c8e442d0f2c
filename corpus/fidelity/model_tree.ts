/**
 * What a kernel would hold of the nodes of a probe's connections: entries, lookup counts and cached
 * pages, as far as the model asks for it (NodeFacts) and as notifications change it.
 */
import type { Outcome } from '../../rig/kernel/feed.ts';
import type { ModelKernel } from '../../rig/kernel/model.ts';
import type { NodeFacts } from '../../rig/kernel/notify.ts';
import { encode } from '../../rig/protocol/codec.ts';
import { readU32, readU64 } from '../../rig/protocol/cursor.ts';
import { NOTIFY } from '../../rig/protocol/notify.ts';
import { NOTIFY_RETRIEVE_IN } from '../../rig/protocol/structs-session.ts';
import { type Ask, entryOf } from './operations/ask.ts';

const PAGE = 4096;
/** Whoever writes the notification: masked on both sides. */
const PID = 77;
const ENOENT = -2;
const S_IFMT = 0o170000;
const S_IFDIR = 0o040000;
const ROOT = 1n;

interface Node {
  readonly type: number;
  nlookup: bigint;
  size: number;
  readonly pages: Map<number, Uint8Array>;
}

class Tree {
  readonly nodes = new Map<bigint, Node>();
  /** Nodes by their names in the root. */
  readonly entries = new Map<string, bigint>();
}

/** Operations whose reply is an entry, and the argument that names it. */
const ENTRIES: Readonly<Record<string, string>> = {
  LOOKUP: 'name',
  MKDIR: 'name',
  MKNOD: 'name',
  SYMLINK: 'name',
  LINK: 'newname',
  CREATE: 'name',
  TMPFILE: 'name',
};

export class ModelTree implements NodeFacts {
  readonly #model: ModelKernel;
  readonly #trees = new Map<number, Tree>();
  /** Nodes that are open, which no forget is sent for. */
  isOpen: (conn: number, nodeid: bigint) => boolean = () => false;

  constructor(model: ModelKernel) {
    this.#model = model;
    model.nodes = this;
    model.onNotify = (conn, code, body) => this.#notified(conn, code, body);
  }

  #tree(conn: number): Tree {
    let tree = this.#trees.get(conn);
    if (tree === undefined) {
      tree = new Tree();
      this.#trees.set(conn, tree);
    }
    return tree;
  }

  /** A request of a client has ended. */
  took(conn: number, ask: Ask, outcome: Outcome): void {
    const tree = this.#tree(conn);
    if (outcome.error !== 0) {
      if (ask.op === 'LOOKUP' && outcome.error === ENOENT) this.drop(conn, String(ask.args?.name));
      return;
    }
    if (ask.removes !== undefined) this.drop(conn, ask.removes);
    if (ask.op === 'RENAME') {
      const { oldname, newname } = ask.args as { oldname: string; newname: string };
      const nodeid = tree.entries.get(oldname);
      tree.entries.delete(oldname);
      if (nodeid !== undefined) tree.entries.set(newname, nodeid);
    }
    const named = ENTRIES[ask.op];
    if (named === undefined) return;
    const { nodeid, attr } = entryOf(outcome);
    if (nodeid === 0n) return;
    const node = tree.nodes.get(nodeid);
    if (node !== undefined) node.nlookup++;
    else {
      const type = attr.mode & S_IFMT;
      tree.nodes.set(nodeid, { type, nlookup: 1n, size: Number(attr.size), pages: new Map() });
    }
    const name = String(ask.args?.[named]);
    const before = tree.entries.get(name);
    if (before !== undefined && before !== nodeid) this.drop(conn, name);
    if (ask.op !== 'TMPFILE') tree.entries.set(name, nodeid);
  }

  /** An entry goes; a node without any is forgotten. */
  drop(conn: number, name: string): void {
    const tree = this.#tree(conn);
    const nodeid = tree.entries.get(name);
    if (nodeid === undefined) return;
    tree.entries.delete(name);
    this.release(conn, nodeid);
  }

  /** Forgets a node that nothing holds any more. */
  release(conn: number, nodeid: bigint): void {
    const tree = this.#tree(conn);
    const node = tree.nodes.get(nodeid);
    if (node === undefined || this.isOpen(conn, nodeid)) return;
    if ([...tree.entries.values()].includes(nodeid)) return;
    tree.nodes.delete(nodeid);
    if (this.#model.connected(conn)) this.#model.forget(conn, [{ nodeid, nlookup: node.nlookup }]);
  }

  // --- NodeFacts ---

  knowsNode(conn: number, nodeid: bigint): boolean {
    return nodeid === ROOT || this.#tree(conn).nodes.has(nodeid);
  }

  typeOf(conn: number, nodeid: bigint): number {
    return nodeid === ROOT ? S_IFDIR : (this.#tree(conn).nodes.get(nodeid)?.type ?? 0);
  }

  entryError(conn: number, parent: bigint, name: Uint8Array, child: bigint): number {
    const tree = this.#tree(conn);
    const nodeid = parent === ROOT ? tree.entries.get(Buffer.from(name).toString()) : undefined;
    if (nodeid === undefined) return ENOENT;
    if (child !== 0n && child !== nodeid) {
      // The dentry has been invalidated by then.
      this.drop(conn, Buffer.from(name).toString());
      return ENOENT;
    }
    return 0;
  }

  // --- what notifications do ---

  #notified(conn: number, code: number, body: Uint8Array): void {
    const tree = this.#tree(conn);
    if (code === NOTIFY.INVAL_ENTRY.code || code === NOTIFY.DELETE.code) {
      const at = code === NOTIFY.DELETE.code ? 24 : 16;
      const expires = code === NOTIFY.INVAL_ENTRY.code && (readU32(body, 12) & 1) !== 0;
      if (!expires) this.drop(conn, Buffer.from(body.subarray(at, body.length - 1)).toString());
    } else if (code === NOTIFY.PRUNE.code) {
      for (let at = 16; at < body.length; at += 8) {
        const nodeid = readU64(body, at);
        const names = [...tree.entries].filter(([, node]) => node === nodeid);
        if (!this.isOpen(conn, nodeid)) for (const [name] of names) this.drop(conn, name);
      }
    } else if (code === NOTIFY.INVAL_INODE.code) {
      const offset = BigInt.asIntN(64, readU64(body, 8));
      if (offset >= 0n) tree.nodes.get(readU64(body, 0))?.pages.clear();
    } else if (code === NOTIFY.STORE.code) this.#store(tree.nodes.get(readU64(body, 0)), body);
    else if (code === NOTIFY.RETRIEVE.code)
      this.#retrieve(conn, tree.nodes.get(readU64(body, 8)), body);
  }

  #store(node: Node | undefined, body: Uint8Array): void {
    if (node === undefined) return;
    const offset = Number(readU64(body, 8));
    const data = body.subarray(24);
    node.size = Math.max(node.size, offset + data.length);
    for (let at = 0; at < data.length; ) {
      const [index, from] = [Math.floor((offset + at) / PAGE), (offset + at) % PAGE];
      const part = data.subarray(at, at + PAGE - from);
      const cached = node.pages.get(index);
      // A page that is not there yet is kept only if the whole of it, up to the end of file, is given.
      const whole = from === 0 && (part.length === PAGE || offset + data.length >= node.size);
      if (cached !== undefined || whole) {
        const page = cached ?? new Uint8Array(PAGE);
        page.set(part, from);
        node.pages.set(index, page);
      }
      at += part.length;
    }
  }

  #retrieve(conn: number, node: Node | undefined, body: Uint8Array): void {
    const [unique, nodeid, offset] = [
      readU64(body, 0),
      readU64(body, 8),
      Number(readU64(body, 16)),
    ];
    const { maxWrite, maxPages } = this.#model.negotiated(conn);
    const asked = Math.min(readU32(body, 24), maxWrite, maxPages * PAGE);
    const size = Math.max(0, Math.min(asked, (node?.size ?? 0) - offset));
    const data: Uint8Array[] = [];
    let got = 0;
    while (got < size) {
      const [index, from] = [Math.floor((offset + got) / PAGE), (offset + got) % PAGE];
      const page = node?.pages.get(index);
      if (page === undefined) break;
      data.push(page.subarray(from, Math.min(PAGE, from + size - got)));
      got += data.at(-1)?.length ?? 0;
    }
    const head = encode(NOTIFY_RETRIEVE_IN, { offset: BigInt(offset), size: got });
    this.#model.notifyReply(conn, unique, nodeid, Buffer.concat([head, ...data]), {
      uid: 0,
      gid: 0,
      pid: PID,
    });
  }
}
