/** Asks the kernel's log about processes of the server that died of a signal. */
import type { ReplayEvent, ReplaySink } from '../rig/events.ts';
import { KernelLog } from '../rig/seam/kernel_log.ts';

/** Events that name threads of the server. */
export const NAMING = ['request', 'reply', 'exit'] as const;

export class Crashes {
  readonly #log = KernelLog.open();
  readonly #emit: ReplaySink;
  readonly #tids = new Set<number>();

  constructor(emit: ReplaySink) {
    this.#emit = emit;
  }

  take(event: ReplayEvent): void {
    if (event.kind === 'request' || event.kind === 'reply') this.#tids.add(event.tid);
    if (event.kind !== 'exit' || event.signal === null) return;
    const { pid, t } = event;
    const said = this.#log?.of(new Set([...this.#tids, pid]));
    if (said !== undefined) this.#emit({ kind: 'crash', t, pid, said });
  }

  close(): void {
    this.#log?.close();
  }
}
