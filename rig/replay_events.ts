/** What a replay adds to a session's events (rig/events.ts): comparison, its end, and what is wrong with buffers. */
import type { BeginEvent, EndEvent, SessionEvent } from './events.ts';
import type { OversizeEvent, PoisonReadEvent, SpoiledEvent, UnmappedEvent } from './ring_events.ts';

/**
 * How this run's answer to a captured request compares.
 * `index` is the request's place among the capture's requests, from 1: it names the request in every
 * run of the same capture.
 */
export interface AnsweredEvent {
  kind: 'answered';
  index: number;
  conn: number;
  opcode: number;
  /** Node id in the capture, a bigint from 2^53 on. */
  nodeid: number | bigint;
  /** Normal form of the captured reply, and of this run's (replayer/normal.ts). */
  expected: string;
  actual: string;
  /** The capture was played to this server before, whose files are as that has left them. */
  again?: true;
}

/** A captured request that this run did not answer, or was not asked. */
export interface UnansweredEvent {
  kind: 'unanswered';
  index: number;
  conn: number;
  opcode: number;
  nodeid: number | bigint;
  /**
   * `missing`: the capture has a reply, the server is quiet. `as-captured`: neither has one.
   * `orphaned`: it names a node or handle that never came. `adapted-away`: not applicable to what
   * this server negotiated. `ended`: the connection or the server ended first. `faulted`: a fault was
   * injected into it, and its answer is not compared.
   */
  why: 'missing' | 'as-captured' | 'orphaned' | 'adapted-away' | 'ended' | 'faulted';
  detail: string;
  /** The capture was played to this server before, whose files are as that has left them. */
  again?: true;
}

/** This run answered a request that the capture never answered. */
export interface NewsEvent {
  kind: 'news';
  index: number;
  conn: number;
  opcode: number;
  nodeid: number | bigint;
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
  /** The capture was played to this server before, whose files are as that has left them. */
  again?: true;
}

/** The replay ends the session. */
export interface TeardownEvent {
  kind: 'teardown';
  t: number;
  /**
   * `unmount`: the last reference to the mount goes, as by umount(8), lazy or not, once nothing is open.
   * `force`: umount -f. `abort`: a write to fusectl. `device`: the connection dies by itself, as by
   * FUSE_REQUEST_TIMEOUT. `sigterm`, `sigint`: the server is told to end. `sigkill`: it is ended.
   */
  how: 'unmount' | 'force' | 'abort' | 'device' | 'sigterm' | 'sigint' | 'sigkill';
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
  /** Call, descriptors, kernel function and what would end the wait, in words. */
  on: string;
}

/** Where in its program a thread was, the innermost frame first. */
export interface ThreadStack {
  tid: number;
  frames: string[];
}

/** User stacks of a server that did not end; after its `hang`, where a tool for that is installed. */
export interface StacksEvent {
  kind: 'stacks';
  t: number;
  tool: string;
  stacks: ThreadStack[];
}

/** What the kernel's log says of a process that died of a fault; after its `exit`. */
export interface CrashEvent {
  kind: 'crash';
  t: number;
  pid: number;
  /** `segfault at 10 ip ... error 6 in prog[1156,...]`: address, instruction, and its place in the file. */
  said: string;
}

/** Processes of the server that SIGKILL did not end. They are left to the keeper. */
export interface UnkillableEvent {
  kind: 'unkillable';
  t: number;
  processes: { pid: number; comm: string; state: string; wchan: string; call: string }[];
}

/** The server did not end by itself and had to be killed. */
export interface HangEvent {
  kind: 'hang';
  t: number;
  /** `proven`: nothing could ever have ended it; `stalled`: nothing did; `spin`: it kept running. */
  verdict: 'proven' | 'stalled' | 'spin';
  seconds: number;
  threads: ThreadState[];
  /** Of a spin with calls: which ones, in words. */
  calls?: string[];
}

/** umount2(2) by the server. */
export interface UmountCallEvent {
  kind: 'umount-call';
  t: number;
  tid: number;
  /** Absolute. */
  target: string;
  flags: number;
  result: number;
}

/** A call on a descriptor number that was the device until the server closed it. */
export interface StaleCallEvent {
  kind: 'stale-call';
  t: number;
  tid: number;
  fd: number;
  call: 'read' | 'write';
}

/** How many descriptors the server's processes have together: once INIT is answered, now and then, and at the end. */
export interface DescriptorsEvent {
  kind: 'descriptors';
  t: number;
  count: number;
}

/**
 * A session of several in one process is over, or the last is about to be, and the server is quiet: what its
 * processes hold (rig/seam/held.ts). Locked and other memory in bytes.
 */
export interface SessionEndEvent {
  kind: 'session-end';
  t: number;
  /** From 1. */
  session: number;
  descriptors: number;
  threads: number;
  mappings: number;
  locked: number;
  memory: number;
}

/** The server has again what a rule of the plan took. */
export interface ReleasedEvent {
  kind: 'released';
  t: number;
  /** Place of the rule in the plan, from 1, and its text. */
  rule: number;
  text: string;
}

/** Nothing is deliverable, no answer comes, and the server lives: what is waited for is given up. */
export interface StallEvent {
  kind: 'stall';
  t: number;
  /** Nothing could ever have brought the answer. */
  proven: boolean;
  detail: string;
}

export type ReplayEvent =
  | SessionEvent
  | UmountCallEvent
  | StaleCallEvent
  | DescriptorsEvent
  | SessionEndEvent
  | ReleasedEvent
  | StallEvent
  | SpoiledEvent
  | PoisonReadEvent
  | UnmappedEvent
  | OversizeEvent
  | AnsweredEvent
  | UnansweredEvent
  | NewsEvent
  | DirectoryEvent
  | TeardownEvent
  | StacksEvent
  | CrashEvent
  | UnkillableEvent
  | HangEvent;

export type ReplaySink = (event: ReplayEvent) => void;

const ONLY_REPLAY: ReadonlySet<ReplayEvent['kind']> = new Set([
  'spoiled',
  'poison-read',
  'unmapped',
  'oversize',
  'answered',
  'unanswered',
  'news',
  'directory',
  'teardown',
  'hang',
  'stacks',
  'crash',
  'unkillable',
  'umount-call',
  'stale-call',
  'descriptors',
  'session-end',
  'released',
  'stall',
] as const);

/** What a run emits and a capture holds: all but its first and its last frame. */
export type EmittedEvent = Exclude<SessionEvent, BeginEvent | EndEvent>;

export const isEmitted = (event: ReplayEvent): event is EmittedEvent =>
  event.kind !== 'begin' && event.kind !== 'end' && !ONLY_REPLAY.has(event.kind);
