/**
 * conformance: the server speaks the protocol.
 *
 * Verified: every reply was accepted by the kernel (right length, legal error, known unique); no
 * request was answered twice. On a ring no result tells that: there every commit is held against what
 * fuse_uring_commit() takes for the request in its entry. A refused notification is the server's
 * risk and only counted.
 * Not verified: what the replies mean (divergence, content), replies to interrupted requests, which
 * may cross with the request's end, and commits that reach no request (ownership); replies to requests
 * that a fault was injected into.
 */
import type { ReplayEvent, ReplyEvent, RingPlace } from '../events.ts';
import { type Key, readKey } from '../protocol/cursor.ts';
import { ERRNO, errnoName } from '../protocol/errno.ts';
import { errorOf, lenOf, namedBy, uniqueKeyOf } from '../protocol/header.ts';
import { opName } from '../protocol/opcodes.ts';
import { commitRefusal } from '../protocol/ring.ts';
import { OUT_HEADER } from '../protocol/structs-common.ts';
import { type Check, type Finding, Lines } from './finding.ts';
import { type InEntry, RingRequests } from './ring_requests.ts';

const STILL_WHOLE: ReadonlySet<string> = new Set(['may-fail', 'lacking', 'may-die', 'whole']);

export class Conformance implements Check {
  readonly name = 'conformance';
  readonly kinds = ['request', 'reply', 'teardown', 'umount-call', 'injected'] as const;
  readonly #bad = new Lines();
  readonly #ring = new RingRequests();
  #replies = 0;
  #ended = false;
  /** Part of the connection was torn down: replies to what ended with it meet ENOENT. */
  #partly = false;
  /** Requests a fault was injected into. */
  readonly #faulted = new Set<string>();

  take(event: ReplayEvent): void {
    if (event.kind === 'teardown') this.#ended = true;
    // The server's own: what its other threads have in hand ends with the connection.
    else if (event.kind === 'umount-call') this.#ended ||= event.result === 0;
    else if (event.kind === 'injected') {
      // Whoever may fail must still say so in a way that the kernel takes.
      if (event.unique !== '' && !STILL_WHOLE.has(event.fate))
        this.#faulted.add(`${event.conn}/${event.unique}`);
      if (event.result === 0 && event.fate === 'none') this.#partly = true;
    } else if (event.kind === 'request') this.#ring.deliver(event);
    else if (event.kind !== 'reply') return;
    else if (event.ring !== undefined) this.#committed(event, event.ring);
    else this.#written(event);
  }

  /** A reply, an interrupt's reply or a notification, written to the device. */
  #written(event: ReplyEvent): void {
    if (event.bytes.length < 16) {
      this.#bad.add(
        `a write of ${event.bytes.length} bytes is no reply: -${errnoName(event.result)}`,
      );
      return;
    }
    const unique = readKey(event.bytes, OUT_HEADER.at.unique);
    // Of notifications and of INTERRUPTs.
    if (unique === 0 || ((event.bytes[OUT_HEADER.at.unique] as number) & 1) === 1) return;
    this.#replies++;
    this.#ring.agree(event);
    // After the teardown a late reply meets ENOENT: the request ended with the connection.
    if (event.result < 0 && !this.#ended && !this.#explained(event, unique)) {
      this.#bad.add(`reply to unique ${unique} refused with -${errnoName(event.result)}`);
    }
  }

  /** The write failed because a fault was injected, into it or into its request. */
  #explained(event: ReplyEvent, unique: Key): boolean {
    if (this.#partly && event.result === -ERRNO.ENOENT) return true;
    return this.#faulted.has(`${event.conn}/${unique.toString(16)}`);
  }

  #committed(event: ReplyEvent, ring: RingPlace): void {
    const request = this.#ring.commit(event.conn, ring);
    if (request === undefined) return;
    if (request.limits !== undefined) this.#replies++;
    const refusal = commitRefusal(event.bytes, request.unique, request.limits);
    if (refusal === 0 || oddUnique(event.bytes, request, refusal)) return;
    // Of a server that was killed with its commit on the way nothing is mapped any more.
    if (refusal === -ERRNO.EFAULT && this.#ended) return;
    const what = `reply to ${opName(request.opcode)} unique ${request.unique} on queue ${ring.qid}`;
    this.#bad.add(
      `${what}: ${mistake(event.bytes, request)}: the client gets -${errnoName(refusal)}`,
    );
  }

  findings(): Finding[] {
    const bad = this.#bad.count;
    const verdict = bad === 0 ? 'pass' : 'fail';
    const text =
      bad === 0 ? `${this.#replies} replies taken` : `${bad} replies refused by the kernel`;
    return [{ check: this.name, verdict, text, details: this.#bad.list() }];
  }
}

/**
 * The server chose the unique of a NOTIFY_REPLY. If it is odd the kernel, which takes bit 0 for that of
 * an interrupt, refuses a commit that names it, and nobody is there to notice.
 */
const oddUnique = (reply: Uint8Array, { unique, limits }: InEntry, refusal: number): boolean =>
  refusal === -ERRNO.ENOENT && limits === undefined && uniqueKeyOf(reply) === unique;

/** What is wrong with a commit that the kernel does not take. */
function mistake(reply: Uint8Array, { unique, limits }: InEntry): string {
  if (reply.length < 16) return 'its header is not mapped';
  const error = errorOf(reply);
  if (error > 0 || error <= -512) return `error ${error} is none`;
  const named = uniqueKeyOf(reply);
  if (namedBy(named) !== unique) return `it names unique ${named}`;
  const size = lenOf(reply) - 16;
  const { min, max } = limits ?? { min: 0, max: 0 };
  if (size < min || size > max) {
    const wanted = min === max ? `${min} are taken` : `${min} to ${max} are taken`;
    return `payload_sz ${size} where ${wanted}`;
  }
  return `its payload of ${size} bytes is not mapped`;
}
