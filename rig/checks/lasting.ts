/**
 * A shortage that lasts longer than its cause, where there is no capture to say what an answer should be:
 * after a quota was given back no request that is delivered since may fail with the errno of just that
 * quota. EAGAIN is not looked at, for locks have it too.
 */
import type { ReplayEvent } from '../events.ts';
import { readKey } from '../protocol/cursor.ts';
import { ERRNO, errnoName } from '../protocol/errno.ts';
import { errorOf, opcodeOf, uniqueOf } from '../protocol/header.ts';
import { opName } from '../protocol/opcodes.ts';
import { OUT_HEADER } from '../protocol/structs-common.ts';
import { type Finding, Lines } from './finding.ts';

/** What a server says for want of it, by the fault's name. */
const LACKS: Readonly<Record<string, number>> = {
  fds: -ERRNO.EMFILE,
  memory: -ERRNO.ENOMEM,
  mappings: -ERRNO.ENOMEM,
  locked: -ERRNO.ENOMEM,
  space: -ERRNO.ENOSPC,
};

export class Lasting {
  /** By rule: errno while the quota holds. */
  readonly #holding = new Map<number, number>();
  /** Errnos that nothing explains any more, with the rule's text. */
  readonly #over = new Map<number, string>();
  /** Requests delivered since something was given back: `conn/unique`, and the opcode. */
  readonly #since = new Map<string, number>();
  readonly #still = new Lines();
  /** Replies with the errno of a quota that holds, and those to what was delivered after one was over. */
  failed = 0;
  after = 0;

  take(event: ReplayEvent): void {
    if (event.kind === 'injected' && !event.refused) {
      // Another fault explains what it likes.
      const lack = LACKS[event.fault];
      if (lack !== undefined) this.#holding.set(event.rule, lack);
      if (event.fate !== 'none') this.#over.delete(lack ?? event.result);
    } else if (event.kind === 'released') this.#released(event.rule, event.text);
    else if (event.kind === 'request' && this.#over.size > 0) {
      this.#since.set(`${event.conn}/${uniqueOf(event.bytes)}`, opcodeOf(event.bytes));
    } else if (event.kind === 'reply' && event.bytes.length >= OUT_HEADER.size) {
      const key = `${event.conn}/${readKey(event.bytes, OUT_HEADER.at.unique)}`;
      this.#replied(errorOf(event.bytes), key);
    }
  }

  #replied(error: number, key: string): void {
    for (const lack of this.#holding.values()) if (lack === error) this.failed++;
    const opcode = this.#since.get(key);
    if (opcode === undefined) return;
    this.#since.delete(key);
    this.after++;
    const rule = this.#over.get(error);
    if (rule !== undefined) {
      this.#still.add(`${opName(opcode)}: -${errnoName(error)} after ${rule} was over`);
    }
  }

  #released(rule: number, text: string): void {
    const errno = this.#holding.get(rule);
    this.#holding.delete(rule);
    if (errno === undefined || [...this.#holding.values()].includes(errno)) return;
    this.#over.set(errno, text);
  }

  findings(check: string): Finding[] {
    const { count } = this.#still;
    if (count === 0) return [];
    const requests = count === 1 ? '1 request fails' : `${count} requests fail`;
    const text = `${requests} although nothing is lacking any more`;
    return [{ check, verdict: 'fail', text, details: this.#still.list() }];
  }
}
