/** What a replay is given, and what comes of it. */
import type { Finding } from '../rig/checks/finding.ts';
import type { VersionName } from '../rig/kernel/versions.ts';
import type { CrashSeen } from '../rig/seam/crash_seen.ts';
import type { PoisonExtent } from '../rig/seam/poison.ts';
import type { Root } from '../rig/seam/root.ts';
import type { Scratch } from '../rig/seam/scratch.ts';
import type { EndHow } from './ending.ts';
import type { RuleResult } from './injected.ts';

export interface ReplayOptions {
  capture: string;
  /** With placeholders; empty: the recorded command. */
  command: readonly string[];
  end: EndHow;
  /** One request at a time, whatever was concurrent in the capture. */
  serial?: boolean;
  /** How often a server that mounts again gets the capture, in one process; 1 by default. */
  sessions?: number;
  /** Where the server is started; the recorded directory if that exists, else the scratch one. */
  cwd?: string;
  /** Root the server is started in, in place of this machine's. */
  root?: Root;
  /** How requests may come: `device` offers no ring. */
  transport?: 'any' | 'device';
  /** Possible CPUs, and so queues of a ring, that the server is shown. */
  cpus?: number;
  /** What kind of kernel it shall be; as the capture says by default. */
  kernel?: VersionName;
  /** Requests have uniques above this, as on a connection that is old. */
  uniqueBase?: bigint;
  /** What of a ring's buffers is poisoned while the kernel owns them; `used` by default. */
  poison?: PoisonExtent;
  /** Restore device nodes of the fixture: only for captures whose author is trusted. */
  allowDevices?: boolean;
  /** The rules of the plan, as text. */
  faults?: readonly string[];
  /** A capture of this run, for `fuse-rig show`: what the canonical log leaves out is there. */
  keep?: string;
  /** Directory, not there yet, in which the fixture is kept as the server leaves it. */
  keepFixture?: string;
  /** In which the run's scratch directory is made, by who removes it with all that is left there. */
  place?: Scratch;
  /** Lines of the canonical log. */
  logLine?: (line: string) => void;
  /**
   * A server that does not end is asked for its user stacks, where gdb or eu-stack is installed, and one that
   * crashed is played again to see where (replayer/looking.ts).
   */
  stacks?: boolean;
  /** Bytes of the server's own output kept for the report. */
  outputMax?: number;
}

export interface ReplayHooks {
  progress(done: number): void;
  stops(): number;
  started(wakeFd: number): void;
  /** It is about to be closed: nobody may write to it any more. */
  closing?(): void;
}

export interface ReplayResult {
  command: string[];
  requests: number;
  /** SHA-256 of the canonical log, first 12 hex digits. */
  log: string;
  findings: Finding[];
  output: string;
  seconds: number;
  exit: { code: number | null; signal: number | null } | null;
  /** A server that did not end: CLOCK_MONOTONIC in ns when that was found, and how long it had been still. */
  hang?: { at: number; idleMs: number };
  /** The first process that died of a signal nobody sent; `seen` where it was looked at in a second run. */
  crash?: { signal: number; main: boolean; seen?: CrashSeen };
  /** The ring the server made: its queues, the most entries of one, and requests that came over it. */
  ring: { queues: number; depth: number; requests: number };
  /** Requests answered here that the capture never answered; informative. */
  news: number;
  /** Requests asked while others were unanswered: their order in the server is its threads'. */
  overlaps: number;
  /** The plan, rule by rule. */
  plan: RuleResult[];
  /** What the server asked for and the rig can neither do nor let the kernel do. */
  unsupported: string[];
  /** The root the server was recorded in, where this run's was in none. */
  recordedRoot?: string;
}
