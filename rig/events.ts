/**
 * What happened in a session, in the order it happened. One vocabulary for the live relay, the
 * replay, the capture file and the checks: the session emits these, the capture writer stores them,
 * the capture reader yields them again.
 *
 * Conventions: `t` is CLOCK_MONOTONIC in nanoseconds since the session began. `result` is a raw
 * system call's result: >= 0, or a negative errno. `handle` numbers the opens of /dev/fuse from 1,
 * `conn` the connections (one a mount(2) that bound an unbound handle) from 1; 0 means none yet.
 * `tid` is the server thread, as the rig sees it.
 */

import type { InjectedEvent } from './fault_events.ts';
import type { CompletionEvent, RegisterEvent, RingCloseEvent, RingPlace } from './ring_events.ts';

export * from './fault_events.ts';
export * from './replay_events.ts';
export type * from './ring_events.ts';

/** What the server was started with: everything a replay needs to start it again. */
export interface ServerStart {
  command: string[];
  cwd: string;
  /** Environment as NAME=value pairs, in order. */
  env: string[];
  uid: number;
  gid: number;
  groups: number[];
  umask: number;
  /** Resource limits by name (`nofile`, `memlock`, ...): [soft, hard], Infinity for no limit. */
  limits: Record<string, [number, number]>;
}

/** The first event of every capture: what spoke with whom. */
export interface BeginEvent {
  kind: 'begin';
  t: number;
  /** Wall clock of t = 0, ISO 8601. Informative only: nothing in a replay depends on it. */
  started: string;
  /** Version of fuse-rig that wrote it. */
  rig: string;
  /** uname(2) release of the recording kernel, such as `6.18.44`; of a kept replay: what the model was. */
  kernel: string;
  /** Transport ABI switches the recording kernel had (KERNEL.md section 8 words). */
  abi: string[];
  server: ServerStart;
  /** Mount point named on the command line that `{mountpoint}` stands for, if it is known. */
  mountpoint?: string;
  /** Absolute path that `{fixture}` stands for, if `--fixture` was given. */
  fixture?: string;
  /** Possible CPUs the server was shown, and so queues of its ring; absent in captures of format 1. */
  cpus?: number;
  /** Absolute path of the root file system the server was started in, if that was not the machine's own. */
  root?: string;
}

/** open("/dev/fuse") by the server. */
export interface OpenEvent {
  kind: 'open';
  t: number;
  handle: number;
  tid: number;
  /** open(2) flags. */
  flags: number;
}

/** FUSE_DEV_IOC_CLONE: `handle` now speaks for the connection of `source`. */
export interface CloneEvent {
  kind: 'clone';
  t: number;
  handle: number;
  source: number;
  conn: number;
  tid: number;
  result: number;
}

/** The last descriptor of the handle was closed, by whatever way. */
export interface CloseEvent {
  kind: 'close';
  t: number;
  handle: number;
}

/** mount(2), or fsconfig(CMD_CREATE), of a FUSE file system. */
export interface MountEvent {
  kind: 'mount';
  t: number;
  handle: number;
  conn: number;
  tid: number;
  fstype: string;
  source: string;
  target: string;
  flags: number;
  options: string;
  result: number;
  /** st_dev of the mount as the kernel's tracepoints and fusectl name it; 0 where there is none. */
  dev: number;
}

/** The connection ended, or one of its mounts went. */
export interface UnmountEvent {
  kind: 'unmount';
  t: number;
  conn: number;
  /** Who did it: the server's umount2, somebody outside, or the rig at the end of the session. */
  by: 'server' | 'outside' | 'rig';
  flags: number;
  result: number;
}

/** A request was delivered to the server: one read of the device, or one ring entry. */
export interface RequestEvent {
  kind: 'request';
  t: number;
  handle: number;
  conn: number;
  tid: number;
  /**
   * fuse_in_header and everything after it, exactly as delivered. Of a ring's entry: in_header, op_in
   * and the payload, joined.
   */
  bytes: Uint8Array;
  ring?: RingPlace;
}

/**
 * The server wrote to the device: a reply, an interrupt's reply, or (unique 0) a notification. Or it
 * committed an entry of a ring that carried a request.
 */
export interface ReplyEvent {
  kind: 'reply';
  t: number;
  handle: number;
  conn: number;
  tid: number;
  /**
   * fuse_out_header and everything after it, exactly as written. Of a ring's entry: out_header with its
   * `len` set to what was committed, then that much of the payload.
   */
  bytes: Uint8Array;
  /** Of a ring's entry: the length of `bytes`; what the client got is not told there. */
  result: number;
  ring?: RingPlace;
}

/** The server asked for something that the rig can neither do nor let the kernel do. */
export interface UnsupportedEvent {
  kind: 'unsupported';
  t: number;
  tid: number;
  what: string;
}

/** A transport call that delivered nothing: a read that failed, a poll-visible death. */
export interface TransportEvent {
  kind: 'transport';
  t: number;
  handle: number;
  conn: number;
  tid: number;
  call: 'read' | 'write' | 'splice' | 'ioctl';
  result: number;
}

/** FUSE_DEV_IOC_BACKING_OPEN (`op` open) and _CLOSE; `id` as the server sees it. */
export interface BackingEvent {
  kind: 'backing';
  t: number;
  handle: number;
  conn: number;
  tid: number;
  op: 'open' | 'close';
  id: number;
  /** Where the backing descriptor pointed (readlink of /proc/PID/fd/N); empty for close. */
  path: string;
  result: number;
}

/** Bytes the server wrote to its stdout (1) or stderr (2). */
export interface OutputEvent {
  kind: 'output';
  t: number;
  fd: 1 | 2;
  bytes: Uint8Array;
}

/** A process of the server ended. `main` is the one the rig started. */
export interface ExitEvent {
  kind: 'exit';
  t: number;
  pid: number;
  main: boolean;
  /** Exit code, or null when a signal ended it. */
  code: number | null;
  /** Signal number, or null. */
  signal: number | null;
}

/** A piece of the fixture archive (recorder/fixture), in order. */
export interface FixtureEvent {
  kind: 'fixture';
  t: number;
  bytes: Uint8Array;
}

/** The last event of a complete capture. */
export interface EndEvent {
  kind: 'end';
  t: number;
  /** Why the recording ended. */
  reason: 'server-exit' | 'unmount' | 'interrupt' | 'error' | 'recovered';
  requests: number;
  replies: number;
}

export type SessionEvent =
  | BeginEvent
  | OpenEvent
  | CloneEvent
  | CloseEvent
  | MountEvent
  | UnmountEvent
  | RequestEvent
  | ReplyEvent
  | RegisterEvent
  | CompletionEvent
  | RingCloseEvent
  | UnsupportedEvent
  | InjectedEvent
  | TransportEvent
  | BackingEvent
  | OutputEvent
  | ExitEvent
  | FixtureEvent
  | EndEvent;

export type EventSink = (event: SessionEvent) => void;
