/**
 * content: what was written is what is read.
 *
 * Verified: every 4096-byte block that an acknowledged WRITE covered whole comes back unchanged in
 * later READs of the same node, until a truncate, fallocate, copy or another write touches it.
 * Not verified: partly written blocks, what overlaps a write in flight, files with several links
 * (a path-based server has a node for each name), files opened for passthrough (their data never
 * comes here), and what the backing store holds after the run. In a live session others may write
 * what the server serves, and then nothing is said: with a second mount (it may be of the same files).
 * Who writes past all mounts is not seen there.
 */
import { crc32 } from 'node:zlib';
import type { ReplayEvent, ReplyEvent, RequestEvent } from '../events.ts';
import { type Key, keyOf, readKey, readU32 } from '../protocol/cursor.ts';
import { decodeDirents } from '../protocol/dirents.ts';
import { errorOf, opcodeOf, uniqueKeyOf } from '../protocol/header.ts';
import { Request } from '../protocol/message.ts';
import { BEFORE_INIT } from '../protocol/negotiated.ts';
import { isNotification, NOTIFY } from '../protocol/notify.ts';
import { OP } from '../protocol/opcodes.ts';
import { ATTR, ENTRY_OUT, IN_HEADER } from '../protocol/structs-common.ts';
import { ATTR_OUT } from '../protocol/structs-node.ts';
import { type Asked, AskedByConn } from './asked.ts';
import { passthrough, taken } from './data_replies.ts';
import { target, touches } from './data_requests.ts';
import { type Check, type Finding, Lines } from './finding.ts';
import {
  BLOCK,
  BLOCKS_MAX,
  begin,
  dropRange,
  type Shadow,
  Shadows,
  wholeBlocks,
} from './shadows.ts';

const OUT_HEADER = 16;
/** fuse_in_header and fuse_write_in (or fuse_read_in). */
const WRITE_DATA = 80;
/** A READ's. */
const NO_SUMS: Asked['sums'] = [];
/** Bytes of a transfer that may be of all there is. */
const WHOLE = Number.MAX_SAFE_INTEGER;
const UNLESS = 'unless somebody else wrote to what the server serves: then say --others-write';
const S_IFMT = 0o170000;
const S_IFDIR = 0o040000;

/** Opcodes whose replies tell how a file's data can be reached, or that it was lost. */
const LOOKS: ReadonlySet<number> = new Set([
  OP.OPEN.opcode,
  OP.LOOKUP.opcode,
  OP.READDIRPLUS.opcode,
  OP.GETATTR.opcode,
  OP.SETATTR.opcode,
  OP.CREATE.opcode,
  OP.LINK.opcode,
  OP.FLUSH.opcode,
  OP.FSYNC.opcode,
]);

export class Content implements Check {
  readonly name = 'content';
  readonly kinds = ['request', 'reply'] as const;
  readonly #files = new Shadows();
  readonly #asked = new AskedByConn();
  readonly #wrong = new Lines();
  #verified = 0;
  readonly #sum: (bytes: Uint8Array) => number;
  readonly #live: boolean;
  /** The first connection; -1 before it, 0 once there were several. */
  #conn = -1;

  /** `sum`: a checksum of 32 bits, where there is a faster one than zlib's. */
  constructor(sum: (bytes: Uint8Array) => number = crc32, where: 'replay' | 'live' = 'replay') {
    this.#sum = sum;
    this.#live = where === 'live';
  }

