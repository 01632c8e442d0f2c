/**
 * A request and a reply: raw bytes, decoded on demand by the opcode's row. Decoded names and data
 * are views of the bytes. Every misfit is a ProtocolError, thrown by the constructor for the header
 * and by `args` for the body.
 */
import { IN_HEADER_SIZE, OUT_HEADER_SIZE } from './constants.ts';
import { ProtocolError, readU32 } from './cursor.ts';
import * as header from './header.ts';
import { BEFORE_INIT, type Negotiated } from './negotiated.ts';
import { data, EXT, type OpSpec, type Part } from './op-spec.ts';
import { OP, type OpName, opName, opOf, type ReplyArgs, type RequestArgs } from './opcodes.ts';
import {
  type Args,
  bitSet,
  decodePlaces,
  headLayout,
  locate,
  type Place,
  structSize,
} from './parts.ts';
import { placesOfOne } from './places.ts';
import { IN_HEADER, OUT_HEADER } from './structs-common.ts';

/** How an opcode without a row is read: anything. */
const UNKNOWN: readonly Part[] = [data('data'), EXT];

/** Body sizes that the kernel takes for a success, bytes. */
export interface BodyLimits {
  readonly min: number;
  readonly max: number;
}

function misused(wanted: OpName, got: string): never {
  throw new Error(`${wanted} was asked of a ${got}`);
}

/** One u32 of the structure that the body of a request starts with. */
function headField(op: OpSpec | undefined, bytes: Uint8Array, name: string): number {
  const offset = headLayout(op?.request ?? [])?.at[name];
  if (offset === undefined) throw new Error(`${op?.name ?? 'the request'} has no ${name}`);
  return readU32(bytes, IN_HEADER_SIZE + offset);
}

/** The same as the request's `replyLimits`, for those who have the bytes and need nothing else. */
export function replyLimits(
  op: OpSpec | undefined,
  bytes: Uint8Array,
  negotiated: Negotiated,
): BodyLimits | undefined {
  let reply = op?.reply;
  if (reply === undefined || reply.kind === 'none') return undefined;
  if (reply.kind === 'optional') return { min: 0, max: 0 };
  if (reply.kind === 'either') {
    reply = headField(op, bytes, reply.field) === 0 ? reply.zero : reply.other;
  }
  let min = 0;
  for (const part of reply.parts) {
    if (part.part === 'struct') min += structSize(part, negotiated);
  }
  if (reply.kind === 'fixed') return { min, max: min };
  const bound = reply.max;
  if (typeof bound === 'number') return { min, max: min + bound };
  return { min, max: min + Math.max(bound.atLeast ?? 0, headField(op, bytes, bound.field)) };
}

/** A request as delivered: fuse_in_header and everything after it. */
export class Request {
  readonly bytes: Uint8Array;
  readonly negotiated: Negotiated;
  /** The opcode's row; undefined when the protocol has none. */
  readonly op: OpSpec | undefined;
  #places: readonly Place[] | undefined;
  #args: Args | undefined;

  constructor(bytes: Uint8Array, negotiated: Negotiated = BEFORE_INIT) {
    header.checkHeader(bytes, IN_HEADER);
    this.bytes = bytes;
    this.negotiated = negotiated;
    this.op = opOf(header.opcodeOf(bytes));
  }

  get opcode(): number {
    return header.opcodeOf(this.bytes);
  }
  /** `READ`; `OP_99` without a row. */
  get name(): string {
    return opName(this.opcode);
  }
  get unique(): bigint {
    return header.uniqueOf(this.bytes);
  }
  get nodeid(): bigint {
    return header.nodeidOf(this.bytes);
  }
  get uid(): number {
    return header.uidOf(this.bytes);
  }
  get gid(): number {
    return header.gidOf(this.bytes);
  }
  get pid(): number {
    return header.pidOf(this.bytes);
  }
  /** Everything after the header. */
  get body(): Uint8Array {
    return this.bytes.subarray(IN_HEADER_SIZE);
  }

  /** Where the row's parts lie in `bytes`. */
  get places(): readonly Place[] {
    this.#places ??= this.#locate();
    return this.#places;
  }

