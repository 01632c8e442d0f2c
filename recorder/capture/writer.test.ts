/**
 * The life of a capture file: its names, its mode, what is never overwritten, and what is left when
 * the disk is full or the recorder is killed. The last two need another process, which runs the
 * built code (`npm run build`).
 */
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { native } from '../../native/load.ts';
import type { BeginEvent, EndEvent } from '../../rig/events.ts';
import { CaptureError } from './error.ts';
import { HEADER_BYTES } from './frame.ts';
import { CaptureReader } from './reader.ts';
import { recover } from './recover.ts';
import { CaptureWriter } from './writer.ts';

const begin: BeginEvent = {
  kind: 'begin',
  t: 0,
  started: '2025-03-01T12:00:00.000Z',
  rig: '0.1.0',
  kernel: '6.18.44',
  abi: [],
  server: {
    command: ['./hello'],
    cwd: '/',
    env: [],
    uid: 0,
    gid: 0,
    groups: [],
    umask: 0,
    limits: {},
  },
};
const end: EndEvent = { kind: 'end', t: 1, reason: 'unmount', requests: 0, replies: 0 };

let dir: string;
let path: string;
let partial: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fuse-rig-writer-'));
  path = join(dir, 'c.fusecap');
  partial = `${path}.partial`;
});
afterEach(() => rmSync(dir, { recursive: true }));

function failure(call: () => unknown): CaptureError {
  try {
    call();
  } catch (error) {
    if (error instanceof CaptureError) return error;
    throw error;
  }
  throw new Error('no error was thrown');
}

function kinds(file: string): string[] {
  const reader = CaptureReader.open(file);
  try {
    return [...reader.events()].map(({ kind }) => kind);
  } finally {
    reader.close();
  }
}

describe('a capture being written', () => {
  it('is FILE.partial with mode 0600 until it is closed, then FILE and nothing else', () => {
    const umask = process.umask(0o277);
    const writer = CaptureWriter.create(path, begin);
    process.umask(umask);
    expect(readdirSync(dir)).toEqual(['c.fusecap.partial']);
    expect(statSync(partial).mode & 0o777).toBe(0o600);
    writer.write({ kind: 'close', t: 0, handle: 1 });
    // Nothing is kept back in the process.
    expect(statSync(partial).size).toBe(writer.bytes);
    writer.close(end);
    expect(readdirSync(dir)).toEqual(['c.fusecap']);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(path).nlink).toBe(1);
    expect(statSync(path).size).toBe(writer.bytes);
    expect(kinds(path)).toEqual(['begin', 'close', 'end']);
  });

  it('stays FILE.partial when it is abandoned, and can be recovered', () => {
    const writer = CaptureWriter.create(path, begin);
    writer.write({ kind: 'close', t: 7, handle: 1 });
    writer.abandon();
    writer.abandon();
    expect(failure(() => writer.write({ kind: 'close', t: 0, handle: 1 })).code).toBe('closed');
    expect(failure(() => writer.close(end)).code).toBe('closed');
    expect(failure(() => CaptureReader.open(path)).code).toBe('incomplete');
    expect(failure(() => CaptureReader.open(partial)).message).toContain(
      `fuse-rig recover ${partial}`,
    );
    expect(recover(partial, path)).toMatchObject({ frames: 2, bytesDropped: 0, complete: false });
    expect(kinds(path)).toEqual(['begin', 'close', 'end']);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(existsSync(partial)).toBe(true);
  });

  it('overwrites nothing that exists, unless forced', () => {
    writeFileSync(path, 'old');
    expect(failure(() => CaptureWriter.create(path, begin)).code).toBe('exists');
    expect(readdirSync(dir)).toEqual(['c.fusecap']);
    const writer = CaptureWriter.create(path, begin, { force: true });
    expect(readFileSync(path, 'utf8')).toBe('old');
    writer.close(end);
    expect(kinds(path)).toEqual(['begin', 'end']);
    expect(readdirSync(dir)).toEqual(['c.fusecap']);
  });

  it('overwrites nothing that appears while it is written, and is not lost for it', () => {
    const writer = CaptureWriter.create(path, begin);
    writeFileSync(path, 'new');
    expect(failure(() => writer.close(end)).code).toBe('exists');
    expect(readFileSync(path, 'utf8')).toBe('new');
    const other = join(dir, 'other');
    expect(recover(partial, other)).toMatchObject({ frames: 2, complete: true });
    expect(kinds(other)).toEqual(['begin', 'end']);
  });

  it('does not take another recorder`s place', () => {
    const first = CaptureWriter.create(path, begin);
    expect(failure(() => CaptureWriter.create(path, begin)).code).toBe('exists');
    const second = CaptureWriter.create(path, begin, { force: true });
    expect(failure(() => first.close(end)).code).toBe('unwritable');
    second.close(end);
    expect(kinds(path)).toEqual(['begin', 'end']);
  });

  it('never replaces what is not a file', () => {
    mkdirSync(path);
    expect(failure(() => CaptureWriter.create(path, begin, { force: true })).code).toBe('exists');
    rmSync(path, { recursive: true });
    symlinkSync('/dev/null', path);
    expect(failure(() => CaptureWriter.create(path, begin, { force: true })).code).toBe('exists');
  });

  it('says where it cannot be written', () => {
    const nowhere = join(dir, 'no/such/c.fusecap');
    const error = failure(() => CaptureWriter.create(nowhere, begin));
    expect(error.code).toBe('unwritable');
    expect(error.message).toContain('ENOENT');
    const long = { ...begin, rig: 'x'.repeat(65) };
    expect(failure(() => CaptureWriter.create(path, long)).code).toBe('bad-event');
    expect(readdirSync(dir)).toEqual([]);
  });
});

