/** Who carries out in a replay what a plan asks for. */
import type { ReplaySink } from '../rig/events.ts';
import type { ModelKernel } from '../rig/kernel/model.ts';
import type { Session } from '../rig/session.ts';
import { ReplayChanges } from './changes.ts';
import type { Cursor } from './cursor.ts';
import type { Ending } from './ending.ts';
import type { Replayer } from './replayer.ts';
import { ReplayTeardowns } from './teardowns.ts';

interface Parts {
  session: Session;
  model: ModelKernel;
  cursor: Cursor;
  ending: Ending;
  replayer: Replayer;
  /** Possible CPUs, and so queues of a ring. */
  cpus: number;
}

/** Nothing without a plan. */
export function injectInto(
  { session, model, cursor, ending, replayer, cpus }: Parts,
  emit: ReplaySink,
): void {
  const { injection } = session;
  if (injection === undefined) return;
  session.turns.begin();
  injection.barrier = () => session.seam.settle();
  replayer.changes = new ReplayChanges(model, injection, cpus);
  injection.changes = replayer.changes;
  injection.teardowns = new ReplayTeardowns(model, cursor, ending, replayer.conns);
  injection.released = ({ rule, text }) => {
    cursor.released(rule);
    emit({ kind: 'released', t: session.now(), rule, text });
  };
}
