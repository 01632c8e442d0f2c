/** What the checks are told of beside messages: unmounts, calls on closed descriptors, how many are open. */
import type { ReplayEvent, ReplaySink } from '../rig/events.ts';
import { descriptorsBelow } from '../rig/seam/open_files.ts';
import { NR } from '../rig/seam/traps.ts';
import type { Session } from '../rig/session.ts';

const WRITES: ReadonlySet<number> = new Set([NR.write, NR.writev]);
const READS: ReadonlySet<number> = new Set([NR.read, NR.readv]);

/** Answers from one count of descriptors to the next; twice as many after every SAMPLES counts. */
const INTERVAL = 32;
const SAMPLES = 16;

export class Watched {
  readonly #session: Session;
  readonly #keeperPid: number;
  readonly #emit: ReplaySink;
  #answers = 0;
  #interval = INTERVAL;
  /** Where the range of the device's descriptors begins in the server. */
  readonly #base: number;

  constructor(session: Session, { keeperPid, base }: Launched, emit: ReplaySink) {
    this.#session = session;
    this.#keeperPid = keeperPid;
    this.#base = base;
    this.#emit = emit;
    session.mounts.umounting = (target, flags, tid, result) =>
      this.#emit({ kind: 'umount-call', t: session.now(), tid, target, flags, result });
    session.device.stale = (index, nr, tid) => this.#stale(index, nr, tid);
  }

  #stale(index: number, nr: number, tid: number): void {
    const call = WRITES.has(nr) ? 'write' : READS.has(nr) ? 'read' : undefined;
    if (call === undefined) return;
    const fd = this.#base + index;
    this.#emit({ kind: 'stale-call', t: this.#session.now(), tid, fd, call });
  }

  /** INIT is answered, some work is done, or the end begins. */
  count(): void {
    const count = descriptorsBelow(this.#keeperPid);
    if (count > 0) this.#emit({ kind: 'descriptors', t: this.#session.now(), count });
  }

  take(event: ReplayEvent): void {
    if (event.kind === 'teardown') this.count();
    else if (event.kind === 'answered') this.answered();
  }

  /** One more request has its answer. */
  answered(): void {
    if (++this.#answers % this.#interval !== 0) return;
    this.count();
    if (this.#answers >= this.#interval * SAMPLES) this.#interval *= 2;
  }
}

interface Launched {
  readonly keeperPid: number;
  readonly base: number;
}
