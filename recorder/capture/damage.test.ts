/**
 * Every rule of FORMAT.md, broken once: captures made by hand, with right checksums where the rule is
 * another one, and what the reader must say. And every single bit of a capture, flipped.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { native } from '../../native/load.ts';
import { CaptureError } from './error.ts';
import { CaptureReader } from './reader.ts';

const golden = Uint8Array.from(
  readFileSync(fileURLToPath(new URL('golden/v3.fusecap', import.meta.url))),
);
const dir = mkdtempSync(join(tmpdir(), 'fuse-rig-damage-'));
afterAll(() => rmSync(dir, { recursive: true }));
const path = join(dir, 'c.fusecap');

const bytesOf = (hex: string): Buffer => Buffer.from(hex.replace(/\s/g, ''), 'hex');
const text = (value: string): string => {
  const utf8 = Buffer.from(value);
  return (0xa0 + utf8.length).toString(16) + utf8.toString('hex');
};

interface Made {
  type: number;
  body: string;
  flags?: number;
  number?: number;
  length?: number;
}

/** Frames as FORMAT.md has them, body in hex. */
function frames(...made: Made[]): Buffer {
  const list = made.map(({ type, body, flags, number, length }, i) => {
    const bytes = bytesOf(body);
    const head = Buffer.alloc(24);
    head.write('\x89FRC', 'latin1');
    head.writeUInt16LE(type, 4);
    head.writeUInt16LE(flags ?? 0, 6);
    head.writeUInt32LE(length ?? bytes.length, 8);
    head.writeUInt32LE(number ?? i, 16);
    const frame = Buffer.concat([head, bytes]);
    frame.writeUInt32LE(native.crc32c(frame), 12);
    return frame;
  });
  return Buffer.concat(list);
}

/** The golden capture's first frame, without its header. */
const BEGIN: Made = { type: 1, body: Buffer.from(golden.subarray(24, 268)).toString('hex') };
const close = (handle: string): string => `82 ${text('t')} 00 ${text('handle')} ${handle}`;
const CLOSE: Made = { type: 5, body: close('01') };
const END: Made = {
  type: 2,
  body: `84 ${text('t')} 00 ${text('reason')} ${text('error')} ${text('requests')} 00 ${text('replies')} 00`,
};
const T = '0100000000000000';
/** The prefix of a message without a result, and the place of one in a ring. */
const HEAD = `${T} 01000000 01000000 01000000 00000000`;
const PLACE = '0100 0000 03000000';
const ringClose: Made = { type: 13, body: `82 ${text('t')} 00 ${text('ring')} 01` };

/** A completion event of the MessagePack values given. */
function completion(qid: string, entry: string, commitId: string): Made {
  const ids = ['t', 'handle', 'conn', 'tid', 'ring', 'command'].map((name) => `${text(name)} 01`);
  const rest = `${text('qid')} ${qid} ${text('entry')} ${entry} ${text('commitId')} ${commitId}`;
  return { type: 12, body: `8a ${ids.join(' ')} ${rest} ${text('result')} 00` };
}

/** The kinds of all events, or the error that reading ended with. */
function read(bytes: Uint8Array): string[] | CaptureError {
  writeFileSync(path, bytes);
  let reader: CaptureReader | undefined;
  try {
    reader = CaptureReader.open(path);
    return [...reader.events()].map(({ kind }) => kind);
  } catch (error) {
    if (error instanceof CaptureError) return error;
    throw error;
  } finally {
    reader?.close();
  }
}

