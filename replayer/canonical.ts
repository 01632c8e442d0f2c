/**
 * The canonical log: one line a captured request, in capture order, with what this run made of it.
 * Times, inode numbers, ids, threads and addresses are not in it, so two runs of the same capture,
 * plan, server and fixture give the same bytes. Its hash is the run's fingerprint.
 */
import { createHash, type Hash } from 'node:crypto';
import type { ReplayEvent } from '../rig/events.ts';
import type { Key } from '../rig/protocol/cursor.ts';
import { opName } from '../rig/protocol/opcodes.ts';
import { quoteName } from '../rig/protocol/view.ts';

const BATCH = 16 * 1024;
const RANKS = ['teardown', 'hang', 'exit'];
const rank = (line: string): number => RANKS.indexOf(line.split(' ')[0] ?? '');
const ENDS: ReadonlySet<ReplayEvent['kind']> = new Set(['teardown', 'hang', 'exit']);

const named = (names: readonly string[]): string =>
  names.map((name) => quoteName(Buffer.from(name, 'latin1'))).join(' ');

/** First-appearance names: the first node is n1, whatever number the server gave it. */
class Names {
  readonly #names = new Map<number, Map<Key, string>>();
  #count = 0;

  of(conn: number, nodeid: Key): string {
    let names = this.#names.get(conn);
    if (names === undefined) {
      names = new Map();
      this.#names.set(conn, names);
    }
    let name = names.get(nodeid);
    if (name === undefined) {
      name = `n${++this.#count}`;
      names.set(nodeid, name);
    }
    return name;
  }
}

/** What there are lines for. */
export const LOGGED = [
  'answered',
  'unanswered',
  'news',
  'directory',
  'teardown',
  'hang',
  'exit',
] as const satisfies readonly ReplayEvent['kind'][];

export class CanonicalLog {
  readonly #hash: Hash = createHash('sha256');
  readonly #names = new Names();
  readonly #line: ((line: string) => void) | undefined;
  lines = 0;
  /**
   * How the session came to its end. These lines are the last: a teardown in the middle comes while
   * answers are on their way, and how many have been compared by then is nobody's choice.
   */
  readonly #ends: string[] = [];
  /** Lines not hashed yet: a call of the hash costs more than a line. */
  #waiting = '';
  /**
   * With a plan: lines about requests that were concurrent, kept until all of them are answered. Which
   * of those a teardown finds answered is the choice of the server's threads, so none is told to be.
   */
  readonly #concurrent: { line: string; answered: ReplayEvent | undefined }[] = [];
  #moment: (() => number) | undefined;
  #since = 0;
  /** What is told to be answered from here on was answered as the teardown came. */
  #torn = false;

  /** `line` gets every line, without its newline. */
  constructor(line?: (line: string) => void) {
    this.#line = line;
  }

  /**
   * A plan may tear the session down that begins. `moment` changes when nothing that was asked before is
   * unanswered.
   */
  follow(moment: () => number): void {
    this.#settle();
    this.#moment = moment;
    this.#since = moment();
    this.#torn = false;
  }

  take(event: ReplayEvent): void {
    const line = this.#render(event);
    if (line === undefined) return;
    if (ENDS.has(event.kind)) this.#ends.push(line);
    else if (this.#moment === undefined) this.#add(line);
    else this.#keep(line, event, this.#moment());
  }

  #keep(line: string, event: ReplayEvent, moment: number): void {
    if (moment !== this.#since) this.#settle();
    this.#since = moment;
    const answered = event.kind === 'answered' ? event : undefined;
    const late = this.#torn && answered !== undefined;
    const told = late ? `${this.#head(answered)} unanswered ended` : line;
    this.#concurrent.push({ line: told, answered });
  }

  /** What the plan has done, once nothing more is asked: at the end, where nothing depends on time. */
  planned(lines: readonly string[]): void {
    this.#settle();
    for (const line of lines) this.#add(line);
  }

  #settle(): void {
    for (const { line } of this.#concurrent.splice(0)) this.#add(line);
  }

  /** A teardown comes now: what is concurrent with it ends with the connection, answered or not. */
  cut(): void {
    this.#torn = true;
    if (this.#moment?.() !== this.#since) this.#settle();
    for (const { line, answered } of this.#concurrent.splice(0)) {
      this.#add(answered?.kind === 'answered' ? `${this.#head(answered)} unanswered ended` : line);
    }
  }

  #add(line: string): void {
    this.lines++;
    this.#waiting += `${line}\n`;
    if (this.#waiting.length > BATCH) this.#flush();
    this.#line?.(line);
  }

  #flush(): void {
    this.#hash.update(this.#waiting);
    this.#waiting = '';
  }

  #render(event: ReplayEvent): string | undefined {
    switch (event.kind) {
      case 'answered':
        return `${this.#head(event)} = ${event.actual}`;
      case 'unanswered':
        return `${this.#head(event)} unanswered ${event.why}${event.why === 'faulted' ? ` ${event.detail}` : ''}`;
      case 'news':
        return `${this.#head(event)} answered only here = ${event.actual}`;
      case 'directory': {
        const { missing, extra, index } = event;
        return `${index} directory missing [${named(missing)}] extra [${named(extra)}]`;
      }
      case 'teardown':
        return `teardown ${event.how}`;
      case 'hang':
        return `hang ${event.verdict}`;
      case 'exit':
        return event.main ? `exit ${event.code ?? `signal ${event.signal}`}` : undefined;
      default:
        return undefined;
    }
  }

  #head(event: { index: number; conn: number; opcode: number; nodeid: Key }): string {
    return `${event.index} ${opName(event.opcode)} ${this.#names.of(event.conn, event.nodeid)}`;
  }

  /** First 12 hex digits of the log's SHA-256; the log is complete. */
  digest(): string {
    // A first process whose daemon lives on may exit before or after it.
    const ends = this.#ends.splice(0).sort((a, b) => rank(a) - rank(b));
    for (const line of ends) this.#add(line);
    this.#flush();
    return this.#hash.copy().digest('hex').slice(0, 12);
  }
}
