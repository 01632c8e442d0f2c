/**
 * Ctrl-C and its kin, told to every session that runs: one handler for all of them, however many run
 * at once, and none while nothing does, so that an idle program ends at a signal as any other.
 */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const listeners = new Set<() => void>();

function stop(): void {
  for (const listener of [...listeners]) listener();
}

/** Calls `listener` at each signal until the function it gives is called. */
export function onStop(listener: () => void): () => void {
  if (listeners.size === 0) for (const signal of SIGNALS) process.on(signal, stop);
  listeners.add(listener);
  return () => {
    if (!listeners.delete(listener) || listeners.size > 0) return;
    for (const signal of SIGNALS) process.off(signal, stop);
  };
}
