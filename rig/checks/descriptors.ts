/**
 * descriptors: the server does not lose descriptors with its work, and uses none that it has closed.
 *
 * Verified: its processes do not go on getting descriptors beyond what the work they have done can
 * explain. Explained are, beside those it had when INIT was answered, PER_ITEM for every node it was
 * ever asked about and every file and directory that was open at once (whoever caches what it
 * opened holds no more), PER_THREAD for every thread that took a request, PER_RING for every io_uring,
 * and SLACK for pools of its own. Beyond that it is a leak only if it still grew while the second half
 * of the requests was asked: a pool is full some day. No read or write is made on a number that was the
 * device until the server closed it (another file that got the number would have got the message).
 * Not verified: what is lost in fewer than SLACK operations, and what is left at the exit.
 */
import type { DescriptorsEvent, ReplayEvent, StaleCallEvent } from '../events.ts';
import { type Check, type Finding, Lines } from './finding.ts';
import { Holdings } from './holdings.ts';

/** Connections to another machine, a log, a lock, what an interpreter loads: not of the requests. */
const SLACK = 64;
/** A path and an open file, as of passthrough_ll.c and fuse-overlayfs. */
const PER_ITEM = 2;
/** libfuse's fuse_loop_mt.c: the two ends of a pipe and a clone of the device; one more to be woken. */
const PER_THREAD = 4;
/** The ring, what wakes its thread, and an epoll over both; one more. */
const PER_RING = 4;
/** The part of the growth that must have come in the second half: half, if it is one a request. */
const STILL_GROWING = 1 / 4;

interface Sample {
  /** Requests asked until then. */
  requests: number;
  count: number;
}

export class Descriptors implements Check {
  readonly name = 'descriptors';
  readonly kinds = ['request', 'reply', 'register', 'stale-call', 'descriptors'] as const;
  readonly #holdings = new Holdings();
  readonly #stale = new Lines();
  readonly #threads = new Set<number>();
  /** io_uring instances that FUSE entries were registered on. */
  readonly #rings = new Set<number>();
  #requests = 0;
  readonly #samples: Sample[] = [];

  take(event: ReplayEvent): void {
    if (event.kind === 'request' || event.kind === 'reply') {
      this.#holdings.take(event);
      if (event.kind === 'reply') return;
      this.#requests++;
      this.#threads.add(event.tid);
    } else if (event.kind === 'register') this.#rings.add(event.ring);
    else if (event.kind === 'stale-call') this.#stale.add(staleLine(event));
    else if (event.kind === 'descriptors') this.#counted(event);
  }

  #counted({ count }: DescriptorsEvent): void {
    this.#samples.push({ requests: this.#requests, count });
  }

  /** What the work explains, beside what there was at the beginning. */
  get #explained(): number {
    const items = this.#holdings.nodesEver + this.#holdings.opensMost;
    return SLACK + PER_ITEM * items + PER_THREAD * this.#threads.size + PER_RING * this.#rings.size;
  }

  #leak(first: Sample, last: Sample): Finding | undefined {
    const grown = last.count - first.count;
    if (grown <= this.#explained) return undefined;
    const half = (first.requests + last.requests) / 2;
    const middle = this.#samples.find(({ requests }) => requests >= half) ?? last;
    const text = `the server has ${last.count} descriptors, ${first.count} when INIT was answered`;
    const { nodesEver, opensMost } = this.#holdings;
    const details = [
      `${nodesEver} nodes, ${opensMost} files and directories open at once and ${this.#threads.size} threads explain ${this.#explained} more at most`,
    ];
    const late = last.count - middle.count;
    if (middle.requests >= last.requests || late < grown * STILL_GROWING) {
      const why = 'not judged: nothing shows that they are still getting more';
      return { check: this.name, verdict: 'pass', text: `${text}; ${why}`, details };
    }
    details.push(
      `${late} of them came with the last ${last.requests - middle.requests} of ${last.requests} requests`,
    );
    return { check: this.name, verdict: 'fail', text, details };
  }

  findings(): Finding[] {
    const check = this.name;
    const findings: Finding[] = [];
    if (this.#stale.count > 0) {
      const text = 'the server uses the device by a descriptor that it has closed';
      const why =
        'why: a file opened meanwhile may have the number, and gets what is for the kernel';
      findings.push({ check, verdict: 'fail', text, details: [...this.#stale.list(), why] });
    }
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    const leak = first !== undefined && last !== undefined ? this.#leak(first, last) : undefined;
    if (leak !== undefined && (leak.verdict === 'fail' || findings.length === 0)) {
      findings.push(leak);
    }
    if (findings.length > 0 || first === undefined || last === undefined) return findings;
    const text = `${first.count} descriptors at the beginning, ${last.count} at the end`;
    return [{ check, verdict: 'pass', text, details: [] }];
  }
}

const staleLine = ({ t, tid, fd, call }: StaleCallEvent): string =>
  `${(t / 1e9).toFixed(6)} s  thread ${tid}: ${call} on descriptor ${fd}, closed: -EBADF`;
