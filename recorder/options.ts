/** What a recording is asked for, what it tells while it goes on, and what came of it. */
import type { EndEvent } from '../rig/events.ts';
import type { Survivor } from '../rig/seam/killing.ts';
import type { LaunchOptions } from '../rig/seam/launch.ts';

export interface RecordOptions extends LaunchOptions {
  /** The capture file; undefined: nothing is kept. */
  output: string | undefined;
  /** Replace an existing file. */
  force: boolean;
  /** Backing directory or image to keep as it is now. */
  fixture?: string;
  /** Mount point the command names, if it is known before the server mounts. */
  mountpoint?: string;
}

export interface RecordProgress {
  requests: number;
  replies: number;
  /** Bytes of messages, both ways. */
  bytes: number;
  mounted: string | undefined;
}

export interface RecordHooks {
  progress(p: RecordProgress): void;
  /** What the server printed, as it comes. */
  output(fd: 1 | 2, bytes: Uint8Array): void;
  /** Whether enough of it waits to be taken: then the server waits. */
  outputFull(): boolean;
  /** How often the user asked to stop so far. */
  stops(): number;
  /** The descriptor that wakes the session. */
  started(wakeFd: number): void;
  /** It is about to be closed: nobody may write to it any more. */
  closing?(): void;
}

export interface RecordResult {
  reason: EndEvent['reason'];
  /** Where it had mounted last. */
  mounted: string | undefined;
  requests: number;
  replies: number;
  bytes: number;
  /** How the server's first process ended; null while unknown. */
  exit: { code: number | null; signal: number | null } | null;
  /** The server never opened the device. */
  neverOpened: boolean;
  /** The last mount(2) that failed. */
  mountFailed: { target: string; errno: string } | undefined;
  /** After the end of its connection it made nothing but calls that failed, and was told to end: which. */
  noise: string[] | undefined;
  /** Processes of the server that SIGKILL did not end: their keeper waits for them. */
  survivors: readonly Survivor[];
  /** There is a capture; false where the server neither mounted nor was asked anything. */
  kept: boolean;
  seconds: number;
}
