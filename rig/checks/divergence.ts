/**
 * divergence: without faults, the server answers as it did in the capture.
 *
 * Verified: for every captured request the error, and of a success the lengths, data, type, mode,
 * size, owner, device number, link count of non-directories, flags; the set of names of every
 * directory read to its end. First difference first.
 * Not verified: times, inode numbers, ids, block counts, free space, cache timeouts, directory sizes:
 * they belong to the backing store or to one run. The errors of RELEASE and RELEASEDIR, which the
 * kernel ignores. Requests the capture never answered. What an injected fault explains: the answer to the
 * request it hit, what is on ids that never came because of it, what was not asked or taken any more
 * after a fault that may end a server, and the answers behind one that lets it answer otherwise. These
 * are counted and named. Answers of a session that is not the first of its kind: they must come, and say what
 * the one before has left.
 */
import type { ReplayEvent } from '../events.ts';
import type { Key } from '../protocol/cursor.ts';
import { opName } from '../protocol/opcodes.ts';
import { quoteName } from '../protocol/view.ts';
import { FaultEffects } from './fault_effects.ts';
import { type Check, type Finding, Lines } from './finding.ts';

/** Names of files, which may hold any byte, as a terminal may show them. */
const named = (names: readonly string[]): string =>
  names.map((name) => quoteName(Buffer.from(name, 'latin1'))).join(' ');

export class Divergence implements Check {
  readonly name = 'divergence';
  readonly kinds = ['answered', 'unanswered', 'directory', 'injected'] as const;
  readonly #lines = new Lines();
  #compared = 0;
  #missing = 0;
  #skipped = 0;
  readonly #again = { same: 0, other: 0 };
  readonly #faults = new FaultEffects();

  take(event: ReplayEvent): void {
    if (event.kind === 'injected') this.#faults.take(event);
    else if (this.#later(event)) return;
    else if (this.#faults.explain(event)) return;
    else if (event.kind === 'answered') {
      this.#compared++;
      if (event.expected !== event.actual) {
        this.#add(event, `${event.actual}  in the capture ${event.expected}`);
      }
    } else if (event.kind === 'unanswered') {
      if (event.why === 'missing') {
        this.#missing++;
        this.#add(event, `no answer (${event.detail})`);
      } else if (event.why !== 'as-captured') {
        this.#skipped++;
        this.#add(event, `not asked: ${event.detail}`);
      }
    } else if (event.kind === 'directory') {
      const missing = event.missing.length > 0 ? ` missing ${named(event.missing)}` : '';
      const extra = event.extra.length > 0 ? ` extra ${named(event.extra)}` : '';
      this.#lines.add(`request ${event.index} directory ${event.nodeid}:${missing}${extra}`);
    }
  }

  /** Of a capture that this server was asked before: only that there is an answer is judged. */
  #later(event: ReplayEvent): boolean {
    if (!('again' in event) || (event.kind === 'unanswered' && event.why === 'missing'))
      return false;
    if (event.kind === 'answered')
      this.#again[event.expected === event.actual ? 'same' : 'other']++;
    return true;
  }

  #add(event: { index: number; opcode: number; nodeid: Key }, what: string): void {
    this.#lines.add(`request ${event.index} ${opName(event.opcode)} node ${event.nodeid}: ${what}`);
  }

  findings(): Finding[] {
    const { count } = this.#lines;
    const unasked = this.#skipped > 0 ? `, ${this.#skipped} not asked` : '';
    const silent = this.#missing > 0 ? `, ${this.#missing} unanswered` : '';
    const told =
      count === 0
        ? `${this.#compared} replies as captured`
        : `${count} of ${this.#compared + this.#missing + this.#skipped} replies differ${silent}${unasked}`;
    const { same, other } = this.#again;
    const later =
      same + other === 0 ? '' : `, in later sessions ${same} as captured and ${other} otherwise`;
    const text = told + later + this.#faults.words();
    return [
      {
        check: this.name,
        verdict: count === 0 ? 'pass' : 'fail',
        text,
        details: this.#lines.list(),
      },
    ];
  }
}
