/**
 * Writes a capture. Every event is one frame and one write to the kernel, nothing is kept back in
 * this process: a recorder killed at any moment loses the frame being written and no other. The file
 * is called FILE.partial until `close` has brought it to the disk and given it its name.
 */
import {
  closeSync,
  fchmodSync,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  type Stats,
  unlinkSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { getSystemErrorName } from 'node:util';
import { native } from '../../native/load.ts';
import type { BeginEvent, EndEvent, SessionEvent } from '../../rig/events.ts';
import { CaptureError, onDisk, systemError } from './error.ts';
import { FrameEncoder } from './frame.ts';
import { PARTIAL } from './reader.ts';

export interface WriteOptions {
  /** Replace an existing capture (when `close` renames), and discard an existing `.partial`. */
  force?: boolean;
  /** Where to write until `close`; FILE.partial unless named. Must be in the same file system. */
  partial?: string;
}

const MODE = 0o600;

export class CaptureWriter {
  /** The name the capture gets when it is closed. */
  readonly path: string;
  /** The name it has until then. */
  readonly partial: string;
  readonly #force: boolean;
  readonly #encoder = new FrameEncoder();
  #fd: number;
  #frames = 0;
  #bytes = 0;
  /** What ended the writing early; told again to whoever goes on writing. */
  #failed: CaptureError | undefined;

  /** Creates FILE.partial, mode 0600, with `begin` in it. */
  static create(path: string, begin: BeginEvent, options: WriteOptions = {}): CaptureWriter {
    const force = options.force ?? false;
    const partial = options.partial ?? path + PARTIAL;
    refuseExisting(path, force);
    if (force) removeFile(partial);
    const fd = onDisk('write', partial, () => openNew(partial));
    const writer = new CaptureWriter(fd, path, partial, force);
    try {
      onDisk('write', partial, () => fchmodSync(fd, MODE));
      writer.#append(begin);
    } catch (error) {
      // Without a first frame there is nothing to recover.
      writer.abandon();
      removeFile(partial);
      throw error;
    }
    return writer;
  }

  private constructor(fd: number, path: string, partial: string, force: boolean) {
    this.#fd = fd;
    this.path = path;
    this.partial = partial;
    this.#force = force;
  }

  /** Frames written so far; also the number of the next one. */
  get frames(): number {
    return this.#frames;
  }

  /** Bytes written so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Appends one event. A `bad-event` error leaves the capture as it was; it can go on. */
  write(event: Exclude<SessionEvent, BeginEvent | EndEvent>): void {
    this.#append(event);
  }

  /** Appends the last event, brings the file to the disk and gives it its name. */
  close(end: EndEvent): void {
    const fd = this.#fd;
    try {
      this.#append(end);
      onDisk('write', this.partial, () => fsyncSync(fd));
      const ours = onDisk('write', this.partial, () => fstatSync(fd));
      publish(this.partial, this.path, this.#force, ours);
    } finally {
      this.abandon();
    }
    syncDirectory(dirname(this.path));
  }

  /** Stops writing. FILE.partial stays, as after a kill: `recover` makes a capture of it. */
  abandon(): void {
    if (this.#fd < 0) return;
    closeSync(this.#fd);
    this.#fd = -1;
  }

  /** Stops writing and removes FILE.partial: there is nothing in it that anybody would miss. */
  discard(): void {
    if (this.#fd < 0) return;
    this.abandon();
    removeFile(this.partial);
  }

  #append(event: SessionEvent): void {
    if (this.#failed !== undefined) throw this.#failed;
    if (this.#fd < 0) throw new CaptureError('closed', `${this.path}: the writer is closed`);
    const encoder = this.#encoder;
    encoder.encode(this.#frames, event);
    const written = native.appendFrame(this.#fd, encoder.head, encoder.headLength, encoder.body);
    if (written < 0) {
      this.#failed = this.#ended(systemError('write', this.partial, getSystemErrorName(written)));
      throw this.#failed;
    }
    ++this.#frames;
    this.#bytes += written;
  }

  /** The error that ends the writing, with what can be done about it. */
  #ended(error: CaptureError): CaptureError {
    const path = this.partial;
    const kept = `the ${this.#frames} frames written stay readable: make room, then: fuse-rig recover ${path} OUT`;
    return this.#frames === 0
      ? error
      : new CaptureError(error.code, `${error.message}; ${kept}`, { path });
  }
}

const statOf = (path: string): Stats | undefined =>
  onDisk('write', path, () => lstatSync(path, { throwIfNoEntry: false }));

function refuseExisting(path: string, force: boolean): void {
  const stat = statOf(path);
  if (stat === undefined || (force && stat.isFile())) return;
  const why = stat.isFile() ? 'exists; give another name or --force' : 'exists and is not a file';
  throw new CaptureError('exists', `${path}: ${why}`, { path });
}

function openNew(partial: string): number {
  try {
    return openSync(partial, 'wx', MODE);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    const message = `${partial}: exists: a recorder is writing it, or was killed; then run: fuse-rig recover ${partial}, or give --force`;
    throw new CaptureError('exists', message, { path: partial });
  }
}

function removeFile(path: string): void {
  if (statOf(path)?.isFile()) onDisk('write', path, () => unlinkSync(path));
}

/** Gives `partial` its name. Without `force` nothing that appeared meanwhile is overwritten. */
function publish(partial: string, path: string, force: boolean, ours: Stats): void {
  const there = statOf(partial);
  if (there?.ino !== ours.ino || there.dev !== ours.dev) {
    const message = `${partial}: was removed or replaced by somebody else while it was written`;
    throw new CaptureError('unwritable', message, { path: partial });
  }
  if (!force && linked(partial, path)) {
    onDisk('write', partial, () => unlinkSync(partial));
    return;
  }
  refuseExisting(path, force);
  onDisk('write', path, () => renameSync(partial, path));
}

/** link(2) fails where rename(2) would overwrite. False: this file system has no links. */
function linked(partial: string, path: string): boolean {
  try {
    linkSync(partial, path);
    return true;
  } catch {
    return false;
  }
}

/** The new name is on the disk only when its directory is. */
function syncDirectory(path: string): void {
  const fd = onDisk('write', path, () => openSync(path, 'r'));
  try {
    onDisk('write', path, () => fsyncSync(fd));
  } finally {
    closeSync(fd);
  }
}
