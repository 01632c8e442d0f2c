/** What a live session adds to a recording: who decides about faults, and who watches and judges. */
import type { Decider } from '../rig/decider.ts';
import type { SessionEvent } from '../rig/events.ts';
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
  /** Somebody asked for the end: the mounts go. */
  stopping(): void;
}
