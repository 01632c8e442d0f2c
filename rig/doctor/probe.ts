/** What a probe of this machine says: the words every probe group shares. */
import { errnoName } from '../protocol/errno.ts';

/** What does not work at all without it; `extra`: something lesser, which `costs` names. */
export type Need = 'replay' | 'record' | 'extra';

/** `unknown`: not tried, since something before it is missing. */
export type State = 'ok' | 'missing' | 'unknown';

export interface Probed {
  name: string;
  need: Need;
  state: State;
  /** What was found, or why it is missing. */
  detail: string;
  /** Which feature of fuse-rig does not work without it. */
  costs: string;
  /** How to get it. */
  remedy: string;
}

/** Probes that are made together. `look` makes the calls. */
export interface ProbeGroup {
  title: string;
  look(): Probed[];
}

/** Result of a native probe for a call that an earlier failure made pointless. */
export const NOT_TRIED = 1;

/** `result`: 0 or more is success, negative an errno. */
export function ofCall(result: number, found = ''): Pick<Probed, 'state' | 'detail'> {
  if (result === NOT_TRIED) return { state: 'unknown', detail: 'not tried' };
  if (result < 0) return { state: 'missing', detail: errnoName(result) };
  return { state: 'ok', detail: found };
}

export const okIf = (ok: boolean): State => (ok ? 'ok' : 'missing');
