/**
 * content: what was written is what is read.
 *
 * Verified: every 4096-byte block that an acknowledged WRITE covered whole comes back unchanged in
 * later READs of the same node, until a truncate, fallocate, copy or another write touches it.
 * Not verified: partly written blocks, reads that overlap a write in flight, files with several links
 * (a path-based server has a node for each name), files opened for passthrough (their data never
 * comes here), and what the backing store holds after the run.
 */
import { crc32 } from 'node:zlib';
import type { ReplayEvent, ReplyEvent, RequestEvent } from '../events.ts';
import { errorOf, nodeidOf, opcodeOf, uniqueOf } from '../protocol/header.ts';
import { Request } from '../protocol/message.ts';
import { BEFORE_INIT } from '../protocol/negotiated.ts';
import { OP } from '../protocol/opcodes.ts';
import { type Check, type Finding, Lines } from './finding.ts';

const BLOCK = 4096;
const OUT_HEADER = 16;
/** fuse_in_header and fuse_write_in (or fuse_read_in). */
const WRITE_DATA = 80;
const FOPEN_PASSTHROUGH = 128;

/** What is known of one file: checksums of whole blocks by number, or that nothing can be known. */
interface Shadow {
  blocks: Map<number, number>;
  /** Writes asked and not acknowledged. */
  writing: number;
  /** Counts changes, so that a read can see whether one came between. */
  version: number;
  blind: boolean;
}

interface Asked {
  opcode: number;
  node: bigint;
  offset: number;
  /** WRITE: checksums of its whole blocks. */
  sums: [block: number, sum: number][];
  version: number;
  /** A write was in flight when it was asked. */
  mixed: boolean;
}

/** Opcodes that change a file's data by ranges we do not follow. */
const TOUCHES: ReadonlySet<number> = new Set([
  OP.SETATTR.opcode,
  OP.FALLOCATE.opcode,
  OP.COPY_FILE_RANGE.opcode,
  OP.COPY_FILE_RANGE_64.opcode,
  OP.IOCTL.opcode,
]);

export class Content implements Check {
  readonly name = 'content';
  readonly #shadows = new Map<string, Shadow>();
  readonly #asked = new Map<string, Asked>();
  readonly #wrong = new Lines();
  #verified = 0;

  take(event: ReplayEvent): void {
    if (event.kind === 'request') this.#request(event);
    else if (event.kind === 'reply' && event.bytes.length >= OUT_HEADER) this.#reply(event);
  }

