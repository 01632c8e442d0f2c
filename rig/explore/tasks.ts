/** What a campaign asks of its worker processes, and what they answer: plain values, sent as JSON. */
import type { Outcome } from '../../faults/explore/outcome.ts';
import type { Seen } from '../../faults/explore/seen.ts';
import type { ReplayOptions } from '../../replayer/replay.ts';

export interface Task {
  readonly id: number;
  /** Of the replay: its capture, server and ways. The plan is `faults`. */
  readonly options: ReplayOptions;
  /** Run it twice and compare. */
  readonly audited: boolean;
  /** Say which moments came. */
  readonly watched: boolean;
}

export interface Answer {
  readonly id: number;
  readonly outcome?: Outcome;
  readonly seen?: Seen;
  /** It could not be run: the server does not start, the capture is damaged, or the rig failed. */
  readonly error?: TaskError;
}

export interface TaskError {
  readonly name: string;
  readonly message: string;
  readonly code: string;
}
