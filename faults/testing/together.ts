/** Makes a capture in which READs that came one after another are asked all at once. */
import { CaptureReader } from '../../recorder/capture/reader.ts';
import { CaptureWriter } from '../../recorder/capture/writer.ts';
import { type EmittedEvent, isEmitted } from '../../rig/events.ts';
import { opcodeOf } from '../../rig/protocol/header.ts';
import { OP } from '../../rig/protocol/opcodes.ts';

const isRead = (event: EmittedEvent): boolean =>
  event.kind === 'request' && opcodeOf(event.bytes) === OP.READ.opcode;

export function askTogether(from: string, to: string): void {
  const reader = CaptureReader.open(from);
  const events = [...reader.events()].filter(isEmitted);
  const { begin } = reader;
  reader.close();
  const writer = CaptureWriter.create(to, begin, { force: true });
  let replies: EmittedEvent[] = [];
  let reads = 0;
  for (const event of events) {
    const next = isRead(event);
    // A READ is followed by its reply, which waits for the READs behind it.
    if (next || (event.kind === 'reply' && replies.length < reads)) {
      if (next) {
        reads++;
        writer.write(event);
      } else replies.push(event);
      continue;
    }
    for (const reply of replies) writer.write(reply);
    replies = [];
    reads = 0;
    writer.write(event);
  }
  writer.close({ kind: 'end', t: 0, reason: 'server-exit', requests: 0, replies: 0 });
}
