/** What a live session adds to a recording: who decides about faults, and who watches and judges. */
import type { Decider } from '../rig/decider.ts';
import type { SessionEvent } from '../rig/events.ts';
import type { Noise } from '../rig/seam/noise.ts';
import type { Session } from '../rig/session.ts';
import type { Recorder } from './recorder.ts';
import type { RealKernel } from './relay.ts';

export interface Stand {
  readonly session: Session;
  readonly kernel: RealKernel;
  readonly recorder: Recorder;
  readonly keeperPid: number;
  /** Where the range of the device's descriptors begins in the server. */
  readonly base: number;
}

export interface Alongside {
  readonly decider: Decider | undefined;
  /** The session exists and has not begun. */
  begin(stand: Stand): void;
  /** What the capture gets. */
  take(event: SessionEvent): void;
  /** Nothing has happened for this long. */
  idle(idleMs: number): void;
  /** The server only makes calls that fail, and has had its time to notice that its connection is gone. */
  spins(noise: Noise): void;
  /** Somebody asked for the end: the mounts go. */
  stopping(): void;
  /** There is no mount that could be taken away. */
  unmounted(): void;
  /** It has not ended since, and is killed: by who asked, who asks again, or because its time is over. */
  killing(why: 'asked' | 'time'): void;
}
