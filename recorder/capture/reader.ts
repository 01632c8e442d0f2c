/**
 * Reads a capture: its events one at a time in file order, or one by the offset of its frame. Memory
 * is one window and one event, however long the file is. Every frame's checksum, number and fields
 * are verified as it is read; the first that is wrong ends the reading with a CaptureError.
 */
import { closeSync, constants, existsSync, fstatSync, openSync } from 'node:fs';
import { native } from '../../native/load.ts';
import type { BeginEvent, SessionEvent } from '../../rig/events.ts';
import { CaptureError, type CaptureErrorCode, incomplete, notACapture, onDisk } from './error.ts';
import {
  decodeBody,
  decodeHeader,
  decodeVersions,
  FORMAT_VERSION,
  HEADER_BYTES,
  MAGIC,
} from './frame.ts';
import { newRaw, type Raw } from './raw.ts';
import { ReadWindow } from './window.ts';

const WINDOW_BYTES = 1024 * 1024;
/** For single frames: most are small, and one read gets header and body. */
const SINGLE_BYTES = 8 * 1024;

/** A `.partial` file: still being written, or its recorder was killed. */
export const PARTIAL = '.partial';

export interface ReadOptions {
  /**
   * Accept a capture that was never closed: reading ends without an error where the file ends with
   * a whole frame. A torn last frame is `truncated` all the same.
   */
  partial?: boolean;
}

/** One event and where its frame lies. */
export interface Frame {
  event: SessionEvent;
  /** Byte offset of the frame: what `readAt` takes. */
  offset: number;
  /** Byte offset behind the frame. */
  next: number;
  /** From 0, `begin`. */
  number: number;
}

/**
 * Where the frames of a capture begin and what they hold, by frame number: what a replayer keeps
 * instead of the bytes. Two arrays of plain values take 16 bytes a frame, objects would take 70.
 */
export interface CaptureIndex {
  readonly offsets: readonly number[];
  readonly kinds: readonly SessionEvent['kind'][];
}

export class CaptureReader {
  readonly path: string;
  readonly begin: BeginEvent;
  /** Format version of the file; a frame of a later one is damage. */
  readonly format: number;
  /** Bytes in the file when it was opened; later growth is not looked at. */
  readonly size: number;
  readonly #fd: number;
  readonly #partial: boolean;
  readonly #single: ReadWindow;
  #closed = false;

