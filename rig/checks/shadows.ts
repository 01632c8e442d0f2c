/** What the content check knows of the files of a run. */
import type { Key } from '../protocol/cursor.ts';

/** Bytes of the blocks that are compared whole. */
export const BLOCK = 4096;
/** Of one file no more are known. */
export const BLOCKS_MAX = 1 << 16;

/** What is known of one file: checksums of whole blocks by number, or that nothing can be known. */
export interface Shadow {
  blocks: Map<number, number>;
  /** READs and WRITEs that are not answered. */
  readonly flights: Set<Transfer>;
  blind: boolean;
}

/** A READ or a WRITE on its way. */
export interface Transfer {
  readonly writes: boolean;
  readonly offset: number;
  /** Bytes asked for, or written. */
  readonly size: number;
  /** Something else on its way may have changed the same bytes: they say nothing. */
  mixed: boolean;
}

export class Shadows {
  /** By connection, then by node. */
  readonly #shadows = new Map<number, Map<Key, Shadow>>();

  #of(conn: number): Map<Key, Shadow> {
    let shadows = this.#shadows.get(conn);
    if (shadows === undefined) {
      shadows = new Map();
      this.#shadows.set(conn, shadows);
    }
    return shadows;
  }

  /** A file's shadow, if it has one. */
  known(conn: number, node: Key): Shadow | undefined {
    return this.#shadows.get(conn)?.get(node);
  }

  of(conn: number, node: Key): Shadow {
    const shadows = this.#of(conn);
    let shadow = shadows.get(node);
    if (shadow === undefined) {
      shadow = { blocks: new Map(), flights: new Set(), blind: false };
      shadows.set(node, shadow);
    }
    return shadow;
  }

  /** What is blind stays so: a node with other names may come back under the same number. */
  forget(conn: number, node: Key): void {
    const shadows = this.#shadows.get(conn);
    if (shadows?.get(node)?.blind !== true) shadows?.delete(node);
  }

  /** Its data changed in a way we do not follow. */
  clear(conn: number, node: Key): void {
    const shadow = this.known(conn, node);
    if (shadow === undefined) return;
    for (const transfer of shadow.flights) transfer.mixed = true;
    shadow.blocks.clear();
  }

  /** Nothing can be known of it any more. */
  blind(conn: number, node: Key): void {
    const shadow = this.of(conn, node);
    shadow.blind = true;
    shadow.blocks.clear();
  }
}

/** A transfer begins: of two that meet, and one of them writes, neither says anything. */
export function begin(shadow: Shadow, transfer: Transfer): void {
  const end = transfer.offset + transfer.size;
  for (const other of shadow.flights) {
    const meet = other.offset < end && transfer.offset < other.offset + other.size;
    if (meet && (other.writes || transfer.writes)) other.mixed = transfer.mixed = true;
  }
  shadow.flights.add(transfer);
}

/** The blocks a range touches are not known any more. */
export function dropRange(shadow: Shadow, offset: number, size: number): void {
  const last = Math.floor((offset + Math.max(size, 1) - 1) / BLOCK);
  for (let block = Math.floor(offset / BLOCK); block <= last; block++) shadow.blocks.delete(block);
}

/** Numbers of the whole blocks in a range, with where each begins in its data. */
export function* wholeBlocks(
  offset: number,
  size: number,
): Generator<[block: number, from: number]> {
  for (let block = Math.ceil(offset / BLOCK); (block + 1) * BLOCK <= offset + size; block++) {
    yield [block, block * BLOCK - offset];
  }
}