describe('recover', () => {
  it('refuses to overwrite, and leaves nothing behind', () => {
    CaptureWriter.create(path, begin).abandon();
    const other = join(dir, 'other');
    writeFileSync(other, 'old');
    expect(failure(() => recover(partial, other)).code).toBe('exists');
    expect(readFileSync(other, 'utf8')).toBe('old');
    truncateSync(partial, HEADER_BYTES);
    expect(failure(() => recover(partial, path)).code).toBe('truncated');
    expect(readdirSync(dir).sort()).toEqual(['c.fusecap.partial', 'other']);
  });
});

describe('the reader', () => {
  it.each([
    ['nothing', '/nonexistent/c', 'unreadable'],
    ['a directory', '/', 'not-a-capture'],
    ['a device', '/dev/null', 'not-a-capture'],
    ['a program', process.execPath, 'not-a-capture'],
  ])('says what is wrong with %s', (_, file, code) => {
    const error = failure(() => CaptureReader.open(file));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(/^[^\n]+$/);
    expect(error.message).toContain(file);
  });

  it('names both versions, and what to do', () => {
    CaptureWriter.create(path, { ...begin, rig: '9.9.9' }).close(end);
    const bytes = readFileSync(path);
    bytes.writeUInt16LE(7, HEADER_BYTES);
    writeFileSync(path, bytes);
    const error = failure(() => CaptureReader.open(path));
    expect(error.code).toBe('wrong-version');
    expect(error.message).toMatch(
      /format 7, written by fuse-rig "9\.9\.9"; .* reads formats 1 to 4: use/,
    );
  });

  it('says where the damage is', () => {
    const writer = CaptureWriter.create(path, begin);
    const offset = writer.bytes;
    writer.write({ kind: 'fixture', t: 0, bytes: new Uint8Array(50) });
    writer.close(end);
    const bytes = readFileSync(path);
    bytes[offset + 40] = 1;
    writeFileSync(path, bytes);
    const error = failure(() => kinds(path));
    expect(error).toMatchObject({ code: 'damaged', offset, frame: 1, path });
    expect(error.message).toContain(`frame 1 at offset ${offset}: the checksum does not match`);
    expect(error.message).toContain(`fuse-rig recover ${path}`);
  });

  it('cannot be used after it was closed', () => {
    CaptureWriter.create(path, begin).close(end);
    const reader = CaptureReader.open(path);
    const events = reader.events();
    events.next();
    reader.close();
    reader.close();
    expect(failure(() => events.next()).code).toBe('closed');
    expect(failure(() => reader.readAt(0)).code).toBe('closed');
  });
});

