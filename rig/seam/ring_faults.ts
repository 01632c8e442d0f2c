/** Where the ring port asks for faults, and the effect each has in the kernel. */
import type { Place } from '../injection.ts';
import type { Entry, RingSqe } from '../kernel/ring/ring_kernel.ts';
import { ERRNO } from '../protocol/errno.ts';
import { URING_CMD } from '../protocol/ring.ts';
import type { PortWiring } from './port_handle.ts';
import type { RingEmitter } from './ring_emitter.ts';
import type { Submitter } from './submitters.ts';

/** Refusals after which the kernel gives the ring up (fuse_uring_cmd(), behind fuse_uring_register()). */
const GIVES_UP: ReadonlySet<number> = new Set([ERRNO.EINVAL, ERRNO.EFAULT, ERRNO.ENOMEM]);

export class RingFaults {
  readonly #w: PortWiring;
  readonly #emitter: RingEmitter;

  constructor(wiring: PortWiring, emitter: RingEmitter) {
    this.#w = wiring;
    this.#emitter = emitter;
  }

  /** A command comes: the negative errno of its CQE, and the Kernel never sees it; or 0. */
  command(submitter: Submitter, sqe: RingSqe, conn: number): number {
    const { handle, qid: queue } = sqe;
    const place = { handle, conn, tid: submitter.memory.submitter, queue };
    if (sqe.cmdOp === URING_CMD.COMMIT_AND_FETCH) {
      const verdict = this.#w.injection?.reply('commit', 'ring', place, BigInt(sqe.commitId));
      if (verdict === undefined) return 0;
      this.#emitter.refused(sqe, submitter, conn, -verdict.errno);
      return -verdict.errno;
    }
    if (sqe.cmdOp !== URING_CMD.REGISTER) return 0;
    const verdict = this.#w.injection?.call('register', 'ring', place);
    if (verdict === undefined) return 0;
    this.#emitter.register(sqe, submitter, conn, undefined, -verdict.errno);
    if (GIVES_UP.has(verdict.errno)) this.#w.kernel.rings?.giveUp?.(handle);
    return -verdict.errno;
  }

  /** A command is held; `entry`: the one it has made, of a REGISTER. */
  held(submitter: Submitter, { cmdOp }: RingSqe, entry: Entry | undefined): void {
    if (cmdOp !== URING_CMD.REGISTER || entry === undefined) return;
    this.#w.injection?.call('registered', 'ring', placeOf(submitter, entry));
  }

  /** The CQE of a request is about to be posted. True: another was, and nobody has the request. */
  cqe(submitter: Submitter, entry: Entry, bytes: Uint8Array, post: (res: number) => void): boolean {
    const place = placeOf(submitter, entry);
    const verdict = this.#w.injection?.request('cqe', 'ring', place, bytes);
    if (verdict === undefined) return false;
    this.#emitter.ended(entry, submitter, -verdict.errno);
    post(-verdict.errno);
    if (verdict.fate === 'kept') this.#w.kernel.rings?.withdraw?.(entry);
    return true;
  }

  delivered(submitter: Submitter, entry: Entry, bytes: Uint8Array): void {
    this.#w.injection?.request('delivered', 'ring', placeOf(submitter, entry), bytes);
  }
}

const placeOf = (submitter: Submitter, entry: Entry): Place => ({
  handle: entry.command.handle,
  conn: entry.conn,
  tid: submitter.memory.submitter,
  queue: entry.qid,
  entry: entry.index,
});