  /** Opens a capture and verifies its first frame. */
  static open(path: string, options: ReadOptions = {}): CaptureReader {
    if (!existsSync(path) && existsSync(path + PARTIAL)) throw incomplete(path, path + PARTIAL);
    // Without O_NONBLOCK, opening a FIFO waits for a writer.
    const flags = constants.O_RDONLY | constants.O_NONBLOCK;
    const fd = onDisk('read', path, () => openSync(path, flags));
    try {
      return new CaptureReader(fd, path, options.partial ?? false);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  private constructor(fd: number, path: string, partial: boolean) {
    const stat = onDisk('read', path, () => fstatSync(fd));
    if (!stat.isFile()) {
      const message = `${path}: not a file; name a capture that fuse-rig record wrote`;
      throw new CaptureError('not-a-capture', message, { path });
    }
    this.#fd = fd;
    this.#partial = partial;
    this.path = path;
    this.size = stat.size;
    this.#single = new ReadWindow(fd, path, SINGLE_BYTES);
    this.format = this.#version();
    this.begin = this.#begin();
    // Said last: of something else that happens to be called .partial, `incomplete` would be wrong.
    if (path.endsWith(PARTIAL) && !partial) throw incomplete(path, path);
  }

  /** Every event. `borrow`: its bytes are the window's, valid until the next one is asked for. */
  *events(borrow = false): Generator<SessionEvent, void, undefined> {
    for (const raw of this.#walk(borrow)) yield this.#event(raw, borrow);
  }

  /** Every event with its frame's place. */
  *frames(): Generator<Frame, void, undefined> {
    for (const raw of this.#walk()) {
      yield { event: this.#event(raw), offset: raw.offset, next: raw.next, number: raw.number };
    }
  }

  /** Where all frames are, from one pass over the whole file that verifies every checksum. */
  index(): CaptureIndex {
    const offsets: number[] = [];
    const kinds: SessionEvent['kind'][] = [];
    for (const raw of this.#walk()) {
      offsets.push(raw.offset);
      kinds.push(raw.kind);
    }
    return { offsets, kinds };
  }

  /** The event whose frame begins at byte `offset`, which an index or `frames` gave. */
  readAt(offset: number): SessionEvent {
    return this.#event(this.#frameAt(newRaw(), this.#single, offset));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#fd);
  }

  /**
   * Every frame, one after the other in the same object. `lends`: a frame's bytes are valid until the
   * next one is asked for.
   */
  *#walk(lends = false): Generator<Raw, void, undefined> {
    const raw = newRaw();
    const size = Math.min(WINDOW_BYTES, this.size);
    const window = new ReadWindow(this.#fd, this.path, size, native.soundFrames, lends);
    let offset = 0;
    let ended = false;
    for (let number = 0; offset < this.size; ++number) {
      if (ended) throw this.#error('damaged', offset, number, 'more follows the end event');
      this.#frameAt(raw, window, offset, number);
      if ((raw.kind === 'begin') !== (number === 0)) {
        throw this.#error('damaged', offset, number, `a ${raw.kind} event is out of place`);
      }
      yield raw;
      ended = raw.kind === 'end';
      offset = raw.next;
    }
    if (!ended && !this.#partial) {
      throw this.#error('truncated', offset, undefined, 'the file ends without an end event');
    }
  }

  #event(raw: Raw, borrow = false): SessionEvent {
    const { kind, type, frames, from, end } = raw;
    const event = decodeBody(kind, type, frames, from, end, raw.owned || borrow);
    if (typeof event === 'string') throw this.#error('damaged', raw.offset, raw.number, event);
    return event;
  }

  /** Fills `raw`. `number` is what the frame must carry, where it is known. */
  #frameAt(raw: Raw, window: ReadWindow, offset: number, number?: number): Raw {
    if (this.#closed) throw new CaptureError('closed', `${this.path}: the reader is closed`);
    const left = this.size - offset;
    if (!(Number.isSafeInteger(offset) && offset >= 0 && left >= HEADER_BYTES)) {
      throw this.#error('truncated', offset, number, 'the file ends inside a frame header');
    }
    const headerAt = window.place(offset, HEADER_BYTES);
    const wrong = decodeHeader(window.buffer, headerAt, this.format, raw);
    if (wrong !== undefined) throw this.#error('damaged', offset, number, wrong);
    const length = HEADER_BYTES + raw.length;
    if (length > left) {
      const cut = `the file ends ${length - left} bytes before the frame does`;
      throw this.#error('truncated', offset, number, cut);
    }
    const owned = window.owns(length);
    const frames = owned ? window.own(offset, length) : window.buffer;
    const at = owned ? 0 : window.place(offset, length);
    const end = at + length;
    if (!window.sound(offset + length) && native.soundFrames(frames, at, end) !== end) {
      throw this.#error('damaged', offset, number, 'the checksum does not match');
    }
    if (number !== undefined && raw.number !== number) {
      throw this.#error('damaged', offset, number, `the frame carries number ${raw.number}`);
    }
    raw.frames = frames;
    raw.from = at + HEADER_BYTES;
    raw.end = end;
    raw.owned = owned;
    raw.offset = offset;
    raw.next = offset + length;
    return raw;
  }

  /**
   * The format of the file, from its first frame: that says what file this is, so what is wrong with
   * it is said in other words. Where no version can be read, `#begin` will say why.
   */
  #version(): number {
    const path = this.path;
    const most = Math.min(this.size, SINGLE_BYTES);
    const { buffer } = this.#single;
    const at = most > 0 ? this.#single.place(0, most) : 0;
    const start = buffer.subarray(at, at + most);
    const magic = new DataView(new Uint8Array(4).buffer);
    magic.setUint32(0, MAGIC, true);
    const known = start.subarray(0, 4);
    if (known.length === 0 || known.some((byte, i) => byte !== magic.getUint8(i))) {
      throw notACapture(path, known);
    }
    const versions = decodeVersions(start.subarray(HEADER_BYTES));
    const format = versions?.format ?? FORMAT_VERSION;
    if (versions !== undefined && (format < 1 || format > FORMAT_VERSION)) {
      const by = JSON.stringify(versions.rig);
      const message = `${path}: capture format ${format}, written by fuse-rig ${by}; this fuse-rig reads formats 1 to ${FORMAT_VERSION}: use that version, or record again`;
      throw new CaptureError('wrong-version', message, { path, offset: 0, frame: 0 });
    }
    return format;
  }

  #begin(): BeginEvent {
    const event = this.#event(this.#frameAt(newRaw(), this.#single, 0, 0));
    if (event.kind === 'begin') return event;
    throw this.#error('damaged', 0, 0, `a ${event.kind} event is out of place`);
  }

  #error(
    code: CaptureErrorCode,
    offset: number,
    frame: number | undefined,
    what: string,
  ): CaptureError {
    const place = { path: this.path, offset, ...(frame === undefined ? {} : { frame }) };
    const where = frame === undefined ? `offset ${offset}` : `frame ${frame} at offset ${offset}`;
    const remedy =
      frame === 0
        ? 'nothing can be kept of it'
        : `to keep what stands before: fuse-rig recover ${this.path} OUT`;
    return new CaptureError(code, `${this.path}: ${code}: ${where}: ${what}; ${remedy}`, place);
  }
}
