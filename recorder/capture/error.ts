/**
 * The one error of the capture format: a string code for programs, one line that says what to do for
 * people. Nothing else is thrown for a bad file, a bad event or a full disk.
 */
import type { SessionEvent } from '../../rig/events.ts';

export type CaptureErrorCode =
  /** The file is something else. */
  | 'not-a-capture'
  /** A capture of another format version. */
  | 'wrong-version'
  /** A frame is not what was written: checksum, magic, order or contents are wrong. */
  | 'damaged'
  /** The file ends inside a frame or before its `end` event. */
  | 'truncated'
  /** A `.partial` file, or only a `.partial` file where a capture was asked for. */
  | 'incomplete'
  /** The file to be written exists. */
  | 'exists'
  /** No space, quota or file size left. What was written stays readable. */
  | 'disk-full'
  /** Another error of the system while reading. */
  | 'unreadable'
  /** Another error of the system while writing. */
  | 'unwritable'
  /** The event cannot be stored: a field is missing, unknown or out of range, or it is too big. */
  | 'bad-event'
  /** The writer or reader was used after it was closed. */
  | 'closed';

/** Where in a file something is wrong. */
export interface Place {
  path?: string;
  /** Byte offset of the frame in the file. */
  offset?: number;
  /** Number of the frame, from 0; absent where a frame was read by its offset alone. */
  frame?: number;
}

export class CaptureError extends Error {
  override readonly name = 'CaptureError';
  readonly code: CaptureErrorCode;
  readonly path: string | undefined;
  readonly offset: number | undefined;
  readonly frame: number | undefined;

  constructor(code: CaptureErrorCode, message: string, place: Place = {}) {
    super(message);
    this.code = code;
    this.path = place.path;
    this.offset = place.offset;
    this.frame = place.frame;
  }
}

/** What can be done about an errno. */
const REMEDY: Record<string, string> = {
  ENOENT: 'its directory does not exist; name one that does',
  ENOTDIR: 'what should be its directory is none; name another',
  EACCES: 'permission denied; name one that you may write to',
  EPERM: 'not permitted; name one that you may write to',
  EROFS: 'the file system is read-only; name another',
};
const READ_REMEDY: Record<string, string> = {
  ENOENT: 'there is no such file; name a capture that fuse-rig record wrote',
  EACCES: 'permission denied; captures are readable only for who recorded them',
};

const told = (name: string, remedies: Record<string, string>): string =>
  remedies[name] === undefined ? name : `${name}: ${remedies[name]}`;

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** The error for a system call that failed on `path`; `name` is the errno's, such as `ENOSPC`. */
export function systemError(doing: 'read' | 'write', path: string, name: string): CaptureError {
  if (doing === 'read') {
    return new CaptureError('unreadable', `${path}: cannot read it: ${told(name, READ_REMEDY)}`, {
      path,
    });
  }
  if (FULL.has(name)) {
    const message = `${path}: the disk is full or a limit is reached (${name})`;
    return new CaptureError('disk-full', message, { path });
  }
  return new CaptureError('unwritable', `${path}: cannot write it: ${told(name, REMEDY)}`, {
    path,
  });
}

/** Runs a node:fs call; its error becomes a CaptureError. */
export function onDisk<T>(doing: 'read' | 'write', path: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (error instanceof CaptureError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw systemError(doing, path, code);
  }
}

export function badEvent(event: SessionEvent, field: string): CaptureError {
  return new CaptureError(
    'bad-event',
    `a ${event.kind} event cannot be stored: field ${field} is missing, unknown or out of range`,
  );
}

export function incomplete(path: string, partial: string): CaptureError {
  const message = `${path}: incomplete: it is still being recorded, or its recorder was killed; then run: fuse-rig recover ${partial}`;
  return new CaptureError('incomplete', message, { path });
}

const hex = (bytes: Uint8Array): string =>
  Buffer.from(bytes).toString('hex').replace(/..\B/g, '$& ');

/** The error for a file whose first bytes are `start`, and not a capture's. */
export function notACapture(path: string, start: Uint8Array): CaptureError {
  const found = start.length === 0 ? 'is empty' : `begins with ${hex(start)}`;
  const message = `${path}: not a fuse-rig capture (it ${found}, a capture with 89 46 52 43); name a file that fuse-rig record wrote`;
  return new CaptureError('not-a-capture', message, { path, offset: 0, frame: 0 });
}
