/**
 * The worker thread in which a session runs: it sleeps in the seam and never returns to the event
 * loop, so progress and signals live on the main thread (engine.ts).
 */
import { parentPort, workerData } from 'node:worker_threads';
import { PlanDecider } from '../../faults/decider.ts';
import { parseRule } from '../../faults/parse.ts';
import { record } from '../../recorder/record.ts';
import { replayAndLook } from '../../replayer/replay.ts';
import { live } from '../live/live.ts';
import type { JobError, Message, WorkerData } from './engine.ts';
import { Waker } from './waker.ts';

const { job, stops, waiting, waker: shared } = workerData as WorkerData;
const waker = new Waker(shared);
/** Of what the server prints, so many bytes may wait for the terminal. */
const OUTPUT_MAX = 1 << 20;
const post = (message: Message): void => parentPort?.postMessage(message);

const hooks = {
  progress: (progress: unknown) => post({ kind: 'progress', progress }),
  output: (fd: 1 | 2, bytes: Uint8Array) => {
    Atomics.add(waiting, 0, bytes.length);
    post({ kind: 'output', fd, bytes: bytes.slice() });
  },
  outputFull: () => Atomics.load(waiting, 0) > OUTPUT_MAX,
  started: (wakeFd: number) => {
    waker.open(wakeFd);
    // Asked to stop before there was anybody to wake.
    if (Atomics.load(stops, 0) > 0) waker.wake();
  },
  closing: () => waker.close(),
  stops: () => Atomics.load(stops, 0),
};

function described(error: unknown): JobError {
  const { name, message, stack, code } = error as Error & { code?: string };
  return {
    name: name ?? 'Error',
    message: message ?? String(error),
    stack: stack ?? '',
    code: code ?? '',
  };
}

function deciderOf(faults: readonly string[] = []): PlanDecider | undefined {
  return faults.length === 0 ? undefined : new PlanDecider(faults.map(parseRule));
}

try {
  if (job.name === 'record') post({ kind: 'result', result: await record(job.options, hooks) });
  else if (job.name === 'live') {
    const decider = deciderOf(job.options.faults);
    post({ kind: 'result', result: await live(job.options, hooks, decider) });
  } else {
    const logLine = job.log ? (line: string) => post({ kind: 'log', line }) : undefined;
    const options = logLine === undefined ? job.options : { ...job.options, logLine };
    const decider = () => deciderOf(options.faults);
    post({ kind: 'result', result: await replayAndLook(options, hooks, decider) });
  }
} catch (error) {
  post({ kind: 'error', error: described(error) });
}
