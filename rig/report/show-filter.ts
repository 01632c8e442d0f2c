/** Which events of a capture are shown, and how much of them. */
import type { SessionEvent } from '../events.ts';
import { Request } from '../protocol/message.ts';
import type { Asked } from './exchanges.ts';

export interface ShowOptions {
  /** JSON Lines instead of text. */
  json?: boolean;
  /** Only requests with these opcodes, and their replies. */
  opcodes?: ReadonlySet<number>;
  /** Only requests on this node, and their replies. */
  nodeid?: bigint;
  /** Only the request with this unique, and its reply. */
  unique?: bigint;
  /** Only what happened (was asked, for a reply) at this time or later; nanoseconds. */
  from?: number;
  /** Only what happened before this time; nanoseconds. */
  to?: number;
  /** Most bytes of data shown; text: 32, JSON: everything as base64. */
  data?: number;
  /** Show timestamps and cache timeouts in attributes (text only). */
  times?: boolean;
}

/** True if the options choose messages; all other events are then left out. */
const choosy = (options: ShowOptions): boolean =>
  options.opcodes !== undefined || options.nodeid !== undefined || options.unique !== undefined;

function inTime(t: number, options: ShowOptions): boolean {
  return t >= (options.from ?? 0) && t < (options.to ?? Number.POSITIVE_INFINITY);
}

/** Whether a request, and with it its reply, is shown. */
export function wantsRequest({ event, message }: Asked, options: ShowOptions): boolean {
  if (!inTime(event.t, options)) return false;
  if (!choosy(options)) return true;
  if (!(message instanceof Request)) return false;
  const { opcodes, nodeid, unique } = options;
  return (
    (opcodes === undefined || opcodes.has(message.opcode)) &&
    (nodeid === undefined || nodeid === message.nodeid) &&
    (unique === undefined || unique === message.unique)
  );
}

/** The unique that an event which is no message speaks of: a COMMIT's, or that of a fault's request. */
export function committed(event: SessionEvent): bigint | undefined {
  if (event.kind !== 'completion' && event.kind !== 'injected') return undefined;
  const unique = event.kind === 'completion' ? event.commitId : event.unique;
  return unique === '' ? undefined : BigInt(`0x${unique}`);
}

/** A fault is shown unless it is about another message: what was injected is never hidden. */
function wantsFault(opcode: number, unique: bigint | undefined, options: ShowOptions): boolean {
  const otherKind = opcode !== 0 && options.opcodes !== undefined && !options.opcodes.has(opcode);
  const other = options.unique !== undefined && unique !== undefined && unique !== options.unique;
  return !otherKind && !other;
}

/** Whether an event that belongs to no request is shown; `unique` where it speaks of one. */
export function wantsEvent(event: SessionEvent, options: ShowOptions, unique?: bigint): boolean {
  if (!inTime(event.t, options)) return false;
  if (!choosy(options)) return true;
  if (event.kind === 'injected') return wantsFault(event.opcode, unique, options);
  const { opcodes, nodeid } = options;
  const byUnique = opcodes === undefined && nodeid === undefined;
  return byUnique && unique !== undefined && unique === options.unique;
}
