/**
 * The end of what does not end: the server's processes are killed, and those that even that does not
 * end (a thread in the kernel's uninterruptible sleep) are named and left to their keeper, so that
 * every run comes to its verdict.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { NativeSeam } from '../../native/load.ts';
import { callName } from './call_names.ts';
import { childrenOf } from './cpu_time.ts';
import { KEEPER } from './traps.ts';

/** A process that SIGKILL has not ended. */
export interface Survivor {
  pid: number;
  comm: string;
  /** `D`: uninterruptible; the letters of proc_pid_stat(5). */
  state: string;
  /** The kernel function it sleeps in, and the system call; empty where it is not said. */
  wchan: string;
  call: string;
}

/** Killed processes are gone after some milliseconds; on a machine that pages, after seconds. */
const UNKILLED_MS = 5000;

function text(path: string): string {
  try {
    return readFileSync(path, 'latin1').trim();
  } catch {
    return '';
  }
}

/** Threads of `pid` that have not ended. */
function livingThread(pid: string): Survivor | undefined {
  let tids: string[] = [];
  try {
    tids = readdirSync(`/proc/${pid}/task`);
  } catch {
    return undefined;
  }
  for (const tid of tids) {
    const task = `/proc/${pid}/task/${tid}`;
    const stat = text(`${task}/stat`);
    const state = stat.slice(stat.lastIndexOf(')') + 2)[0] ?? '';
    if (state === '' || 'ZX'.includes(state)) continue;
    const nr = Number(text(`${task}/syscall`).split(' ')[0] || Number.NaN);
    const call = nr >= 0 ? callName(nr) : '';
    const [comm, wchan] = [text(`${task}/comm`), text(`${task}/wchan`)];
    return { pid: Number(pid), comm, state, wchan: wchan === '0' ? '' : wchan, call };
  }
  return undefined;
}

function survivorsBelow(pid: number): Survivor[] {
  return childrenOf(pid).flatMap((child) => {
    const thread = livingThread(child);
    return [...(thread === undefined ? [] : [thread]), ...survivorsBelow(Number(child))];
  });
}

export class Killing {
  /** Who was killed and did not end. */
  survivors: readonly Survivor[] = [];
  readonly #seam: NativeSeam;
  readonly #keeperPid: number;
  readonly #now: () => number;
  #since: number | undefined;

  /** `now`: of the session, ns. */
  constructor(seam: NativeSeam, keeperPid: number, now: () => number) {
    this.#seam = seam;
    this.#keeperPid = keeperPid;
    this.#now = now;
  }

  /** SIGKILL to every process of the server, by its keeper. */
  all(): void {
    this.#seam.keeperSend(KEEPER.kill, '');
    this.began();
  }

  /** They were killed in another way. */
  began(): void {
    this.#since ??= this.#now();
  }

  /** True once the rest of the server is known to survive everything. */
  get failed(): boolean {
    if (this.#since === undefined || this.#now() - this.#since < UNKILLED_MS * 1e6) return false;
    this.survivors = survivorsBelow(this.#keeperPid);
    return this.survivors.length > 0;
  }
}
