/**
 * Makes a capture of a file that was never closed, or is damaged: everything up to the first frame
 * that is not whole, then an `end` event with reason `recovered`. What lies behind a damaged frame is
 * not searched for: a stream with a hole in it would replay as something that never happened.
 */
import { rmSync } from 'node:fs';
import type { BeginEvent, EndEvent, SessionEvent } from '../../rig/events.ts';
import { CaptureError } from './error.ts';
import { CaptureReader } from './reader.ts';
import { CaptureWriter } from './writer.ts';

export interface Recovered {
  /** Frames and bytes taken over. */
  frames: number;
  bytes: number;
  /** Bytes left behind; frames cannot be counted in them. */
  bytesDropped: number;
  /** What ended the reading; undefined where the file ended with a whole frame. */
  cause: CaptureError | undefined;
  /** The capture was complete: its own end event was taken over. */
  complete: boolean;
}

type Middle = Exclude<SessionEvent, BeginEvent | EndEvent>;

/** Counts what the `end` event says. */
class Tally {
  #t = 0;
  #requests = 0;
  #replies = 0;

  add(event: Middle): void {
    if (event.t > this.#t) this.#t = event.t;
    if (event.kind === 'request') ++this.#requests;
    if (event.kind === 'reply') ++this.#replies;
  }

  end(): EndEvent {
    const [t, requests, replies] = [this.#t, this.#requests, this.#replies];
    return { kind: 'end', t, reason: 'recovered', requests, replies };
  }
}

/**
 * Writes what is whole in `partialPath` to `outPath`, which must not exist; `partialPath` is left as
 * it is. Throws a CaptureError if not even the first frame is whole, or the result cannot be written.
 */
export function recover(partialPath: string, outPath: string): Recovered {
  const reader = CaptureReader.open(partialPath, { partial: true });
  try {
    // A name of its own: FILE.partial is usually what is read.
    const partial = `${outPath}.recovered.partial`;
    const writer = CaptureWriter.create(outPath, reader.begin, { partial });
    try {
      return copy(reader, writer);
    } catch (error) {
      writer.abandon();
      rmSync(partial, { force: true });
      if (!(error instanceof CaptureError && error.code === 'disk-full')) throw error;
      const message = `${outPath}: the disk is full; ${partialPath} is as it was: name a file on another`;
      throw new CaptureError('disk-full', message, { path: outPath });
    }
  } finally {
    reader.close();
  }
}

function copy(reader: CaptureReader, writer: CaptureWriter): Recovered {
  const tally = new Tally();
  let frames = 0;
  let bytes = 0;
  let end: EndEvent | undefined;
  let cause: CaptureError | undefined;
  const source = reader.frames();
  for (;;) {
    const step = next(source);
    if (step instanceof CaptureError) cause = step;
    if (step instanceof CaptureError || step.done) break;
    const { event, next: behind } = step.value;
    if (event.kind === 'end') end = event;
    else if (event.kind !== 'begin') {
      writer.write(event);
      tally.add(event);
    }
    ++frames;
    bytes = behind;
  }
  writer.close(end ?? tally.end());
  const complete = end !== undefined;
  return { frames, bytes, bytesDropped: reader.size - bytes, cause, complete };
}

/** One step of the reader; a bad frame is a result here, an error of the writer is not. */
function next<T>(source: Iterator<T, void, undefined>): IteratorResult<T, void> | CaptureError {
  try {
    return source.next();
  } catch (error) {
    if (error instanceof CaptureError && error.code !== 'unreadable') return error;
    throw error;
  }
}
