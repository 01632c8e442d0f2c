/**
 * Buffers of ring entries that do not fit what goes through them: not mapped, or too small for the reply.
 * The kernel tells nobody but the client (fuse_uring_copy_to_ring(), fuse_uring_commit()).
 */
import type { ReplaySink } from '../events.ts';
import type { Entry } from '../kernel/ring/ring_kernel.ts';
import type { Key } from '../protocol/cursor.ts';
import type { EntryMemory, Undelivered } from './entry_memory.ts';

export class BufferMisfits {
  readonly #emit: ReplaySink;

  constructor(emit: ReplaySink) {
    this.#emit = emit;
  }

  /** The reply to `commitId` was taken out of the entry's buffers. */
  committed(entry: Entry, commitId: Key, memory: EntryMemory, t: number): void {
    const { conn, qid, index, payloadSize: room } = entry;
    const { unmapped: buffer, oversize: size } = memory;
    if (buffer === undefined && size === undefined) return;
    const at = { t, conn, qid, entry: index, unique: BigInt(commitId) };
    if (buffer !== undefined) {
      this.#emit({ kind: 'unmapped', ...at, buffer, opcode: 0, committed: true });
    }
    if (size !== undefined) this.#emit({ kind: 'oversize', ...at, size, room });
  }

  /** A request could not be put into the entry's buffers. */
  undelivered({ conn, qid, index: entry }: Entry, lost: Undelivered, t: number): void {
    this.#emit({ kind: 'unmapped', t, conn, qid, entry, ...lost, committed: false });
  }
}
