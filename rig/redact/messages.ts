/**
 * Requests, replies and notifications: as long as they were and with the same numbers; names and
 * contents replaced. Of what does not decode nothing is kept that could hold either.
 */
import type { ReplyEvent, RequestEvent } from '../events.ts';
import { IN_HEADER_SIZE, OUT_HEADER_SIZE } from '../protocol/constants.ts';
import { ProtocolError } from '../protocol/cursor.ts';
import { direntRecords } from '../protocol/dirents.ts';
import { decodeExtensions } from '../protocol/extensions.ts';
import type { Reply, Request } from '../protocol/message.ts';
import { decodeNotification, notifyPlaces } from '../protocol/notify.ts';
import type { DataPart, Part } from '../protocol/op-spec.ts';
import { type Args, type Place, structSize } from '../protocol/parts.ts';
import { Exchanges } from '../report/exchanges.ts';
import type { Contents } from './contents.ts';
import type { Names } from './names.ts';

const OPAQUE = 0x78;

export class Messages {
  readonly #names: Names;
  readonly #contents: Contents;
  readonly #exchanges = new Exchanges();
  /** Messages that did not decode, of which only the fixed fields were kept. */
  blanked = 0;

  constructor(names: Names, contents: Contents) {
    this.#names = names;
    this.#contents = contents;
  }

  request(event: RequestEvent): RequestEvent {
    const { message } = this.#exchanges.ask(event).asked;
    const bytes = Uint8Array.from(event.bytes);
    if (message instanceof ProtocolError)
      return { ...event, bytes: this.#blank(bytes, IN_HEADER_SIZE) };
    const kept = IN_HEADER_SIZE + fixedBytes(message.op?.request ?? [], message);
    this.#guarded(bytes, kept, () => this.#requestParts(bytes, message));
    return { ...event, bytes };
  }

  reply(event: ReplyEvent): ReplyEvent {
    const answered = this.#exchanges.answer(event);
    const bytes = Uint8Array.from(event.bytes);
    const to = { ...event, bytes };
    if (answered.as === 'stray') this.#blank(bytes, OUT_HEADER_SIZE);
    else if (answered.as === 'notification') this.#notification(bytes);
    else {
      const { asked, message: reply } = answered;
      const request = asked.message;
      const parts = request instanceof ProtocolError ? [] : request.replyParts;
      const kept =
        OUT_HEADER_SIZE + (request instanceof ProtocolError ? 0 : fixedBytes(parts, request));
      if (reply instanceof ProtocolError) this.#blank(bytes, kept);
      else this.#guarded(bytes, kept, () => this.#replyParts(bytes, reply));
    }
    return to;
  }

  /** `act`, and where the message turns out not to decode, nothing of its variable part. */
  #guarded(bytes: Uint8Array, kept: number, act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#blank(bytes, kept);
    }
  }

  #blank(bytes: Uint8Array, kept: number): Uint8Array {
    if (bytes.length > kept) {
      bytes.fill(OPAQUE, kept);
      this.blanked++;
    }
    return bytes;
  }

  #requestParts(bytes: Uint8Array, request: Request): void {
    const { args, places, op } = request;
    const isXattr = /XATTR$/.test(op?.name ?? '');
    for (const place of places) {
      const at = of(bytes, place);
      if (place.part.part === 'name') {
        if (isXattr) at.set(this.#names.xattr(at));
        else if (place.part.as === 'target') at.set(this.#names.path(at));
        else at.set(this.#names.file(at));
      } else if (place.part.part === 'ext') checkExtensions(at);
      else if (place.part.part === 'data') {
        if (isXattr) at.set(this.#names.value(args.name as Uint8Array, at));
        else this.#data(at, args);
      }
    }
  }

  #replyParts(bytes: Uint8Array, reply: Reply): void {
    const { request } = reply;
    for (const place of reply.places) {
      if (place.part.part !== 'data') continue;
      const at = of(bytes, place);
      const { view } = place.part as DataPart;
      if (view === 'dirents' || view === 'direntplus') this.#dirents(at, view === 'direntplus');
      else if (request.name === 'LISTXATTR') at.set(this.#names.xattrs(at));
      else if (request.name === 'GETXATTR') {
        at.set(this.#names.value(request.as('GETXATTR').name, at));
      } else if (request.name === 'READLINK') at.set(this.#names.path(at));
      else if (request.name === 'READ') this.#data(at, request.args);
      else at.fill(OPAQUE);
    }
  }

  #dirents(body: Uint8Array, plus: boolean): void {
    let end = 0;
    for (const { offset, size, nameOffset, nameSize } of direntRecords(body, plus)) {
      const name = body.subarray(nameOffset, nameOffset + nameSize);
      name.set(this.#names.file(name));
      // Servers need not clear what they pad with.
      body.fill(0, nameOffset + nameSize, offset + size);
      end = offset + size;
    }
    body.fill(0, end);
  }

  #notification(bytes: Uint8Array): void {
    this.#guarded(bytes, OUT_HEADER_SIZE, () => {
      const { args, spec } = decodeNotification(bytes);
      if (spec === undefined || spec.ignoresBody) this.#blank(bytes, OUT_HEADER_SIZE);
      // The values are views of the bytes.
      else {
        for (const place of notifyPlaces(bytes)) {
          const at = of(bytes, place);
          if (place.part.part === 'name') at.set(this.#names.file(at));
          else if (place.part.part === 'data') this.#data(at, args);
        }
      }
    });
  }

  /** Contents of a file, where the message says at which offset. */
  #data(bytes: Uint8Array, args: Args): void {
    const { offset } = args;
    if (typeof offset === 'bigint') this.#contents.replace(bytes, Number(offset));
    else bytes.fill(OPAQUE);
  }
}

const of = (bytes: Uint8Array, { offset, size }: Place): Uint8Array =>
  bytes.subarray(offset, offset + size);

/** Bytes of the structures that the parts begin with: numbers only. */
function fixedBytes(parts: readonly Part[], { negotiated }: Request): number {
  let size = 0;
  for (const part of parts) {
    if (part.part === 'struct') size += structSize(part, negotiated);
    else if (part.part === 'prefix') size += part.layout.size;
    else break;
  }
  return size;
}

/** Groups are numbers and security contexts are kept; of anything else nobody knows what it is. */
function checkExtensions(blob: Uint8Array): void {
  if (decodeExtensions(blob).some(({ kind }) => kind === 'unknown')) blob.fill(0);
}
