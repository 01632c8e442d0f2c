/**
 * One io_uring of the rig's in front of the real device, for one of the server's: FUSE commands go in,
 * and each comes out once with its result.
 */
import { type HostRing, native } from '../native/load.ts';
import { ERRNO } from '../rig/protocol/errno.ts';
import { URING_CMD } from '../rig/protocol/ring.ts';
import type { RealCommand, RealEntry } from './real_entry.ts';

/** An address nobody has: the kernel answers EFAULT. */
const NOWHERE = 8n;

/**
 * A command on its way through the kernel. `fetch` is the rig's own COMMIT_AND_FETCH, on behalf of a
 * server whose SQE stays held; `bare` reaches no entry.
 */
export interface Submission {
  readonly kind: 'register' | 'commit' | 'fetch' | 'bare';
  readonly command: RealCommand;
  readonly entry: RealEntry | undefined;
  /** Of its CQE; undefined while the SQE is held. */
  res: number | undefined;
  /** It never got as far as being held. */
  refused: boolean;
}

/** The server's task behind a ring: `asleep` has ended, and nobody else may run its work. */
export type Task = 'lives' | 'dead' | 'asleep';

export class RealRing {
  task: Task = 'lives';
  /** Results that were not looked at yet, in the kernel's order. */
  readonly ended: Submission[] = [];
  readonly #host: HostRing;
  readonly #results: Int32Array;
  /** By token. */
  readonly #submissions: (Submission | undefined)[] = [];
  readonly #free: number[] = [];
  /** Queued since the last enter. */
  #fresh: Submission[] = [];

  private constructor(host: HostRing) {
    this.#host = host;
    this.#results = new Int32Array(host.results);
  }

  /** -errno: the kernel makes no such ring. */
  static make(): RealRing | number {
    const host = new native.HostRing();
    return host.fd < 0 ? host.fd : new RealRing(host);
  }

  /** Readable when `enter` has something to do. */
  get fd(): number {
    return this.#host.fd;
  }

  get gathered(): boolean {
    return this.#fresh.length > 0;
  }

  /** SQEs the kernel holds. */
  *held(): Generator<Submission> {
    for (const one of this.#submissions) if (one !== undefined) yield one;
  }

  /** For the next enter. `fd` is of the real device. */
  queue(
    kind: Submission['kind'],
    command: RealCommand,
    entry: RealEntry | undefined,
    fd: number,
  ): Submission {
    const submission = { kind, command, entry, res: undefined, refused: false };
    const token = this.#free.pop() ?? this.#submissions.length;
    this.#submissions[token] = submission;
    const { sqe } = command;
    const fetch = kind === 'fetch';
    // Commands of later kernels would name memory of the server's, which is not ours.
    const known = sqe.cmdOp <= URING_CMD.COMMIT_AND_FETCH ? sqe.cmdOp : 0;
    const cmdOp = fetch ? URING_CMD.COMMIT_AND_FETCH : known;
    const commitId = BigInt(fetch ? (entry?.unique ?? 0) : sqe.commitId);
    const addr = kind === 'register' ? (entry?.iovecs ?? NOWHERE) : NOWHERE;
    const queue = () =>
      this.#host.queue(token, fd, cmdOp, sqe.qid, sqe.flags, commitId, addr, sqe.len);
    if (!queue()) {
      this.enter();
      if (!queue()) this.#end(token, -ERRNO.EAGAIN);
    }
    this.#fresh.push(submission);
    return submission;
  }

  /** Submits what was queued and lets the kernel deliver; results go to `ended`. */
  enter(): void {
    let more = this.#once();
    // A refusal comes with the submission; what comes later ends a command that was held.
    for (const one of this.#fresh) {
      one.refused = (one.res ?? 0) < 0;
      if (one.res === undefined) one.entry?.wait(one.command);
    }
    this.#fresh = [];
    while (more) more = this.#once();
  }

  /** False once there was nothing more to do. */
  #once(): boolean {
    const count = this.#host.enter();
    if (count < 0) {
      throw new Error(`relay: io_uring_enter on the real ring failed: errno ${-count}`);
    }
    for (let i = 0; i < count; i++) {
      this.#end(this.#results[2 * i] as number, this.#results[2 * i + 1] as number);
    }
    return count > 0;
  }

  #end(token: number, res: number): void {
    const submission = this.#submissions[token];
    if (submission === undefined) return;
    this.#submissions[token] = undefined;
    this.#free.push(token);
    submission.res = res;
    this.ended.push(submission);
  }

  /**
   * An entry leaves the kernel with its ring only: a ring in the place of this one, with all other
   * entries registered anew. -errno.
   */
  without(gone: readonly RealEntry[], fdOf: (handle: number) => number): RealRing | number {
    const next = RealRing.make();
    if (typeof next === 'number') return next;
    next.task = this.task;
    for (const { entry, command } of this.held()) {
      if (entry === undefined || gone.includes(entry)) continue;
      next.queue('register', command, entry, fdOf(command.handle));
    }
    next.enter();
    return next;
  }

  /** A REGISTER whose iovecs are nowhere, on a ring of its own: EFAULT. */
  static refuse(fd: number): void {
    const host = new native.HostRing();
    if (host.fd < 0) return;
    host.queue(0, fd, URING_CMD.REGISTER, 0, 0n, 0n, NOWHERE, 2);
    host.enter();
    host.close();
  }

  /** The kernel cancels what it holds; from now on it touches none of the buffers. */
  close(): void {
    this.#host.close();
  }
}
