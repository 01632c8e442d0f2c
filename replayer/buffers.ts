/** What watches the buffers of a replay's ring: poison, and what goes through them. */
import type { ReplaySink } from '../rig/events.ts';
import { BufferMisfits } from '../rig/seam/buffer_misfits.ts';
import { Poison, type PoisonExtent } from '../rig/seam/poison.ts';
import type { Session } from '../rig/session.ts';
import { type Backing, searchBacking } from './backing.ts';

/** From now on buffers that the kernel owns are poisoned, and poison is searched for in what is written. */
export function watchBuffers(session: Session, extent: PoisonExtent, emit: ReplaySink): Poison {
  const poison = new Poison(extent, emit);
  session.rings.misfits = new BufferMisfits(emit);
  if (extent === 'off') return poison;
  session.rings.poison = poison;
  session.device.inspect = (message) => poison.searchWritten(message, session.now());
  return poison;
}

/** At the end: in the buffers that the kernel still owns, and in what the server has written. */
export function lookForPoison(poison: Poison, backing: Backing | undefined, t: number): void {
  poison.verifyAll(t);
  if (backing === undefined || !poison.everPut) return;
  searchBacking(backing.path, backing.since, (file, bytes, base) =>
    poison.searchFile(file, bytes, base, t),
  );
}
