/**
 * One line for a request, a reply or a notification, in strace's manner and from the rows alone:
 * `READ node=5 fh=0x3 offset=4096 size=4096 flags=O_RDONLY|O_LARGEFILE`, `= 4096 "\x7fELF"...`,
 * `= -ENOENT`. Malformed messages are shown too, with what is wrong with them.
 */
import { ProtocolError } from './cursor.ts';
import { decodeDirents } from './dirents.ts';
import { errnoName } from './errno.ts';
import { decodeExtensions, type Extension } from './extensions.ts';
import { errorOf } from './header.ts';
import type { Reply, Request } from './message.ts';
import { decodeNotification, notifyName } from './notify.ts';
import type { DataPart, Part } from './op-spec.ts';
import type { Args } from './parts.ts';
import { formatFields, quoteBytes, quoteName, type ViewOptions } from './view.ts';

const DATA_LIMIT = 32;

/** NUL-terminated strings one after the other (LISTXATTR). */
function nameList(bytes: Uint8Array): string {
  const names: string[] = [];
  let start = 0;
  while (start < bytes.length) {
    const nul = bytes.indexOf(0, start);
    const end = nul < 0 ? bytes.length : nul;
    names.push(quoteName(bytes.subarray(start, end)));
    start = end + 1;
  }
  return `[${names.join(' ')}]`;
}

function formatDirents(bytes: Uint8Array, plus: boolean): string {
  const dirents = decodeDirents(bytes, plus).map(({ name, entry }) => {
    const node = entry === undefined || entry.nodeid === 0n ? '' : `:${entry.nodeid}`;
    return `${quoteName(name)}${node}`;
  });
  return `[${dirents.join(' ')}]`;
}

function formatData(part: DataPart, bytes: Uint8Array, options: ViewOptions): string {
  switch (part.view) {
    case 'text':
      return quoteName(bytes);
    case 'names':
      return nameList(bytes);
    case 'dirents':
      return formatDirents(bytes, false);
    case 'direntplus':
      return formatDirents(bytes, true);
    default:
      return quoteBytes(bytes, options.data ?? DATA_LIMIT);
  }
}

function formatExtension(extension: Extension): string {
  if (extension.kind === 'groups') return `groups=[${extension.groups.join(' ')}]`;
  if (extension.kind === 'unknown') return `ext${extension.type}=${quoteBytes(extension.body)}`;
  const contexts = extension.contexts.map(
    ({ name, value }) => `${quoteName(name)}:${quoteBytes(value)}`,
  );
  return `secctx=[${contexts.join(' ')}]`;
}

/** A part as words; `bare` leaves out the label of data (a READ's reply is nothing else). */
function formatPart(part: Part, args: Args, options: ViewOptions, bare: boolean): string[] {
  switch (part.part) {
    case 'struct':
    case 'prefix':
      return formatFields(part.layout, args, options);
    case 'name':
      return [`${part.as}=${quoteName(args[part.as] as Uint8Array)}`];
    case 'array': {
      const list = (args[part.as] as Args[]).map(
        (one) => `{${formatFields(part.layout, one, options).join(' ')}}`,
      );
      return [`${part.as}=[${list.join(' ')}]`];
    }
    case 'data': {
      const text = formatData(part, args[part.as] as Uint8Array, options);
      return [bare ? text : `${part.as}=${text}`];
    }
    default: {
      const blob = args.ext as Uint8Array;
      return decodeExtensions(blob).map(formatExtension);
    }
  }
}

function formatParts(parts: readonly Part[], args: Args, options: ViewOptions): string[] {
  const bare = parts.length === 1;
  return parts.flatMap((part) => formatPart(part, args, options, bare));
}

/** `head` and the words that `words` gives, or what ProtocolError it meets. */
function line(head: string, words: () => string[]): string {
  try {
    return [head, ...words()].join(' ');
  } catch (error) {
    if (error instanceof ProtocolError) return `${head} malformed: ${error.message}`;
    throw error;
  }
}

/** A request: name, node, then what its body says. */
export function formatRequest(request: Request, options: ViewOptions = {}): string {
  const head = request.nodeid === 0n ? request.name : `${request.name} node=${request.nodeid}`;
  return line(head, () =>
    formatParts(
      request.places.map(({ part }) => part),
      request.args,
      options,
    ),
  );
}

/** A reply: `= ` and the body's length in bytes or the error, then what the body says. */
export function formatReply(reply: Reply, options: ViewOptions = {}): string {
  const { error } = reply;
  const result = error === 0 ? `= ${reply.body.length}` : formatError(error);
  return line(result, () =>
    formatParts(
      reply.places.map(({ part }) => part),
      reply.args,
      options,
    ),
  );
}

/** `= -ENOENT`; an error no kernel takes is shown as the number it is. */
function formatError(error: number): string {
  return error < 0 ? `= -${errnoName(error)}` : `= ${error}?`;
}

/** A notification's whole message: `NOTIFY_INVAL_ENTRY parent=1 namelen=1 name="x"`. */
export function formatNotification(message: Uint8Array, options: ViewOptions = {}): string {
  const code = message.length < 8 ? '' : `_${notifyName(errorOf(message))}`;
  return line(`NOTIFY${code}`, () => {
    const { spec, args } = decodeNotification(message);
    return spec?.ignoresBody ? [] : formatParts(spec?.parts ?? [], args, options);
  });
}