/** Writes 1,000-byte frames until it is stopped; says `go` after 200, and what stopped it. */
const ENDLESS = `
  import { CaptureWriter } from ${JSON.stringify(new URL('../../dist/recorder/capture/writer.js', import.meta.url).href)};
  const [path, begin] = process.argv.slice(1);
  const writer = CaptureWriter.create(path, JSON.parse(begin));
  const bytes = new Uint8Array(1000);
  try {
    for (;;) {
      writer.write({ kind: 'fixture', t: writer.frames, bytes });
      if (writer.frames === 200) process.stdout.write('go');
    }
  } catch (error) {
    const again = (() => { try { writer.close({}); } catch (e) { return e === error; } })();
    console.log(JSON.stringify({ code: error.code, message: error.message, frames: writer.frames, again }));
  }`;
const child = ['--input-type=module', '-e', ENDLESS];

describe('another process', () => {
  it('killed while it writes loses nothing but the frame it was writing', async () => {
    const running = execa(process.execPath, [...child, path, JSON.stringify(begin)], {
      reject: false,
      buffer: false,
    });
    running.stdout?.once('data', () => running.kill('SIGKILL'));
    expect((await running).signal).toBe('SIGKILL');
    const size = statSync(partial).size;
    const found = recover(partial, path);
    expect(found.frames).toBeGreaterThanOrEqual(200);
    expect(found.bytes + found.bytesDropped).toBe(size);
    expect(found.bytesDropped).toBeLessThan(HEADER_BYTES + 8 + 1000);
    const reader = CaptureReader.open(path);
    expect(reader.index().kinds).toHaveLength(found.frames + 1);
    reader.close();
  }, 30_000);

  it('that may write no more says so, with a whole frame at the end of the file', async () => {
    const shell = 'ulimit -f 40 && exec "$@"';
    const args = ['-c', shell, 'sh', process.execPath, ...child, path, JSON.stringify(begin)];
    const { stdout } = await execa('sh', args, { reject: false });
    const said: { code: string; message: string; frames: number; again: boolean } =
      JSON.parse(stdout);
    expect(said).toMatchObject({ code: 'disk-full', again: true });
    expect(said.message).toContain(`${said.frames} frames written stay readable`);
    expect(said.message).toContain(`${partial}: the disk is full or a limit is reached (EFBIG)`);
    const found = recover(partial, path);
    expect(found).toMatchObject({ frames: said.frames, bytesDropped: 0, cause: undefined });
    expect(said.frames).toBeGreaterThan(10);
  }, 30_000);
});

describe('native.appendFrame', () => {
  const body = new Uint8Array(5);

  it('returns the errno of a device that is full', () => {
    const fd = openSync('/dev/full', 'w');
    expect(native.appendFrame(fd, new Uint8Array(HEADER_BYTES), HEADER_BYTES, body)).toBe(-28);
    closeSync(fd);
    expect(native.appendFrame(-1, new Uint8Array(HEADER_BYTES), HEADER_BYTES, body)).toBe(-9);
  });

  it('refuses a head that is shorter than its length says, or than a header', () => {
    const head = new Uint8Array(30);
    for (const length of [31, 23, -1, 2 ** 40, Number.NaN]) {
      expect(() => native.appendFrame(1, head, length, body)).toThrow(RangeError);
    }
    // @ts-expect-error: arguments of other types
    expect(() => native.appendFrame('1', head, 24, body)).toThrow(TypeError);
    // @ts-expect-error: too few
    expect(() => native.appendFrame(1, head, 24)).toThrow(TypeError);
  });
});