describe('a capture made by hand', () => {
  it('reads, if it keeps to the rules', () => {
    expect(read(frames(BEGIN, CLOSE, END))).toEqual(['begin', 'close', 'end']);
    const ring = [20, 21].map((type) => ({ type, body: `${HEAD} ${PLACE}` }));
    const made = frames(BEGIN, completion('cdffff', 'ff', text('1a')), ...ring, ringClose, END);
    expect(read(made)).toEqual(['begin', 'completion', 'request', 'reply', 'ring-close', 'end']);
  });

  it('of format 1 holds nothing that came with format 2', () => {
    const end = BEGIN.body.length - 'a46370757302'.length;
    const old = `0100${BEGIN.body.slice(4, 18)}86${BEGIN.body.slice(20, end)}`;
    const begin: Made = { type: 1, body: old };
    expect(read(frames(begin, CLOSE, END))).toEqual(['begin', 'close', 'end']);
    const ring = [20, 21].map((type) => ({ type, body: `${HEAD} ${PLACE}` }));
    for (const made of [completion('00', '00', 'a0'), ringClose, ...ring]) {
      const error = read(frames(begin, CLOSE, made, END));
      expect(error).toMatchObject({ code: 'damaged', frame: 2 });
      expect(String(error)).toContain(`frame type ${made.type} (`);
      expect(String(error)).toContain('in a file of format 1: it came with format 2');
    }
    const cpus = read(frames({ type: 1, body: `0100${BEGIN.body.slice(4)}` }, END));
    expect(cpus).toMatchObject({ code: 'damaged', frame: 0 });
    expect(String(cpus)).toContain('field "cpus" in a file of format 1');
  });

  const between = (made: Made): Buffer => frames(BEGIN, made, END);
  it.each<[string, Buffer, string]>([
    ['flags', between({ ...CLOSE, flags: 1 }), 'unknown flags'],
    ['an unknown type', between({ ...CLOSE, type: 22 }), 'unknown frame type 22'],
    ['a type nobody has', between({ ...CLOSE, type: 22 }), 'unknown frame type 22'],
    ['type 0', between({ ...CLOSE, type: 0 }), 'unknown frame type 0'],
    ['a number twice', frames(BEGIN, CLOSE, { ...CLOSE, number: 1 }, END), 'carries number 1'],
    ['a number left out', frames(BEGIN, { ...CLOSE, number: 2 }), 'carries number 2'],
    ['a second begin', between(BEGIN), 'a begin event is out of place'],
    ['no begin', frames(CLOSE, END), 'a close event is out of place'],
    ['something after the end', frames(BEGIN, END, CLOSE), 'more follows the end event'],
    ['a second end', frames(BEGIN, END, END), 'more follows the end event'],
    [
      'raw bytes past 64 MiB',
      between({ type: 16, body: '', length: 67_108_865 }),
      'more than the 67108864',
    ],
    [
      'MessagePack past 16 MiB',
      between({ type: 5, body: '', length: 16_777_217 }),
      'more than the 16777216',
    ],
    ['a request shorter than its prefix', between({ type: 16, body: T }), 'too short'],
    [
      'a request with a result',
      between({ type: 16, body: `${T} 01000000 01000000 01000000 05000000` }),
      'a request with a result',
    ],
    ['a ring request shorter than its prefix', between({ type: 20, body: HEAD }), 'too short'],
    ['a ring reply shorter than its prefix', between({ type: 21, body: HEAD }), 'too short'],
    [
      'a ring request with a result',
      between({ type: 20, body: `${T} 01000000 01000000 01000000 05000000 ${PLACE}` }),
      'a request with a result',
    ],
    [
      'reserved bytes of a ring reply',
      between({ type: 21, body: `${HEAD} 0100 0100 03000000` }),
      'a reply with reserved bytes that are not 0',
    ],
    ['a queue past 2^16', between(completion('ce00010000', '00', 'a0')), 'field "qid"'],
    ['an entry of -2', between(completion('00', 'fe', 'a0')), 'field "entry"'],
    ['a commit_id in capitals', between(completion('00', '00', text('1A'))), 'field "commitId"'],
    [
      'an output of descriptor 3',
      between({ type: 18, body: `${T} 03000000 41` }),
      'output on descriptor 3',
    ],
    ['a time past 2^53', between({ type: 19, body: '00000000000020ff' }), 'a time beyond 2^53'],
    ['no MessagePack', between({ ...CLOSE, body: '' }), 'not plain MessagePack'],
    ['an array of 2^32 - 1', between({ ...CLOSE, body: 'ddffffffff' }), 'not plain MessagePack'],
    ['an extension type', between({ ...CLOSE, body: close('d40000') }), 'not plain MessagePack'],
    [
      'bytes after the map',
      between({ ...CLOSE, body: `${close('01')}00` }),
      'not plain MessagePack',
    ],
    ['no map', between({ ...CLOSE, body: '01' }), 'not a MessagePack map'],
    [
      'a missing field',
      between({ ...CLOSE, body: `81 ${text('t')} 00` }),
      'field "handle" is missing or wrong',
    ],
    [
      'an unknown field',
      between({ ...CLOSE, body: `83 ${text('t')} 00 ${text('handle')} 01 ${text('x')} 00` }),
      'field "x"',
    ],
    [
      '__proto__',
      between({
        ...CLOSE,
        body: `83 ${text('t')} 00 ${text('handle')} 01 ${text('__proto__')} 80`,
      }),
      'field "__proto_"',
    ],
    ['a field of another type', between({ ...CLOSE, body: close(text('1')) }), 'field "handle"'],
    ['a negative handle', between({ ...CLOSE, body: close('ff') }), 'field "handle"'],
    ['a fraction', between({ ...CLOSE, body: close('cb3fe0000000000000') }), 'field "handle"'],
    [
      'a 64-bit integer',
      between({ ...CLOSE, body: close('cf0000000000000001') }),
      'field "handle"',
    ],
    [
      'a reason nobody knows',
      frames(BEGIN, { ...END, body: END.body.replace(text('error'), text('ERROR')) }),
      'field "reason"',
    ],
  ])('is damaged by %s', (_, bytes, message) => {
    const error = read(bytes);
    expect(error).toMatchObject({
      code: 'damaged',
      path,
      message: expect.stringContaining(message),
    });
  });

  it.each<[string, Buffer, string]>([
    ['without an end', frames(BEGIN, CLOSE), 'without an end event'],
    ['inside a header', frames(BEGIN, END).subarray(0, -45), 'inside a frame header'],
    ['inside a body', frames(BEGIN, END).subarray(0, -1), 'ends 1 bytes before the frame does'],
    [
      'far inside a body',
      frames(BEGIN, { type: 16, body: '00', length: 60_000_000 }),
      'ends 59999999 bytes before',
    ],
    ['inside its first frame', frames(BEGIN).subarray(0, 100), 'nothing can be kept'],
    ['inside its first word', frames(BEGIN).subarray(0, 3), 'nothing can be kept'],
  ])('is truncated %s', (_, bytes, message) => {
    const error = read(bytes);
    expect(error).toMatchObject({
      code: 'truncated',
      path,
      message: expect.stringContaining(message),
    });
  });

  it('is damaged without readable versions, and nothing in them reaches the terminal raw', () => {
    const versions = (hex: string): Made => ({ ...BEGIN, body: hex + BEGIN.body.slice(18) });
    expect(read(frames(versions('0200 0500 302e311b30'), END))).toMatchObject({ code: 'damaged' });
    expect(read(frames(versions('0200 ff00 302e312e30'), END))).toMatchObject({ code: 'damaged' });
    expect(read(frames({ type: 1, body: '01' }, END))).toMatchObject({ code: 'damaged' });
    const other = read(frames(versions('0500 0500 302e222e30'), END));
    expect(other).toMatchObject({ code: 'wrong-version' });
    expect(String(other)).toContain('format 5, written by fuse-rig "0.\\".0"');
    expect(read(frames(versions('0000 0500 302e312e30'), END))).toMatchObject({
      code: 'wrong-version',
    });
  });
});

describe('the golden capture', () => {
  it('with any single bit flipped is not read as if nothing was', () => {
    const bytes = Uint8Array.from(golden);
    const passed: number[] = [];
    for (let bit = 0; bit < golden.length * 8; ++bit) {
      const at = bit >> 3;
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7));
      if (!(read(bytes) instanceof CaptureError)) passed.push(bit);
      bytes[at] = golden[at] ?? 0;
    }
    expect(passed).toEqual([]);
  }, 120_000);
});
