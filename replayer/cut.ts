/** A capture with fewer requests that still replays: which request needs which, and what is left of one. */
import { CaptureReader } from '../recorder/capture/reader.ts';
import { CaptureWriter } from '../recorder/capture/writer.ts';
import { isEmitted, type RequestEvent, type SessionEvent } from '../rig/events.ts';
import { ProtocolError } from '../rig/protocol/cursor.ts';
import { nodeidOf, opcodeOf, uniqueOf } from '../rig/protocol/header.ts';
import { layoutMarks, replyMarks, requestMarks } from '../rig/protocol/marks.ts';
import { Reply, Request } from '../rig/protocol/message.ts';
import { BEFORE_INIT, type Negotiated } from '../rig/protocol/negotiated.ts';
import { OP } from '../rig/protocol/opcodes.ts';
import { IN_HEADER } from '../rig/protocol/structs-common.ts';
import { negotiateWith, repliedTo } from './captured.ts';

export interface CutRequest {
  /** Place among the capture's requests, from 1. */
  index: number;
  opcode: number;
  /** Requests whose replies brought the nodes and handles it names. */
  needs: number[];
  /** INIT. */
  kept: boolean;
}

const IDS = new Set(['nodeid', 'fh'] as const);
const UNIQUE = new Set(['unique'] as const);
const OUT_HEADER = 16;
const id = (role: string, value: bigint | number): string => `${role} ${value}`;

/** Of one connection: who brought which id, and what is unanswered. */
class Provenance {
  negotiated: Negotiated = BEFORE_INIT;
  init: Uint8Array | undefined;
  readonly #from = new Map<string, number>();
  readonly #open = new Map<bigint, { index: number; request: Request }>();

  /** Indices of the requests that this one builds on. */
  request(index: number, bytes: Uint8Array): number[] {
    const needs = new Set<number>();
    const look = (role: string, value: bigint | number) => {
      const from = this.#from.get(id(role, value));
      if (from !== undefined) needs.add(from);
    };
    try {
      const request = new Request(bytes, this.negotiated);
      for (const { role, value } of requestMarks(request, IDS)) look(role, value);
      const meant = request.opcode === OP.INTERRUPT.opcode ? this.#interrupted(request) : undefined;
      if (meant !== undefined) needs.add(meant);
      this.#open.set(uniqueOf(bytes), { index, request });
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      // Nobody can read it: by its header alone.
      for (const { role, value } of layoutMarks(IN_HEADER, bytes, 0)) look(role, value);
    }
    return [...needs];
  }

  /** The request that an INTERRUPT is about. */
  #interrupted(request: Request): number | undefined {
    const unique = requestMarks(request, UNIQUE).find(({ offset }) => offset > IN_HEADER.size - 1);
    return unique && this.#open.get(BigInt(unique.value))?.index;
  }

  reply(bytes: Uint8Array): void {
    const unique = repliedTo(bytes);
    const asked = unique === undefined ? undefined : this.#open.get(BigInt(unique));
    if (asked === undefined) return;
    this.#open.delete(BigInt(unique as number));
    if (asked.request.opcode === OP.INIT.opcode) {
      this.negotiated = negotiateWith(this.init, bytes) ?? this.negotiated;
      return;
    }
    if (bytes.length <= OUT_HEADER) return;
    try {
      for (const { role, value } of replyMarks(new Reply(bytes, asked.request), IDS)) {
        // Of many lookups the first: the node is known from then on.
        const key = id(role, value);
        if (role === 'fh' || !this.#from.has(key)) this.#from.set(key, asked.index);
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
    }
  }

  /** A node that is forgotten may come again as another. */
  forget(bytes: Uint8Array): void {
    this.#from.delete(id('nodeid', nodeidOf(bytes)));
  }
}

/** The requests of a capture, in its order, and what each builds on. */
export function requestsOf(path: string): CutRequest[] {
  const reader = CaptureReader.open(path);
  const conns = new Map<number, Provenance>();
  const found: CutRequest[] = [];
  try {
    for (const event of reader.events()) {
      if (event.kind !== 'request' && event.kind !== 'reply') continue;
      const conn = conns.get(event.conn) ?? new Provenance();
      conns.set(event.conn, conn);
      if (event.kind === 'reply') conn.reply(event.bytes);
      else found.push(cutRequest(event, conn, found.length + 1));
    }
  } finally {
    reader.close();
  }
  return found;
}

function cutRequest({ bytes }: RequestEvent, conn: Provenance, index: number): CutRequest {
  const opcode = opcodeOf(bytes);
  const kept = opcode === OP.INIT.opcode;
  if (kept) conn.init = bytes;
  const needs = conn.request(index, bytes);
  if (opcode === OP.FORGET.opcode) conn.forget(bytes);
  return { index, opcode, needs, kept };
}

/** Writes the capture with only the requests of `left`, by index, and the replies to them. */
export function cutCapture(path: string, to: string, left: ReadonlySet<number>): void {
  const reader = CaptureReader.open(path);
  try {
    const writer = CaptureWriter.create(to, reader.begin, { force: true });
    const counts = { requests: 0, replies: 0 };
    const gone = new Set<string>();
    let index = 0;
    for (const event of reader.events()) {
      if (!isEmitted(event)) continue;
      if (event.kind === 'request') {
        if (!left.has(++index)) {
          gone.add(keyOf(event.conn, uniqueOf(event.bytes)));
          continue;
        }
        gone.delete(keyOf(event.conn, uniqueOf(event.bytes)));
        counts.requests++;
      } else if (event.kind === 'reply') {
        if (isGone(event, gone)) continue;
        counts.replies++;
      }
      writer.write(event);
    }
    writer.close({ kind: 'end', t: 0, reason: 'recovered', ...counts });
  } finally {
    reader.close();
  }
}

const keyOf = (conn: number, unique: bigint): string => `${conn}/${unique}`;

function isGone(event: SessionEvent & { kind: 'reply' }, gone: ReadonlySet<string>): boolean {
  const unique = repliedTo(event.bytes);
  return unique !== undefined && gone.has(keyOf(event.conn, BigInt(unique)));
}
