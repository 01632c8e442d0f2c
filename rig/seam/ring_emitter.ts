/** What happens on a ring, as events: messages, REGISTERs, and CQEs that bring no request. */
import { iovecsOf, SEGMENTS } from '../kernel/ring/register.ts';
import { type Entry, HELD, type Memory, type RingSqe } from '../kernel/ring/ring_kernel.ts';
import { URING_CMD } from '../protocol/ring.ts';
import type { PortWiring } from './port_handle.ts';
import type { Submitter } from './submitters.ts';

const buffersOf = ({ headers, payload, payloadSize }: Entry) => ({
  headers,
  payload,
  payloadSize,
});

/** What a REGISTER offered that was refused, as far as it can be read. */
function offered({ addr, len }: RingSqe, memory: Memory) {
  const named = len === SEGMENTS ? iovecsOf(addr, memory) : -1;
  if (typeof named === 'number') return { headers: 0, payload: 0, payloadSize: 0 };
  const number = (n: bigint): number => (n < 0n || n > Number.MAX_SAFE_INTEGER ? 0 : Number(n));
  const [headers, payload] = named;
  return {
    headers: number(headers.base),
    payload: number(payload.base),
    payloadSize: number(payload.length),
    headersSize: number(headers.length),
  };
}

export class RingEmitter {
  /** Rings that the server has made, whatever for. */
  made = 0;
  #delivered = 0;
  /** Entries registered, by connection and queue. */
  readonly #depths = new Map<number, Map<number, number>>();
  readonly #w: PortWiring;
  readonly #told = new Set<string>();

  constructor(wiring: PortWiring) {
    this.#w = wiring;
  }

  /** Operations (IORING_OP_*) that the server has asked its rings for, beside FUSE commands. */
  get asked(): readonly number[] {
    return this.#w.seam.ringsAsked();
  }

  /** What the server made: queues of a connection, the most entries of one, and requests that came over them. */
  get shape(): { queues: number; depth: number; requests: number } {
    const conns = [...this.#depths.values()];
    const depth = Math.max(0, ...conns.flatMap((queues) => [...queues.values()]));
    const queues = Math.max(0, ...conns.map(({ size }) => size));
    return { queues, depth, requests: this.#delivered };
  }

  request(entry: Entry, { memory }: Submitter, bytes: Uint8Array): void {
    const { conn, qid, index, command } = entry;
    this.#delivered++;
    const ring = { qid, entry: index };
    const { handle } = command;
    const t = this.#w.now();
    this.#w.emit({ kind: 'request', t, handle, conn, tid: memory.submitter, bytes, ring });
  }

  reply(entry: Entry, { memory }: Submitter, handle: number, bytes: Uint8Array): void {
    const { conn, qid, index } = entry;
    const ring = { qid, entry: index };
    const tid = memory.submitter;
    const result = bytes.length;
    this.#w.emit({ kind: 'reply', t: this.#w.now(), handle, conn, tid, bytes, result, ring });
  }

  #at({ ring, memory }: Submitter, handle: number, conn: number) {
    return { t: this.#w.now(), handle, conn, tid: memory.submitter, ring };
  }

  /** `entry`: undefined where the REGISTER was refused. */
  register(
    sqe: RingSqe,
    submitter: Submitter,
    conn: number,
    entry: Entry | undefined,
    res: number,
  ): void {
    const { handle, qid } = sqe;
    if (entry !== undefined) {
      const queues = this.#depths.get(conn) ?? new Map<number, number>();
      this.#depths.set(conn, queues.set(qid, (queues.get(qid) ?? 0) + 1));
    }
    const { memory } = submitter;
    this.#w.emit({
      kind: 'register',
      ...this.#at(submitter, handle, conn),
      qid,
      pid: memory.process,
      entry: entry?.index ?? -1,
      ...(entry === undefined ? offered(sqe, memory) : buffersOf(entry)),
      result: res === HELD ? 0 : res,
    });
  }

  /** A command was refused; it reached no entry. */
  refused(sqe: RingSqe, submitter: Submitter, conn: number, result: number): void {
    const { handle, qid, cmdOp: command } = sqe;
    const at = this.#at(submitter, handle, conn);
    const commitId = command === URING_CMD.COMMIT_AND_FETCH ? sqe.commitId.toString(16) : '';
    this.#w.emit({ kind: 'completion', ...at, command, qid, entry: -1, commitId, result });
  }

  /** A held command ended without a request. */
  ended(entry: Entry, submitter: Submitter, result: number): void {
    const { conn, qid, index } = entry;
    const at = this.#at(submitter, entry.command.handle, conn);
    const what = { command: entry.command.cmdOp, qid, entry: index, commitId: '' };
    this.#w.emit({ kind: 'completion', ...at, ...what, result });
  }

  closed(ring: number): void {
    this.#w.emit({ kind: 'ring-close', t: this.#w.now(), ring });
  }

  /** Said once each. */
  unsupported(tid: number, what: string): void {
    if (this.#told.has(what)) return;
    this.#told.add(what);
    this.#w.emit({ kind: 'unsupported', t: this.#w.now(), tid, what });
  }
}
