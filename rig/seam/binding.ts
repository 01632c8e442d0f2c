/**
 * A device gets its connection: until then what stands for it polls as ERR alone, from then on as the
 * connection does (fuse_dev_poll()).
 */
import type { PortHandle, PortWiring } from './port_handle.ts';

const POLLERR = 0x8;

/**
 * A mount or a clone may have bound the handle, whose descriptor the calling thread has at `index` of the range. Told
 * before the call is answered: the server may look then.
 */
export function bound(w: PortWiring, handle: PortHandle, index: number, tid: number): void {
  if (!handle.unbound || w.kernel.connOf(handle.id) === 0) return;
  handle.unbound = false;
  // A mount that fails may bind it to a connection that is dead already.
  if ((w.kernel.poll(handle.id) & POLLERR) !== 0) handle.dead = true;
  else w.seam.setAlive(handle.index, index, tid);
}
