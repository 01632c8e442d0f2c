/** FUSE_DEV_IOC_CLONE: a further handle of a connection. */
import { injectCall } from './device_faults.ts';
import type { PortHandle, PortWiring } from './port_handle.ts';

/** Answers the call; `source` is the handle its descriptor stands for, if it is one. */
export function cloneHandle(w: PortWiring, handle: PortHandle, source?: PortHandle): void {
  const { seam, trap, kernel, emit } = w;
  const { slot, tid } = trap;
  const injected = w.injection && injectCall(w, 'clone', source, tid);
  const result = injected || kernel.clone(handle.id, source?.id);
  seam.respond(slot, result);
  const conn = kernel.connOf(handle.id);
  const at = { handle: handle.id, source: source?.id ?? 0, conn, tid };
  emit({ kind: 'clone', t: w.now(), ...at, result });
}
