/**
 * What a server has put into its clients' page cache by NOTIFY_STORE. A RETRIEVE gives back this run's
 * bytes, not the capture's: a server may well hold them against what it stored.
 */
interface Piece {
  offset: number;
  bytes: Uint8Array;
}

/** Pieces kept of one file; older ones are mostly covered by newer ones. */
const PIECES = 64;

export class Stored {
  readonly #files = new Map<bigint, Piece[]>();

  /** The server stored `bytes` at `offset` of a node (this run's id). */
  put(nodeid: bigint, offset: number, bytes: Uint8Array): void {
    const pieces = this.#files.get(nodeid) ?? [];
    this.#files.set(nodeid, pieces);
    const covered = (p: Piece) =>
      p.offset >= offset && p.offset + p.bytes.length <= offset + bytes.length;
    const left = pieces.filter((p) => !covered(p)).slice(1 - PIECES);
    pieces.splice(0, pieces.length, ...left, { offset, bytes });
  }

  /** A client has changed the file since: its cache holds that now. */
  drop(nodeid: bigint): void {
    this.#files.delete(nodeid);
  }

  /** Lays what was stored over `data`, which begins at `offset` of the node. */
  layOver(nodeid: bigint, offset: number, data: Uint8Array): void {
    for (const piece of this.#files.get(nodeid) ?? []) {
      const from = Math.max(offset, piece.offset);
      const to = Math.min(offset + data.length, piece.offset + piece.bytes.length);
      if (from >= to) continue;
      data.set(piece.bytes.subarray(from - piece.offset, to - piece.offset), from - offset);
    }
  }
}
