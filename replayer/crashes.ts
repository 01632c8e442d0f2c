/** Asks the kernel's log about processes of the server that died of a signal. */
import type { ReplayEvent, ReplaySink } from '../rig/events.ts';
import { saidOf } from '../rig/seam/kernel_log.ts';

/** Events that name threads of the server. */
export const NAMING = ['request', 'reply', 'exit'] as const;

/** Nobody's fault: whoever killed it knows why. */
const SIGKILL = 9;

export class Crashes {
  readonly #emit: ReplaySink;
  readonly #t0: number;
  readonly #tids = new Set<number>();

  /** `t0`: of the session, CLOCK_MONOTONIC in ns. */
  constructor(emit: ReplaySink, t0: number) {
    this.#emit = emit;
    this.#t0 = t0;
  }

  take(event: ReplayEvent): void {
    if (event.kind === 'request' || event.kind === 'reply') this.#tids.add(event.tid);
    if (event.kind !== 'exit' || event.signal === null || event.signal === SIGKILL) return;
    const { pid, t } = event;
    const said = saidOf(new Set([...this.#tids, pid]), this.#t0);
    if (said !== undefined) this.#emit({ kind: 'crash', t, pid, said });
  }
}
