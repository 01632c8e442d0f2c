/**
 * Names that one side gives in one run: node ids, file handles, and how often each node was looked
 * up. The capture's names are learned against this run's from the two replies to the same request.
 */
import type { Mark } from '../rig/protocol/marks.ts';

const ROOT = 1n;

export class Identity {
  /** Node of this run by node of the capture. */
  readonly #nodes = new Map<bigint, bigint>([[ROOT, ROOT]]);
  /** Handles by the capture's node and handle: servers may number them per node. */
  readonly #handles = new Map<bigint, Map<bigint, bigint>>();
  /** Lookups outstanding, by the capture's node: in the capture and in this run. */
  readonly #captured = new Map<bigint, bigint>();
  readonly #run = new Map<bigint, bigint>();

  /** This run's node for the capture's; undefined when it never came. */
  node(captured: bigint): bigint | undefined {
    return this.#nodes.get(captured);
  }

  /** This run's handle. A server that opens nothing (ENOSYS latch) uses 0 for all. */
  handle(node: bigint, captured: bigint): bigint | undefined {
    return this.#handles.get(node)?.get(captured) ?? (captured === 0n ? 0n : undefined);
  }

  bindHandle(node: bigint, captured: bigint, run: bigint): void {
    let of = this.#handles.get(node);
    if (of === undefined) {
      of = new Map();
      this.#handles.set(node, of);
    }
    of.set(captured, run);
  }

  dropHandle(node: bigint, captured: bigint): void {
    const of = this.#handles.get(node);
    of?.delete(captured);
    if (of?.size === 0) this.#handles.delete(node);
  }

  /** A reply named a node in both runs: one more lookup on each side. */
  bindNode(captured: bigint, run: bigint): void {
    if (captured === 0n || run === 0n) return;
    this.#nodes.set(captured, run);
    if (captured === ROOT) return;
    this.#captured.set(captured, (this.#captured.get(captured) ?? 0n) + 1n);
    this.#run.set(captured, (this.#run.get(captured) ?? 0n) + 1n);
  }

  /** The capture named a node that this run did not. */
  lookedUpOnlyThere(captured: bigint): void {
    if (captured <= ROOT) return;
    this.#captured.set(captured, (this.#captured.get(captured) ?? 0n) + 1n);
  }

  /**
   * The capture's kernel forgot `nlookup` lookups of a node. What this run's must forget: everything
   * when the capture's ledger reaches zero (the inode is gone), else as many as it has. Undefined
   * when this run never had the node.
   */
  forget(captured: bigint, nlookup: bigint): { nodeid: bigint; nlookup: bigint } | undefined {
    const left = (this.#captured.get(captured) ?? 0n) - nlookup;
    const held = this.#run.get(captured) ?? 0n;
    const run = this.#nodes.get(captured);
    if (left > 0n) this.#captured.set(captured, left);
    else this.#captured.delete(captured);
    if (run === undefined || held === 0n) return undefined;
    const count = left <= 0n || nlookup > held ? held : nlookup;
    if (count === held) {
      this.#run.delete(captured);
      if (left <= 0n) this.#nodes.delete(captured);
    } else this.#run.set(captured, held - count);
    return { nodeid: run, nlookup: count };
  }

  /**
   * This run's value for a marked field of a request. Undefined: the name never came, the request
   * cannot be asked.
   */
  translate(mark: Mark, node: bigint): bigint | undefined {
    const value = BigInt(mark.value);
    if (mark.role === 'nodeid') return this.node(value);
    if (mark.role === 'fh') return this.handle(node, value);
    return value;
  }
}
