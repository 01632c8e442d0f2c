/**
 * A capture as JSON Lines: one object an event, in the capture's order, with the fields of
 * rig/events.ts and, in place of a message's bytes, what they say:
 *
 *     request   opcode unique nodeid uid gid pid args
 *     reply     opcode unique error args duration (ns since its request), or notify args
 *
 * Integers past 2^53 are strings. Names are text, escaped as in C where they are not plain; other
 * bytes are base64, or with a limit text cut to so many bytes. A message that does not parse has
 * `malformed` (why) and `bytes` (base64).
 */
import type { ReplyEvent, SessionEvent } from '../events.ts';
import { ProtocolError } from '../protocol/cursor.ts';
import { errorOf } from '../protocol/header.ts';
import { Request } from '../protocol/message.ts';
import { decodeNotification, notifyName } from '../protocol/notify.ts';
import type { Part } from '../protocol/op-spec.ts';
import type { Args } from '../protocol/parts.ts';
import { quoteBytes, quoteName } from '../protocol/view.ts';
import { type Answered, type Asked, Exchanges } from './exchanges.ts';
import { committed, type ShowOptions, wantsEvent, wantsRequest } from './show-filter.ts';

type Values = Record<string, unknown>;

export function* showJson(
  events: Iterable<SessionEvent>,
  options: ShowOptions,
): Generator<string, void, undefined> {
  const exchanges = new Exchanges();
  const line = (values: Values): string => JSON.stringify(plain(values, options));
  for (const event of events) {
    if (event.kind === 'request') {
      const { asked } = exchanges.ask(event);
      if (wantsRequest(asked, options)) yield line(requestValues(asked));
    } else if (event.kind === 'reply') {
      const answered = exchanges.answer(event);
      if (wantsAnswer(answered, options)) yield line(answerValues(answered));
    } else if (wantsEvent(event, options, committed(event))) yield line({ ...event });
  }
}

function wantsAnswer(answered: Answered, options: ShowOptions): boolean {
  if (answered.as === 'reply') return wantsRequest(answered.asked, options);
  return wantsEvent(answered.event, options, answered.as === 'stray' ? answered.unique : undefined);
}

const malformed = (error: ProtocolError, bytes: Uint8Array): Values => ({
  malformed: error.message,
  bytes: base64(bytes),
});

/** `values()`, or what is wrong with the message where they cannot be had. */
function decoded(bytes: Uint8Array, values: () => Values): Values {
  try {
    return values();
  } catch (error) {
    if (error instanceof ProtocolError) return malformed(error, bytes);
    throw error;
  }
}

function requestValues({ event, message }: Asked): Values {
  const { bytes, ...fields } = event;
  if (message instanceof ProtocolError) return { ...fields, ...malformed(message, bytes) };
  const { name: opcode, unique, nodeid, uid, gid, pid } = message;
  const head = { ...fields, opcode, unique, nodeid, uid, gid, pid };
  return { ...head, ...decoded(bytes, () => ({ args: argValues(message) })) };
}

function answerValues(answered: Answered): Values {
  const { bytes, ...fields }: ReplyEvent = answered.event;
  if (answered.as === 'notification') {
    const values = decoded(bytes, () => {
      const { spec, args } = decodeNotification(bytes);
      return { args: named(args, spec?.parts ?? []) };
    });
    return { ...fields, notify: notifyName(errorOf(bytes)), ...values };
  }
  if (answered.as === 'stray') {
    return { ...fields, unique: answered.unique, stray: true, bytes: base64(bytes) };
  }
  const { asked, message } = answered;
  const opcode = asked.message instanceof Request ? asked.message.name : undefined;
  const head = { ...fields, opcode, duration: fields.t - asked.event.t };
  if (message instanceof ProtocolError) return { ...head, ...malformed(message, bytes) };
  const { unique, error } = message;
  return { ...head, unique, error, ...decoded(bytes, () => ({ args: argValues(message) })) };
}

interface Decoded {
  args: Args;
  places: readonly { part: Part }[];
}

function argValues({ args, places }: Decoded): Values {
  return named(
    args,
    places.map(({ part }) => part),
  );
}

/** `args` with those that are names turned to text. */
function named(args: Args, parts: readonly Part[]): Values {
  const values: Values = { ...args };
  for (const part of parts) {
    if (part.part !== 'name' && !(part.part === 'data' && part.view === 'text')) continue;
    const bytes = values[part.as];
    if (bytes instanceof Uint8Array) values[part.as] = quoteName(bytes).slice(1, -1);
  }
  return values;
}

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');

/** A value as JSON can say it. */
function plain(value: unknown, options: ShowOptions): unknown {
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value.toString();
  }
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (value instanceof Uint8Array) {
    return options.data === undefined ? base64(value) : unquoted(value, options.data);
  }
  if (Array.isArray(value)) return value.map((one) => plain(one, options));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, plain(one, options)]),
  );
}

/** Escaped text without its quotes; `...` follows what was cut. */
const unquoted = (bytes: Uint8Array, limit: number): string =>
  quoteBytes(bytes, limit).replace(/^"|"(?=(\.\.\.)?$)/g, '');
