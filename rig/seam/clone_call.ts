/**
 * FUSE_DEV_IOC_CLONE: a further handle of a connection. One of a handle that waits for its mount
 * (SYNC_INIT) is held until that is bound.
 */
import { BLOCK, type HandleId } from '../kernel/kernel.ts';
import { bound } from './binding.ts';
import { injectCall } from './device_faults.ts';
import type { PortHandle, PortWiring } from './port_handle.ts';

interface HeldClone {
  readonly slot: number;
  readonly tid: number;
  readonly handle: PortHandle;
  readonly source: PortHandle;
  /** Where its thread has the handle's descriptor. */
  readonly index: number;
}

export class Clones {
  readonly #w: PortWiring;
  #held: HeldClone[] = [];

  constructor(wiring: PortWiring) {
    this.#w = wiring;
  }

  /** Answers the call, or holds it; `source` is the handle its descriptor stands for, if it is one. */
  call(handle: PortHandle, source?: PortHandle): void {
    const { slot, tid, index } = this.#w.trap;
    const injected = this.#w.injection && injectCall(this.#w, 'clone', source, tid);
    const result = injected || this.#w.kernel.clone(handle.id, source?.id);
    const call = { slot, tid, index, handle, source };
    if (result === BLOCK && source !== undefined) this.#held.push({ ...call, source });
    else this.#answer(call, result);
  }

  #answer(
    {
      slot,
      tid,
      index,
      handle,
      source,
    }: Omit<HeldClone, 'source'> & { source: PortHandle | undefined },
    result: number,
  ): void {
    const { seam, kernel, emit } = this.#w;
    bound(this.#w, handle, index, tid);
    seam.respond(slot, result);
    const conn = kernel.connOf(handle.id);
    const at = { handle: handle.id, source: source?.id ?? 0, conn, tid };
    emit({ kind: 'clone', t: this.#w.now(), ...at, result });
  }

  /** The Kernel says the state of the handle, or of what it shall be a clone of, changed. */
  wake(id: HandleId): void {
    this.#held = this.#held.filter((held) => {
      if (held.handle.id !== id) return true;
      const result = this.#w.kernel.clone(id, held.source.id);
      if (result === BLOCK) return true;
      this.#answer(held, result);
      return false;
    });
  }

  /** Answers held calls whose threads have a signal to handle. */
  interruptSignalled(): boolean {
    const before = this.#held.length;
    this.#held = this.#held.filter(({ slot }) => !this.#w.seam.interruptSignalled(slot));
    return this.#held.length < before;
  }

  /** A thread in the call holds both handles as descriptors do. */
  holds(handle: PortHandle): boolean {
    if (this.#held.length === 0) return false;
    this.#held = this.#held.filter(({ slot }) => this.#w.seam.waits(slot));
    return this.#held.some((held) => held.handle === handle || held.source === handle);
  }
}
