/**
 * Runs a session in a worker thread and keeps the main thread free for the terminal: progress,
 * Ctrl-C, what the server prints.
 */
import { Worker } from 'node:worker_threads';
import type { RecordOptions, RecordProgress, RecordResult } from '../../recorder/options.ts';
import type { ReplayOptions, ReplayResult } from '../../replayer/replay.ts';
import type { LiveOptions, LiveResult } from '../live/live.ts';
import { onStop } from './stops.ts';
import { Waker } from './waker.ts';

export type Job =
  | { name: 'record'; options: RecordOptions }
  | { name: 'live'; options: LiveOptions }
  | { name: 'replay'; options: ReplayOptions; log: boolean };

export interface WorkerData {
  job: Job;
  /** How often the user asked to stop. */
  stops: Int32Array;
  /** Bytes the server printed that the terminal has not taken. */
  waiting: Int32Array;
  /** Of a Waker. */
  waker: SharedArrayBuffer;
}

export interface JobError {
  name: string;
  message: string;
  stack: string;
  code: string;
}

export type Message =
  | { kind: 'progress'; progress: unknown }
  | { kind: 'output'; fd: 1 | 2; bytes: Uint8Array }
  | { kind: 'log'; line: string }
  | { kind: 'result'; result: unknown }
  | { kind: 'error'; error: JobError };

export interface EngineHooks {
  progress?(progress: never): void;
  /** `taken` is called when the terminal has it. */
  output?(fd: 1 | 2, bytes: Uint8Array, taken: () => void): void;
  log?(line: string): void;
  /** Ctrl-C was pressed: how often so far. */
  stopping?(count: number): void;
  /** Ends the session as Ctrl-C does. */
  signal?: AbortSignal;
}

/** A session failed in the worker, with the error's own name and code. */
export class EngineError extends Error {
  readonly code: string;
  readonly remoteStack: string;
  constructor(error: JobError) {
    super(error.message);
    this.name = error.name;
    this.code = error.code;
    this.remoteStack = error.stack;
  }
}

/** Tests run from the sources, which a thread of Node's own cannot: for them it is the built one. */
const WORKER = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/rig/engine/worker.js' : './worker.js',
  import.meta.url,
);

function runJob(job: Job, hooks: EngineHooks): Promise<unknown> {
  const stops = new Int32Array(new SharedArrayBuffer(4));
  const waiting = new Int32Array(new SharedArrayBuffer(4));
  const waker = new Waker();
  const workerData: WorkerData = { job, stops, waiting, waker: waker.shared };
  const worker = new Worker(WORKER, { workerData });
  const stop = (): void => {
    const count = Atomics.add(stops, 0, 1) + 1;
    hooks.stopping?.(count);
    waker.wake();
  };
  const off = onStop(stop);
  const { signal } = hooks;
  if (signal?.aborted) stop();
  else signal?.addEventListener('abort', stop, { once: true });
  const { promise, resolve, reject } = withResolvers<unknown>();
  worker.on('message', (message: Message) => {
    if (message.kind === 'progress') hooks.progress?.(message.progress as never);
    else if (message.kind === 'output') {
      const { fd, bytes } = message;
      const taken = () => void Atomics.sub(waiting, 0, bytes.length);
      if (hooks.output === undefined) taken();
      else hooks.output(fd, bytes, taken);
    } else if (message.kind === 'log') hooks.log?.(message.line);
    else if (message.kind === 'result') resolve(message.result);
    else reject(new EngineError(message.error));
  });
  worker.on('error', reject);
  worker.on('exit', (code) => reject(new Error(`the session's thread ended with ${code}`)));
  return promise.finally(() => {
    off();
    signal?.removeEventListener('abort', stop);
  });
}

/** Promise.withResolvers, which Node 20 lacks. */
function withResolvers<T>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (error: unknown) => void;
} {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((a, b) => {
    resolve = a;
    reject = b;
  });
  return { promise, resolve, reject };
}

export interface RecordEngineHooks extends Omit<EngineHooks, 'progress'> {
  progress?(progress: RecordProgress): void;
}

export const recordInWorker = (options: RecordOptions, hooks: RecordEngineHooks) =>
  runJob({ name: 'record', options }, hooks as EngineHooks) as Promise<RecordResult>;

export const liveInWorker = (options: LiveOptions, hooks: RecordEngineHooks) =>
  runJob({ name: 'live', options }, hooks as EngineHooks) as Promise<LiveResult>;

export interface ReplayEngineHooks extends Omit<EngineHooks, 'progress'> {
  /** Captured requests passed so far. */
  progress?(requests: number): void;
}

export const replayInWorker = (options: ReplayOptions, hooks: ReplayEngineHooks) =>
  runJob(
    { name: 'replay', options, log: hooks.log !== undefined },
    hooks as EngineHooks,
  ) as Promise<ReplayResult>;
