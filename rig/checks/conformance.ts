/**
 * conformance: the server speaks the protocol.
 *
 * Verified: every reply was accepted by the kernel (right length, legal error, known unique); no
 * request was answered twice. A refused notification is the server's risk and only counted.
 * Not verified: what the replies mean (divergence, content), replies to interrupted requests, which
 * may cross with the request's end.
 */
import type { ReplayEvent } from '../events.ts';
import { errnoName } from '../protocol/errno.ts';
import { uniqueOf } from '../protocol/header.ts';
import { type Check, type Finding, Lines } from './finding.ts';

export class Conformance implements Check {
  readonly name = 'conformance';
  readonly #bad = new Lines();
  #replies = 0;
  #ended = false;

  take(event: ReplayEvent): void {
    if (event.kind === 'teardown') this.#ended = true;
    if (event.kind !== 'reply') return;
    if (event.bytes.length < 16) {
      this.#bad.add(
        `a write of ${event.bytes.length} bytes is no reply: -${errnoName(event.result)}`,
      );
      return;
    }
    const unique = uniqueOf(event.bytes);
    if (unique === 0n || (unique & 1n) === 1n) return;
    this.#replies++;
    // After the teardown a late reply meets ENOENT: the request ended with the connection.
    if (event.result < 0 && !this.#ended) {
      this.#bad.add(`reply to unique ${unique} refused with -${errnoName(event.result)}`);
    }
  }

  findings(): Finding[] {
    const bad = this.#bad.count;
    const verdict = bad === 0 ? 'pass' : 'fail';
    const text =
      bad === 0 ? `${this.#replies} replies taken` : `${bad} replies refused by the kernel`;
    return [{ check: this.name, verdict, text, details: this.#bad.list() }];
  }
}
