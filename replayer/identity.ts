/**
 * Names that one side gives in one run: node ids, file handles, and how often each node was looked
 * up. The capture's names are learned against this run's from the two replies to the same request.
 */
import { type Key, keyOf } from '../rig/protocol/cursor.ts';
import type { Mark } from '../rig/protocol/marks.ts';

const ROOT = 1n;

const maybeBigInt = (key: Key | undefined) => (key === undefined ? undefined : BigInt(key));

export class Identity {
  /** Node of this run by node of the capture. */
  readonly #nodes = new Map<Key, Key>([[1, 1]]);
  /** Handles by the capture's node and handle: servers may number them per node. */
  readonly #handles = new Map<Key, Map<Key, { run: Key; opens: number }>>();
  /** Lookups outstanding in the capture, by its node. */
  readonly #captured = new Map<bigint, bigint>();
  /**
   * Lookups outstanding in this run, by the capture's node and then by this run's: a server that
   * knows files by inode number may answer two lookups of one captured node with two nodes, or the
   * other way round, as the backing store reuses the numbers.
   */
  readonly #run = new Map<bigint, Map<bigint, bigint>>();

  /** This run's node for the capture's; undefined when it never came. */
  node(captured: bigint): bigint | undefined {
    return maybeBigInt(this.nodeKey(keyOf(captured)));
  }

  nodeKey(captured: Key): Key | undefined {
    return this.#nodes.get(captured);
  }

  /** This run's handle. A server that opens nothing (ENOSYS latch) uses 0 for all. */
  handle(node: bigint, captured: bigint): bigint | undefined {
    return maybeBigInt(this.handleKey(keyOf(node), keyOf(captured)));
  }

  handleKey(node: Key, captured: Key): Key | undefined {
    return this.#handles.get(node)?.get(captured)?.run ?? (captured === 0 ? 0 : undefined);
  }

  /** Handles that are open. */
  get open(): number {
    let open = 0;
    for (const of of this.#handles.values()) open += of.size;
    return open;
  }

  /** Returns how many opens of the capture go by this handle now: servers may share one. */
  bindHandle(node: bigint, captured: bigint, run: bigint): number {
    const [of, key] = [this.#handles.get(keyOf(node)) ?? new Map(), keyOf(captured)];
    this.#handles.set(keyOf(node), of);
    const opens = (of.get(key)?.opens ?? 0) + 1;
    of.set(key, { run: keyOf(run), opens });
    return opens;
  }

  dropHandle(node: bigint, captured: bigint): void {
    const [nodeKey, key] = [keyOf(node), keyOf(captured)];
    const of = this.#handles.get(nodeKey);
    const handle = of?.get(key);
    if (of === undefined || handle === undefined) return;
    handle.opens--;
    if (handle.opens === 0) of.delete(key);
    if (of.size === 0) this.#handles.delete(nodeKey);
  }

  /** A reply named a node in both runs: one more lookup on each side. */
  bindNode(captured: bigint, run: bigint): void {
    if (captured === 0n || run === 0n) return;
    this.#nodes.set(keyOf(captured), keyOf(run));
    if (captured === ROOT) return;
    this.#captured.set(captured, (this.#captured.get(captured) ?? 0n) + 1n);
    let held = this.#run.get(captured);
    if (held === undefined) {
      held = new Map();
      this.#run.set(captured, held);
    }
    held.set(run, (held.get(run) ?? 0n) + 1n);
  }

  /** The capture named a node that this run did not. */
  lookedUpOnlyThere(captured: bigint): void {
    if (captured <= ROOT) return;
    this.#captured.set(captured, (this.#captured.get(captured) ?? 0n) + 1n);
  }

  /**
   * The capture's kernel forgot `nlookup` lookups of a node. What this run's must forget: everything
   * when the capture's ledger reaches zero (the inode is gone), else as many, oldest node first.
   * Empty when this run never had the node.
   */
  forget(captured: bigint, nlookup: bigint): { nodeid: bigint; nlookup: bigint }[] {
    const left = (this.#captured.get(captured) ?? 0n) - nlookup;
    const gone = left <= 0n;
    if (gone) {
      this.#captured.delete(captured);
      if (captured !== ROOT) this.#nodes.delete(keyOf(captured));
    } else this.#captured.set(captured, left);
    const held = this.#run.get(captured) ?? new Map<bigint, bigint>();
    const forgets: { nodeid: bigint; nlookup: bigint }[] = [];
    let wanted = nlookup;
    for (const [nodeid, count] of held) {
      const taken = gone || count < wanted ? count : wanted;
      wanted -= taken;
      if (taken > 0n) forgets.push({ nodeid, nlookup: taken });
      if (taken === count) held.delete(nodeid);
      else held.set(nodeid, count - taken);
    }
    if (held.size === 0) this.#run.delete(captured);
    return forgets;
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