  /** Live: there is another mount, which may be of the same files. */
  get #several(): boolean {
    return this.#live && this.#conn === 0;
  }

  take(event: ReplayEvent): void {
    if (event.kind !== 'request' && event.kind !== 'reply') return;
    if (this.#conn < 0) this.#conn = event.conn;
    else if (this.#conn !== event.conn) this.#conn = 0;
    if (this.#several) return;
    if (event.kind === 'request') this.#request(event);
    else if (event.bytes.length < OUT_HEADER) return;
    else if (event.ring === undefined && isNotification(event.bytes)) this.#notified(event);
    else this.#reply(event);
  }

  #request(event: RequestEvent): void {
    const { bytes, conn } = event;
    const opcode = opcodeOf(bytes);
    const node = readKey(bytes, IN_HEADER.at.nodeid);
    if (opcode === OP.WRITE.opcode || opcode === OP.READ.opcode) {
      this.#transfer(event, opcode, node);
      return;
    }
    if (opcode === OP.LINK.opcode) {
      this.#files.blind(conn, keyOf(new Request(bytes, BEFORE_INIT).as('LINK').oldnodeid));
    } else if (opcode === OP.FORGET.opcode) this.#files.forget(conn, node);
    else if (opcode === OP.BATCH_FORGET.opcode) {
      for (const { nodeid } of new Request(bytes).as('BATCH_FORGET').forgets) {
        this.#files.forget(conn, keyOf(nodeid));
      }
    }
    const touched = touches(bytes, opcode) ? target(bytes, opcode, node) : undefined;
    if (touched === undefined && !LOOKS.has(opcode)) return;
    const writes = touched !== undefined;
    const whole = { writes, offset: 0, size: writes ? WHOLE : 0, sums: NO_SUMS, mixed: false };
    const asked = { unique: uniqueKeyOf(bytes), opcode, node: touched ?? node, ...whole };
    if (touched !== undefined) this.#touch(conn, touched, asked);
    this.#asked.set(event, asked);
  }

  /** What is read or written until it is answered may come before or after it. */
  #touch(conn: number, node: Key, asked: Asked): void {
    this.#files.clear(conn, node);
    begin(this.#files.of(conn, node), asked);
  }

  /** A file with several links may have a node for each: none of them says what the others wrote. */
  #looked(event: ReplyEvent, asked: Asked): void {
    const { bytes, conn } = event;
    if (asked.opcode === OP.READDIRPLUS.opcode) {
      for (const { entry } of decodeDirents(bytes.subarray(OUT_HEADER), true)) {
        if (entry === undefined || (entry.attr.mode & S_IFMT) === S_IFDIR) continue;
        if (entry.attr.nlink > 1) this.#files.blind(conn, keyOf(entry.nodeid));
      }
      return;
    }
    const attr = asked.opcode === OP.GETATTR.opcode || asked.opcode === OP.SETATTR.opcode;
    const at = OUT_HEADER + (attr ? ATTR_OUT.at.attr : ENTRY_OUT.at.attr);
    if (bytes.length < at + ATTR.at.gid) return;
    const node = attr ? asked.node : readKey(bytes, OUT_HEADER);
    const directory = (readU32(bytes, at + ATTR.at.mode) & S_IFMT) === S_IFDIR;
    const links = readU32(bytes, at + ATTR.at.nlink);
    if (asked.opcode === OP.LINK.opcode || (!directory && links > 1)) this.#files.blind(conn, node);
    // A CREATE of a name that was there may have cut the file to nothing.
    else if (asked.opcode !== OP.CREATE.opcode) return;
    else if (passthrough(bytes, ENTRY_OUT.size)) this.#files.blind(conn, node);
    else this.#files.clear(conn, node);
  }

  /** The server says that a file has changed on its side: both bodies begin with the node. */
  #notified(event: ReplyEvent): void {
    const code = errorOf(event.bytes);
    if (code !== NOTIFY.INVAL_INODE.code && code !== NOTIFY.STORE.code) return;
    if (event.bytes.length >= OUT_HEADER + 8) {
      this.#files.clear(event.conn, readKey(event.bytes, OUT_HEADER));
    }
  }

  #transfer(event: RequestEvent, opcode: number, node: Key): void {
    const { bytes, conn } = event;
    if (bytes.length < WRITE_DATA) return;
    const writing = opcode === OP.WRITE.opcode;
    const known = this.#files.known(conn, node);
    if (!writing && known === undefined) return;
    const shadow = this.#files.of(conn, node);
    const offset = Number(readKey(bytes, 48));
    const size = readU32(bytes, 56);
    let sums = NO_SUMS;
    if (writing) {
      dropRange(shadow, offset, size);
      const data = bytes.subarray(WRITE_DATA);
      sums = [];
      for (const [block, from] of wholeBlocks(offset, data.length)) {
        sums.push([block, this.#sum(data.subarray(from, from + BLOCK))]);
      }
    }
    const unique = uniqueKeyOf(bytes);
    const asked = { unique, opcode, node, writes: writing, offset, size, sums, mixed: false };
    begin(shadow, asked);
    this.#asked.set(event, asked);
  }

  #reply(event: ReplyEvent): void {
    const asked = this.#asked.get(event);
    if (asked === undefined || event.result === -2) return;
    this.#asked.delete(event);
    const failed = event.result < 0 || errorOf(event.bytes) !== 0 || !taken(event, asked);
    if (asked.size === WHOLE) {
      this.#files.known(event.conn, asked.node)?.flights.delete(asked);
      this.#files.clear(event.conn, asked.node);
    }
    if (asked.opcode === OP.FLUSH.opcode || asked.opcode === OP.FSYNC.opcode) {
      // Who writes behind tells here what became of it: that it is lost is no secret then.
      if (failed) this.#files.clear(event.conn, asked.node);
    } else if (asked.opcode === OP.OPEN.opcode) {
      if (!failed && passthrough(event.bytes, 0)) this.#files.blind(event.conn, asked.node);
    } else if (LOOKS.has(asked.opcode)) {
      if (!failed) this.#looked(event, asked);
    } else if (asked.size !== WHOLE) {
      const shadow = this.#files.of(event.conn, asked.node);
      shadow.flights.delete(asked);
      if (asked.opcode === OP.WRITE.opcode) this.#written(event, asked, shadow, failed);
      else if (!failed) this.#read(event, asked, shadow);
    }
  }

  #written(event: ReplyEvent, asked: Asked, shadow: Shadow, failed: boolean): void {
    if (failed || asked.mixed || shadow.blind) return;
    const written = readU32(event.bytes, OUT_HEADER);
    const end = asked.offset + written;
    for (const [block, sum] of asked.sums) {
      if ((block + 1) * BLOCK > end || shadow.blocks.size >= BLOCKS_MAX) continue;
      shadow.blocks.set(block, sum);
    }
  }

  #read(event: ReplyEvent, asked: Asked, shadow: Shadow): void {
    if (shadow.blind || asked.mixed) return;
    const { bytes } = event;
    const end = asked.offset + bytes.length - OUT_HEADER;
    for (let block = Math.ceil(asked.offset / BLOCK); (block + 1) * BLOCK <= end; block++) {
      const expected = shadow.blocks.get(block);
      if (expected === undefined) continue;
      this.#verified++;
      const from = OUT_HEADER + block * BLOCK - asked.offset;
      if (this.#sum(bytes.subarray(from, from + BLOCK)) === expected) continue;
      this.#wrong.add(
        `READ unique ${uniqueKeyOf(event.bytes)} node ${asked.node}: bytes ${block * BLOCK}..${block * BLOCK + BLOCK - 1} are not what the last acknowledged WRITE put there`,
      );
    }
  }

  findings(): Finding[] {
    if (this.#several) {
      const text = 'not compared: there are several mounts, which may be of the same files';
      return [{ check: this.name, verdict: 'pass', text, details: [] }];
    }
    const { count } = this.#wrong;
    const verdict = count === 0 ? 'pass' : 'fail';
    const verified =
      this.#verified === 0
        ? 'nothing was read back that could be checked'
        : `${this.#verified} blocks read back as written`;
    const text = count === 0 ? verified : `${count} blocks lost or changed`;
    const unless = this.#live && count > 0 ? [UNLESS] : [];
    return [{ check: this.name, verdict, text, details: [...this.#wrong.list(), ...unless] }];
  }
}