  #locate(): readonly Place[] {
    const { bytes, negotiated } = this;
    const extBytes = header.extBytesOf(bytes);
    const parts = this.op?.request ?? UNKNOWN;
    const size = bytes.length - IN_HEADER_SIZE;
    const one = extBytes > 0 ? undefined : placesOfOne(parts, IN_HEADER_SIZE, size, negotiated);
    return one ?? locate(parts, bytes, IN_HEADER_SIZE, { what: this.name, negotiated, extBytes });
  }

  /** The decoded body, flat, with the names the row and its structures give. */
  get args(): Args {
    this.#args ??= decodePlaces(this.bytes, this.places);
    return this.#args;
  }

  /** `args` with the types of one operation, which this request must be. */
  as<N extends OpName>(name: N): RequestArgs<N> {
    if (this.op !== OP[name]) misused(name, this.name);
    return this.args as RequestArgs<N>;
  }

  /** One u32 of the structure the body starts with, without decoding the rest. */
  field(name: string): number {
    return headField(this.op, this.bytes, name);
  }

  #is(mark: OpSpec['background']): boolean {
    if (mark === undefined || mark === true) return mark === true;
    const layout = headLayout(this.op?.request ?? []);
    return layout !== undefined && bitSet(layout, this.bytes, IN_HEADER_SIZE, mark);
  }

  /** Goes through the background queue, as far as the message itself tells (no readahead). */
  get background(): boolean {
    return this.#is(this.op?.background);
  }
  /** FR_FORCE. */
  get force(): boolean {
    return this.#is(this.op?.force);
  }
  /** The kernel takes no reply at all. */
  get noReply(): boolean {
    return this.op?.reply.kind === 'none';
  }

  /** The parts of a successful reply. */
  get replyParts(): readonly Part[] {
    const reply = this.op?.reply;
    switch (reply?.kind) {
      case undefined:
        return UNKNOWN;
      case 'fixed':
      case 'variable':
        return reply.parts;
      case 'either':
        return this.field(reply.field) === 0 ? reply.zero.parts : reply.other.parts;
      default:
        return [];
    }
  }

  /** What a successful reply's body may measure; undefined where no reply is taken. */
  get replyLimits(): BodyLimits | undefined {
    return replyLimits(this.op, this.bytes, this.negotiated);
  }
}

/** A reply as written: fuse_out_header and everything after it. */
export class Reply {
  readonly bytes: Uint8Array;
  readonly request: Request;
  #places: readonly Place[] | undefined;
  #args: Args | undefined;

  constructor(bytes: Uint8Array, request: Request) {
    header.checkHeader(bytes, OUT_HEADER);
    this.bytes = bytes;
    this.request = request;
  }

  /** 0 or a negative errno; not checked here, servers write anything. */
  get error(): number {
    return header.errorOf(this.bytes);
  }
  get unique(): bigint {
    return header.uniqueOf(this.bytes);
  }
  /** Everything after the header. */
  get body(): Uint8Array {
    return this.bytes.subarray(OUT_HEADER_SIZE);
  }

  get places(): readonly Place[] {
    this.#places ??= this.#locate();
    return this.#places;
  }

  #locate(): readonly Place[] {
    const { request, bytes } = this;
    const { negotiated, name: what } = request;
    const size = bytes.length - OUT_HEADER_SIZE;
    const max = this.error === 0 ? request.replyLimits?.max : 0;
    const parts = this.error === 0 ? request.replyParts : [];
    if (max !== undefined && size > max) {
      const place = { struct: what, field: 'reply', offset: OUT_HEADER_SIZE };
      const problem = `${size} bytes of body where at most ${max} are taken`;
      throw new ProtocolError({ ...place, needed: size, available: max }, problem);
    }
    const one = placesOfOne(parts, OUT_HEADER_SIZE, size, negotiated);
    return one ?? locate(parts, bytes, OUT_HEADER_SIZE, { what, negotiated, extBytes: 0 });
  }

  /** The decoded body, flat; empty for an error. */
  get args(): Args {
    this.#args ??= decodePlaces(this.bytes, this.places);
    return this.#args;
  }

  /** `args` with the types of one operation, which the request must be; the reply a success. */
  as<N extends OpName>(name: N): ReplyArgs<N> {
    if (this.request.op !== OP[name]) misused(name, `reply to ${this.request.name}`);
    if (this.error !== 0) misused(name, `reply with error ${this.error}`);
    return this.args as ReplyArgs<N>;
  }
}
