/** What clients hold in a server and held: open files and directories, nodes that were looked up. */
import type { ReplyEvent, RequestEvent } from '../events.ts';
import { type Key, keyOf, readKey } from '../protocol/cursor.ts';
import { decodeDirents } from '../protocol/dirents.ts';
import { errorOf, nodeidOf, opcodeOf } from '../protocol/header.ts';
import { Request } from '../protocol/message.ts';
import { OP } from '../protocol/opcodes.ts';

const OUT_HEADER = 16;
/** In a request and in a reply alike. */
const UNIQUE_AT = 8;

const OPENS: ReadonlySet<number> = new Set([
  OP.OPEN.opcode,
  OP.OPENDIR.opcode,
  OP.CREATE.opcode,
  OP.TMPFILE.opcode,
]);
const RELEASES: ReadonlySet<number> = new Set([OP.RELEASE.opcode, OP.RELEASEDIR.opcode]);
/** Their replies begin with the node that was looked up. */
const ENTRIES: ReadonlySet<number> = new Set([
  OP.LOOKUP.opcode,
  OP.SYMLINK.opcode,
  OP.MKNOD.opcode,
  OP.MKDIR.opcode,
  OP.LINK.opcode,
  OP.CREATE.opcode,
  OP.TMPFILE.opcode,
]);

interface Connection {
  /** Opcodes of requests whose replies matter, by unique. */
  readonly asked: Map<Key, number>;
  /** Lookups that are not forgotten, by node. */
  readonly lookups: Map<Key, bigint>;
}

export class Holdings {
  #opens = 0;
  /** Files and directories that were open at once, at most. */
  opensMost = 0;
  /** Nodes that were looked up; what was forgotten and is looked up again counts again. */
  nodesEver = 0;
  readonly #connections = new Map<number, Connection>();

  #of(conn: number): Connection {
    let found = this.#connections.get(conn);
    if (found === undefined) {
      found = { asked: new Map(), lookups: new Map() };
      this.#connections.set(conn, found);
    }
    return found;
  }

  take(event: RequestEvent | ReplyEvent): void {
    if (event.bytes.length < OUT_HEADER) return;
    if (event.kind === 'request') this.#request(event);
    else this.#reply(event);
  }

  #request({ conn, bytes }: RequestEvent): void {
    const opcode = opcodeOf(bytes);
    if (RELEASES.has(opcode)) this.#opens = Math.max(0, this.#opens - 1);
    else if (opcode === OP.FORGET.opcode) {
      this.#forget(conn, nodeidOf(bytes), new Request(bytes).as('FORGET').nlookup);
    } else if (opcode === OP.BATCH_FORGET.opcode) {
      for (const { nodeid, nlookup } of new Request(bytes).as('BATCH_FORGET').forgets) {
        this.#forget(conn, nodeid, nlookup);
      }
    } else if (OPENS.has(opcode) || ENTRIES.has(opcode) || opcode === OP.READDIRPLUS.opcode) {
      this.#of(conn).asked.set(readKey(bytes, UNIQUE_AT), opcode);
    }
  }

  #reply({ conn, bytes, result }: ReplyEvent): void {
    const { asked } = this.#of(conn);
    const unique = readKey(bytes, UNIQUE_AT);
    const opcode = asked.get(unique);
    if (opcode === undefined) return;
    asked.delete(unique);
    if (result < 0 || errorOf(bytes) !== 0) return;
    if (OPENS.has(opcode)) this.opensMost = Math.max(this.opensMost, ++this.#opens);
    if (opcode === OP.READDIRPLUS.opcode) {
      for (const { entry } of decodeDirents(bytes.subarray(OUT_HEADER), true)) {
        if (entry !== undefined) this.#look(conn, entry.nodeid);
      }
    } else if (ENTRIES.has(opcode) && bytes.length >= OUT_HEADER + 8) {
      this.#look(conn, readKey(bytes, OUT_HEADER));
    }
  }

  #look(conn: number, nodeid: bigint | Key): void {
    const node = typeof nodeid === 'bigint' ? keyOf(nodeid) : nodeid;
    // Unknown, and the root.
    if (node === 0 || node === 1) return;
    const { lookups } = this.#of(conn);
    const before = lookups.get(node);
    if (before === undefined) this.nodesEver++;
    lookups.set(node, (before ?? 0n) + 1n);
  }

  #forget(conn: number, nodeid: bigint, nlookup: bigint): void {
    const { lookups } = this.#of(conn);
    const node = keyOf(nodeid);
    const left = (lookups.get(node) ?? 0n) - nlookup;
    if (left > 0n) lookups.set(node, left);
    else lookups.delete(node);
  }
}
