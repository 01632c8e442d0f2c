/**
 * descriptors: the server holds on to no more descriptors than its work needs, and uses none that it
 * has closed.
 *
 * Verified: when everything was asked, its processes have at most SLACK descriptors more than when INIT
 * was answered, beside PER_ITEM for every file and directory the client has open and for every node it
 * has looked up and not forgotten, and PER_RING for every io_uring; no read or write is made on a number that was the device until the
 * server closed it (another file that got the number would have got the message).
 * Not verified: descriptors lost in fewer than SLACK operations, and what is left at the exit.
 */
import type { DescriptorsEvent, ReplayEvent, StaleCallEvent } from '../events.ts';
import { type Check, type Finding, Lines } from './finding.ts';
import { Holdings } from './holdings.ts';

/** For pools, caches and threads that are made when they are wanted. */
const SLACK = 64;
const PER_ITEM = 2;
const PER_RING = 4;

export class Descriptors implements Check {
  readonly name = 'descriptors';
  readonly #holdings = new Holdings();
  readonly #stale = new Lines();
  /** io_uring instances that FUSE entries were registered on. */
  readonly #rings = new Set<number>();
  #first: DescriptorsEvent | undefined;
  /** The last count, and the most that there may have been then. */
  #last: { count: number; most: number } | undefined;

  take(event: ReplayEvent): void {
    if (event.kind === 'request' || event.kind === 'reply') this.#holdings.take(event);
    else if (event.kind === 'register') this.#rings.add(event.ring);
    else if (event.kind === 'stale-call') this.#stale.add(staleLine(event));
    else if (event.kind === 'descriptors') this.#counted(event);
  }

  #counted(event: DescriptorsEvent): void {
    if (this.#first === undefined) {
      this.#first = event;
      return;
    }
    const { items } = this.#holdings;
    const most = this.#first.count + SLACK + PER_ITEM * items + PER_RING * this.#rings.size;
    this.#last = { count: event.count, most };
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
    const [first, last] = [this.#first, this.#last];
    if (first !== undefined && last !== undefined && last.count > last.most) {
      const { opens, nodes } = this.#holdings;
      const text = `the server has ${last.count} descriptors, ${first.count} when INIT was answered`;
      const held = `${opens} files and directories are open and ${nodes} nodes are known: ${last.most} would do`;
      findings.push({ check, verdict: 'fail', text, details: [held] });
    }
    if (findings.length > 0 || first === undefined) return findings;
    const text = `${first.count} descriptors at the beginning, ${last?.count ?? first.count} at the end`;
    return [{ check, verdict: 'pass', text, details: [] }];
  }
}

const staleLine = ({ t, tid, fd, call }: StaleCallEvent): string =>
  `${(t / 1e9).toFixed(6)} s  thread ${tid}: ${call} on descriptor ${fd}, closed: -EBADF`;
