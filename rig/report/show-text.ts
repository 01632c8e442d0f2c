/**
 * A capture as lines like strace's, one a request, joined with its reply:
 *
 *     0.005000 1/1 #4 LOOKUP node=1 name="f" = -ENOENT <0.000123>
 *
 * time of the delivery in seconds, handle/connection, unique, operation and arguments, result, time
 * until the reply in seconds. A line appears when its reply does; what never got one comes last.
 * Events that are not messages have their name in small letters. Once a server has a ring, messages
 * have their place behind the connection, and the ring's commands are lines too:
 *
 *     0.006000 1/1 REGISTER ring=1 q=2 ent=5 headers=0x7f001000 payload=0x7f002000+135168 = held
 *     0.007000 1/1 q2/5  #6 LOOKUP node=1 name="f" = -ENOENT <0.000123>
 *     0.008000 1/1 dev   #8 FORGET node=5 nlookup=1
 *     0.009000 1/1 CQE COMMIT_AND_FETCH ring=1 q=2 ent=5 commit_id=0x6 = -ENOTCONN
 */
import type { BeginEvent, ReplyEvent, RequestEvent, SessionEvent } from '../events.ts';
import { ProtocolError } from '../protocol/cursor.ts';
import { errnoName } from '../protocol/errno.ts';
import { formatNotification, formatReply, formatRequest } from '../protocol/format.ts';
import { quoteBytes, quoteName } from '../protocol/view.ts';
import { type Asked, Exchanges } from './exchanges.ts';
import { injectedWords } from './injected-words.ts';
import { completionWords, placeWord, registerWords } from './ring-words.ts';
import { committed, type ShowOptions, wantsEvent, wantsRequest } from './show-filter.ts';

/** How messages are shown; `places`: with the place where they travelled. */
type Style = ShowOptions & { places: boolean };

type Plain = Exclude<SessionEvent, { kind: 'request' | 'reply' | 'begin' }>;

const DATA_LIMIT = 32;

function lineOf(event: Plain | BeginEvent, options: ShowOptions): string {
  if (event.kind === 'begin') return beginLine(event);
  if (event.kind === 'register') return `${where(event)} ${registerWords(event)}`;
  if (event.kind === 'completion') return `${where(event)} ${completionWords(event)}`;
  if (event.kind === 'injected') return `${where(event)} ${injectedWords(event)}`;
  return plainLine(event, options);
}

export function* showText(
  events: Iterable<SessionEvent>,
  options: ShowOptions,
): Generator<string, void, undefined> {
  const exchanges = new Exchanges();
  const style: Style = { ...options, places: false };
  for (const event of events) {
    style.places ||= event.kind === 'register' || (event.kind === 'request' && !!event.ring);
    if (event.kind === 'request') {
      const { asked, waits, before } = exchanges.ask(event);
      if (before !== undefined && wantsRequest(before, options)) {
        yield `${requestLine(before, style)} = ? (delivered again)`;
      }
      if (!waits && wantsRequest(asked, options)) yield requestLine(asked, style);
    } else if (event.kind === 'reply') {
      const line = replyLine(exchanges, event, style);
      if (line !== undefined) yield line;
    } else if (wantsEvent(event, options, committed(event))) {
      yield lineOf(event, options);
    }
  }
  for (const asked of exchanges.waiting()) {
    if (wantsRequest(asked, options)) yield `${requestLine(asked, style)} = ? (never answered)`;
  }
}

const seconds = (ns: number): string => (ns / 1e9).toFixed(6);

function where(event: { t: number; handle?: number; conn?: number }): string {
  const time = seconds(event.t).padStart(12);
  if (event.handle === undefined)
    return event.conn === undefined ? time : `${time} -/${event.conn}`;
  return `${time} ${event.handle}/${event.conn ?? '-'}`;
}

/** Where a message travelled, once there is a choice. */
function whereabouts(event: RequestEvent | ReplyEvent, { places }: Style): string {
  return places ? `${where(event)} ${placeWord(event.ring).padEnd(5)}` : where(event);
}

function requestLine({ event, message }: Asked, style: Style): string {
  if (message instanceof ProtocolError) {
    return `${whereabouts(event, style)} request malformed: ${message.message}: ${quote(event.bytes, style)}`;
  }
  return `${whereabouts(event, style)} #${message.unique} ${formatRequest(message, style)}`;
}

/** What a reply completes, or says by itself; undefined where it is not wanted. */
function replyLine(exchanges: Exchanges, event: ReplyEvent, style: Style): string | undefined {
  const answered = exchanges.answer(event);
  if (answered.as === 'notification') {
    if (!wantsEvent(event, style)) return undefined;
    return `${whereabouts(event, style)} ${formatNotification(event.bytes, style)}${refusal(event)}`;
  }
  if (answered.as === 'stray') {
    if (!wantsEvent(event, style, answered.unique)) return undefined;
    const unique = answered.unique === undefined ? '' : ` #${answered.unique}`;
    return `${whereabouts(event, style)}${unique} reply to no request: ${quote(event.bytes, style)}${refusal(event)}`;
  }
  const { asked, message } = answered;
  if (!wantsRequest(asked, style)) return undefined;
  const said =
    message instanceof ProtocolError
      ? `= malformed: ${message.message}: ${quote(event.bytes, style)}`
      : formatReply(message, style);
  const took = seconds(event.t - asked.event.t);
  return `${requestLine(asked, style)} ${said}${refusal(event)} <${took}>`;
}

/** What the write of a reply came to, where that is not its length. */
function refusal({ bytes, result }: ReplyEvent): string {
  if (result === bytes.length) return '';
  return ` (write ${result < 0 ? `-${errnoName(result)}` : result})`;
}

const quote = (bytes: Uint8Array, options: ShowOptions): string =>
  quoteBytes(bytes, options.data ?? DATA_LIMIT);

const text = (value: string): string => quoteName(Buffer.from(value));

function beginLine(event: BeginEvent): string {
  const { server } = event;
  const command = server.command.map(text).join(' ');
  const more = event.mountpoint === undefined ? '' : ` mountpoint=${text(event.mountpoint)}`;
  const cpus = event.cpus === undefined ? '' : ` cpus=${event.cpus}`;
  const by = `rig=${text(event.rig)} kernel=${text(event.kernel)} started=${text(event.started)}`;
  return `${where(event)} begin ${by}${cpus} cwd=${text(server.cwd)}${more} command=${command}`;
}

/** `close`, `exit pid=4242 main code=0`, `mount ... = -EPERM`: the fields in their order. */
function plainLine(event: Plain, options: ShowOptions): string {
  const { kind, t: _, ...fields } = event;
  const words: string[] = [];
  let result = '';
  for (const [name, value] of Object.entries(fields)) {
    if (name === 'handle' || name === 'conn' || value === null || value === false) continue;
    if (name === 'result') result = ` = ${value < 0 ? `-${errnoName(value)}` : value}`;
    else if (value instanceof Uint8Array) words.push(bytesWord(kind, value, options));
    else if (value === true) words.push(name);
    else words.push(`${name}=${typeof value === 'string' ? text(value) : value}`);
  }
  return [`${where(event)} ${kind}`, ...words].join(' ') + result;
}

function bytesWord(kind: Plain['kind'], bytes: Uint8Array, options: ShowOptions): string {
  if (kind === 'fixture') return `${bytes.length} bytes`;
  // What a server printed is short and is what one looks for.
  return quoteBytes(bytes, options.data ?? Number.POSITIVE_INFINITY);
}
