/**
 * A capture without what is private: as long, of the same structure, and it still replays. What it does
 * not hide: sizes, times, counts, ids of users and processes, where contents are zero.
 */
import { CaptureReader } from '../../recorder/capture/reader.ts';
import { CaptureWriter } from '../../recorder/capture/writer.ts';
import type { BeginEvent } from '../events.ts';
import { ProtocolError } from '../protocol/cursor.ts';
import { Request } from '../protocol/message.ts';
import { Contents } from './contents.ts';
import { redactFixture } from './fixture.ts';
import { Host } from './host.ts';
import { Messages } from './messages.ts';
import { Names } from './names.ts';

export interface RedactOptions {
  /** Only what tells of the machine: names and contents of the traffic and the fixture are kept. */
  hostOnly?: boolean;
  force?: boolean;
}

export interface Redacted {
  begin: BeginEvent;
  /** Where the server mounted first, as the redacted capture says. */
  mountpoint: string | undefined;
  requests: number;
  /** Different names that have a stand-in. */
  names: number;
  /** Messages that did not decode: only their fixed fields were kept. */
  blanked: number;
  /** Variables of the environment that were left out. */
  variables: number;
}

const COPIES: ReadonlySet<string> = new Set(['COPY_FILE_RANGE', 'COPY_FILE_RANGE_64']);

/** Whether the server is asked to move bytes to another place of a file than they had. */
function movesBytes(bytes: Uint8Array): boolean {
  try {
    const request = new Request(bytes);
    return COPIES.has(request.name) && request.args.off_in !== request.args.off_out;
  } catch (error) {
    if (error instanceof ProtocolError) return false;
    throw error;
  }
}

/** What has to be known of a capture before its first event is written. */
function survey(reader: CaptureReader): { mountpoint: string | undefined; moves: boolean } {
  const found = { mountpoint: reader.begin.mountpoint, moves: false };
  for (const event of reader.events(true)) {
    if (event.kind === 'mount' && event.result === 0 && event.target !== '') {
      found.mountpoint ??= event.target;
    }
    if (event.kind === 'request') found.moves ||= movesBytes(event.bytes);
  }
  return found;
}

function* piecesOf(reader: CaptureReader): Generator<Uint8Array> {
  for (const event of reader.events()) {
    if (event.kind === 'fixture') yield event.bytes;
    else if (event.kind !== 'begin') return;
  }
}

/** Writes `path` without what is private to `out`. Throws CaptureError, FixtureError. */
export async function redact(
  path: string,
  out: string,
  options: RedactOptions = {},
): Promise<Redacted> {
  const reader = CaptureReader.open(path);
  try {
    const names = new Names();
    const { mountpoint, moves } = survey(reader);
    const host = new Host(names, reader.begin, mountpoint);
    const begin = host.begin();
    const writer = CaptureWriter.create(out, begin, { force: options.force === true });
    try {
      const contents = new Contents(moves);
      const messages = options.hostOnly ? undefined : new Messages(names, contents);
      if (messages !== undefined) {
        const emit = (bytes: Uint8Array) => writer.write({ kind: 'fixture', t: 0, bytes });
        await redactFixture(piecesOf(reader), names, contents, emit);
      }
      const requests = copy(reader, writer, host, messages);
      return {
        begin,
        mountpoint: mountpoint === undefined ? undefined : host.text(mountpoint),
        requests,
        names: names.size,
        blanked: messages?.blanked ?? 0,
        variables: reader.begin.server.env.length - begin.server.env.length,
      };
    } catch (error) {
      writer.discard();
      throw error;
    }
  } finally {
    reader.close();
  }
}

/** Everything behind the beginning and a fixture that was replaced. Returns how many requests. */
function copy(
  reader: CaptureReader,
  writer: CaptureWriter,
  host: Host,
  messages: Messages | undefined,
): number {
  let requests = 0;
  for (const event of reader.events()) {
    if (event.kind === 'request') requests++;
    if (event.kind === 'begin' || (event.kind === 'fixture' && messages !== undefined)) continue;
    if (event.kind === 'end') writer.close(event);
    else if (event.kind === 'request') writer.write(messages?.request(event) ?? event);
    else if (event.kind === 'reply') writer.write(messages?.reply(event) ?? event);
    else writer.write(host.event(event));
  }
  return requests;
}