  #shadow(conn: number, node: bigint): Shadow {
    const key = `${conn}:${node}`;
    let shadow = this.#shadows.get(key);
    if (shadow === undefined) {
      shadow = { blocks: new Map(), writing: 0, version: 0, blind: false };
      this.#shadows.set(key, shadow);
    }
    return shadow;
  }

  #request(event: RequestEvent): void {
    const { bytes, conn } = event;
    const opcode = opcodeOf(bytes);
    const node = nodeidOf(bytes);
    if (opcode === OP.WRITE.opcode || opcode === OP.READ.opcode)
      this.#transfer(event, opcode, node);
    else if (TOUCHES.has(opcode)) this.#touch(conn, node, bytes, opcode);
    else if (opcode === OP.LINK.opcode) {
      this.#blind(conn, new Request(bytes, BEFORE_INIT).as('LINK').oldnodeid);
    } else if (opcode === OP.OPEN.opcode) {
      this.#ask(event, {
        opcode,
        node,
        offset: 0,
        sums: [],
        version: 0,
        mixed: false,
      });
    } else if (opcode === OP.FORGET.opcode) this.#shadows.delete(`${conn}:${node}`);
    else if (opcode === OP.BATCH_FORGET.opcode) {
      for (const { nodeid } of new Request(bytes).as('BATCH_FORGET').forgets) {
        this.#shadows.delete(`${conn}:${nodeid}`);
      }
    }
  }

  #ask(event: RequestEvent, asked: Asked): void {
    this.#asked.set(`${event.conn}:${uniqueOf(event.bytes)}`, asked);
  }

  #transfer(event: RequestEvent, opcode: number, node: bigint): void {
    const { bytes, conn } = event;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length < WRITE_DATA) return;
    const writing = opcode === OP.WRITE.opcode;
    const known = this.#shadows.get(`${conn}:${node}`);
    if (!writing && known === undefined) return;
    const shadow = this.#shadow(conn, node);
    const offset = Number(view.getBigUint64(48, true));
    const size = view.getUint32(56, true);
    const sums: Asked['sums'] = [];
    const mixed = shadow.writing > 0;
    if (writing) {
      shadow.writing++;
      shadow.version++;
      this.#drop(shadow, offset, size);
      const data = bytes.subarray(WRITE_DATA);
      for (const [block, from] of wholeBlocks(offset, data.length)) {
        sums.push([block, crc32(data.subarray(from, from + BLOCK))]);
      }
    }
    this.#ask(event, { opcode, node, offset, sums, version: shadow.version, mixed });
  }

  #touch(conn: number, node: bigint, bytes: Uint8Array, opcode: number): void {
    const copies = opcode === OP.COPY_FILE_RANGE.opcode || opcode === OP.COPY_FILE_RANGE_64.opcode;
    const target = copies ? BigInt(new Request(bytes).args.nodeid_out as bigint) : node;
    const shadow = this.#shadows.get(`${conn}:${target}`);
    if (shadow === undefined) return;
    shadow.version++;
    shadow.blocks.clear();
  }

  #blind(conn: number, node: bigint): void {
    const shadow = this.#shadow(conn, node);
    shadow.blind = true;
    shadow.blocks.clear();
  }

  #drop(shadow: Shadow, offset: number, size: number): void {
    const last = Math.floor((offset + Math.max(size, 1) - 1) / BLOCK);
    for (let block = Math.floor(offset / BLOCK); block <= last; block++)
      shadow.blocks.delete(block);
  }

  #reply(event: ReplyEvent): void {
    const key = `${event.conn}:${uniqueOf(event.bytes)}`;
    const asked = this.#asked.get(key);
    if (asked === undefined || event.result === -2) return;
    this.#asked.delete(key);
    const shadow = this.#shadow(event.conn, asked.node);
    const failed = event.result < 0 || errorOf(event.bytes) !== 0;
    if (asked.opcode === OP.OPEN.opcode) {
      if (!failed && passthrough(event.bytes)) this.#blind(event.conn, asked.node);
    } else if (asked.opcode === OP.WRITE.opcode) this.#written(event, asked, shadow, failed);
    else if (!failed) this.#read(event, asked, shadow);
  }

  #written(event: ReplyEvent, asked: Asked, shadow: Shadow, failed: boolean): void {
    shadow.writing--;
    const mixed = asked.mixed || shadow.writing > 0 || asked.version !== shadow.version;
    if (failed || mixed || shadow.blind) return;
    const written = new DataView(event.bytes.buffer, event.bytes.byteOffset).getUint32(
      OUT_HEADER,
      true,
    );
    const end = asked.offset + written;
    for (const [block, sum] of asked.sums) {
      if ((block + 1) * BLOCK <= end) shadow.blocks.set(block, sum);
    }
  }

  #read(event: ReplyEvent, asked: Asked, shadow: Shadow): void {
    if (shadow.blind || asked.mixed || asked.version !== shadow.version) return;
    const data = event.bytes.subarray(OUT_HEADER);
    for (const [block, from] of wholeBlocks(asked.offset, data.length)) {
      const expected = shadow.blocks.get(block);
      if (expected === undefined) continue;
      this.#verified++;
      if (crc32(data.subarray(from, from + BLOCK)) === expected) continue;
      this.#wrong.add(
        `READ unique ${uniqueOf(event.bytes)} node ${asked.node}: bytes ${block * BLOCK}..${block * BLOCK + BLOCK - 1} are not what the last acknowledged WRITE put there`,
      );
    }
  }

  findings(): Finding[] {
    const { count } = this.#wrong;
    const verdict = count === 0 ? 'pass' : 'fail';
    const text =
      count === 0
        ? `${this.#verified} blocks read back as written`
        : `${count} blocks lost or changed`;
    return [{ check: this.name, verdict, text, details: this.#wrong.list() }];
  }
}

/** Numbers of the whole blocks in a range, with where each begins in its data. */
function* wholeBlocks(offset: number, size: number): Generator<[block: number, from: number]> {
  for (let block = Math.ceil(offset / BLOCK); (block + 1) * BLOCK <= offset + size; block++) {
    yield [block, block * BLOCK - offset];
  }
}

/** Whether an OPEN reply hands the file's data to the kernel. */
function passthrough(reply: Uint8Array): boolean {
  if (reply.length < OUT_HEADER + 16) return false;
  const flags = new DataView(reply.buffer, reply.byteOffset).getUint32(OUT_HEADER + 8, true);
  return (flags & FOPEN_PASSTHROUGH) !== 0;
}
