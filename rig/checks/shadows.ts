/** What the content check knows of the files of a run. */
import type { Key } from '../protocol/cursor.ts';

/** Bytes of the blocks that are compared whole. */
export const BLOCK = 4096;

/** What is known of one file: checksums of whole blocks by number, or that nothing can be known. */
export interface Shadow {
  blocks: Map<number, number>;
  /** Writes asked and not acknowledged. */
  writing: number;
  /** Counts changes, so that a read can see whether one came between. */
  version: number;
  blind: boolean;
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
      shadow = { blocks: new Map(), writing: 0, version: 0, blind: false };
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
    shadow.version++;
    shadow.blocks.clear();
  }

  /** Nothing can be known of it any more. */
  blind(conn: number, node: Key): void {
    const shadow = this.of(conn, node);
    shadow.blind = true;
    shadow.blocks.clear();
  }
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
