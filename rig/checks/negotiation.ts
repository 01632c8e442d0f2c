/**
 * negotiation: the reply to INIT agrees to what was offered, and to nothing else.
 *
 * Verified: every flag of a successful reply was offered (flags2 counts where the reply has INIT_EXT);
 * max_pages comes with MAX_PAGES, or changes nothing of the largest WRITE: the field is ignored without
 * it (process_init_reply()), and QEMU's 16 pages for a max_write of 64 KiB are no mistake. Other than
 * that the kernel does not look: server and kernel then disagree about what is sent, and how large.
 * Not verified: whether the server keeps to what it agreed to (conformance, divergence).
 */
import type { ReplayEvent } from '../events.ts';
import { errorOf, opcodeOf, uniqueOf } from '../protocol/header.ts';
import { INIT_FLAG, INIT_FLAG_NAMES, joinInitFlags } from '../protocol/init-flags.ts';
import { initIn, initOut } from '../protocol/negotiated.ts';
import { OP } from '../protocol/opcodes.ts';
import type { Check, Finding } from './finding.ts';

/** Header and the two versions: a reply to a larger major has no more that counts. */
const SHORTEST = 24;
/** Replies of before 7.6 have no flags that count. */
const FLAGS_MINOR = 6;

const PAGE = 4096;
/** FUSE_DEFAULT_MAX_PAGES_PER_REQ. */
const DEFAULT_PAGES = 32;

const namesOf = (mask: bigint): string[] =>
  INIT_FLAG_NAMES.filter((name) => (mask & INIT_FLAG[name]) !== 0n);

/** What a successful reply to INIT claims without right, one line each. */
export function claims(request: Uint8Array, reply: Uint8Array): string[] {
  const asked = initIn(request);
  const out = initOut(reply);
  if (out.major !== asked.major || out.minor < FLAGS_MINOR) return [];
  const offered = joinInitFlags(asked.flags, asked.flags2);
  const agreed = joinInitFlags(out.flags, out.flags2);
  const lines: string[] = [];
  const unoffered = namesOf(agreed & ~offered);
  if (unoffered.length > 0) lines.push(`${unoffered.join(' ')}: not offered`);
  const largest = (pages: number) => Math.min(Math.max(out.max_write, PAGE), pages * PAGE);
  const ignored = out.max_pages !== 0 && (agreed & INIT_FLAG.MAX_PAGES) === 0n;
  if (ignored && largest(out.max_pages) !== largest(DEFAULT_PAGES)) {
    lines.push(`max_pages ${out.max_pages} without MAX_PAGES: requests have at most 32 pages`);
  }
  return lines;
}

export class Negotiation implements Check {
  readonly name = 'negotiation';
  /** INIT requests without their reply, by connection. */
  readonly #asked = new Map<number, Uint8Array>();
  readonly #claimed: string[] = [];
  #agreed = 0;

  take(event: ReplayEvent): void {
    if (event.kind === 'request') {
      // The bytes are the seam's, and will be others.
      if (event.bytes.length >= 8 && opcodeOf(event.bytes) === OP.INIT.opcode) {
        this.#asked.set(event.conn, event.bytes.slice());
      }
      return;
    }
    if (event.kind !== 'reply' || event.ring !== undefined || event.bytes.length < SHORTEST) return;
    const request = this.#asked.get(event.conn);
    if (request === undefined || uniqueOf(event.bytes) !== uniqueOf(request)) return;
    this.#asked.delete(event.conn);
    if (event.result < 0 || errorOf(event.bytes) !== 0) return;
    this.#agreed++;
    this.#claimed.push(...claims(request, event.bytes));
  }

  findings(): Finding[] {
    const check = this.name;
    const [first] = this.#claimed;
    if (first === undefined) {
      const text = `${this.#agreed} connections agreed to what was offered`;
      return [{ check, verdict: 'pass', text, details: [] }];
    }
    const why = 'why: the kernel does as the reply to INIT says (process_init_reply)';
    const text = `the reply to INIT claims too much: ${first}`;
    return [{ check, verdict: 'fail', text, details: [...this.#claimed.slice(1), why] }];
  }
}
