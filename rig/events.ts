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

import type {
  CompletionEvent,
  PoisonReadEvent,
  RegisterEvent,
  RingCloseEvent,
  RingPlace,
  SpoiledEvent,
} from './ring_events.ts';

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
  /** uname(2) release of the recording kernel, such as `6.18.44`. */
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
  | TransportEvent
  | BackingEvent
  | OutputEvent
  | ExitEvent
  | FixtureEvent
  | EndEvent;

export type EventSink = (event: SessionEvent) => void;

/**
 * What a replay adds to a session's events: how this run's answer to a captured request compares.
 * `index` is the request's place among the capture's requests, from 1: it names the request in every
 * run of the same capture.
 */
export interface AnsweredEvent {
  kind: 'answered';
  index: number;
  conn: number;
  opcode: number;
  /** Node id in the capture. */
  nodeid: bigint;
  /** Normal form of the captured reply, and of this run's (replayer/normal.ts). */
  expected: string;
  actual: string;
}

/** A captured request that this run did not answer, or was not asked. */
export interface UnansweredEvent {
  kind: 'unanswered';
  index: number;
  conn: number;
  opcode: number;
  nodeid: bigint;
  /**
   * `missing`: the capture has a reply, the server is quiet. `as-captured`: neither has one.
   * `orphaned`: it names a node or handle that never came. `adapted-away`: not applicable to what
   * this server negotiated. `ended`: the connection or the server ended first.
   */
  why: 'missing' | 'as-captured' | 'orphaned' | 'adapted-away' | 'ended';
  detail: string;
}

/** This run answered a request that the capture never answered. */
export interface NewsEvent {
  kind: 'news';
  index: number;
  conn: number;
  opcode: number;
  nodeid: bigint;
  actual: string;
}

/** The names of one open directory differ. */
export interface DirectoryEvent {
  kind: 'directory';
  index: number;
  conn: number;
  nodeid: bigint;
  missing: string[];
  extra: string[];
}

/** The replay ends the session. */
export interface TeardownEvent {
  kind: 'teardown';
  t: number;
  how: 'unmount' | 'sigterm' | 'device';
}

/** What a thread of a server that did not end was doing. */
export interface ThreadState {
  pid: number;
  tid: number;
  comm: string;
  wait: string;
  wchan: string;
  /** System call number, -1 outside any. */
  nr: number;
}

/** The server did not end by itself and had to be killed. */
export interface HangEvent {
  kind: 'hang';
  t: number;
  /** `proven`: nothing could ever have ended it; `stalled`: nothing did; `spin`: it kept running. */
  verdict: 'proven' | 'stalled' | 'spin';
  seconds: number;
  threads: ThreadState[];
}

export type ReplayEvent =
  | SessionEvent
  | SpoiledEvent
  | PoisonReadEvent
  | AnsweredEvent
  | UnansweredEvent
  | NewsEvent
  | DirectoryEvent
  | TeardownEvent
  | HangEvent;

export type ReplaySink = (event: ReplayEvent) => void;

const ONLY_REPLAY: ReadonlySet<ReplayEvent['kind']> = new Set([
  'spoiled',
  'poison-read',
  'answered',
  'unanswered',
  'news',
  'directory',
  'teardown',
  'hang',
] as const);

/** What a run emits and a capture holds: all but its first and its last frame. */
export type EmittedEvent = Exclude<SessionEvent, BeginEvent | EndEvent>;

export const isEmitted = (event: ReplayEvent): event is EmittedEvent =>
  event.kind !== 'begin' && event.kind !== 'end' && !ONLY_REPLAY.has(event.kind);
