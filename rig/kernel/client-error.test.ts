/** Replies that the device takes and the client does not. */
import { expect, test } from 'vitest';
import { encodeReply, encodeRequest } from '../protocol/build.ts';
import { bareReply } from '../protocol/header.ts';
import { Reply, Request } from '../protocol/message.ts';
import { BEFORE_INIT } from '../protocol/negotiated.ts';
import { OP, type OpName } from '../protocol/opcodes.ts';
import type { Args } from '../protocol/parts.ts';
import { clientError } from './client-error.ts';

const DIR = 0o040000;
const REG = 0o100000;
const HUGE = 2n ** 63n;
const entry = (nodeid: bigint, mode: number, size = 0n) => ({ nodeid, attr: { mode, size } });
const attr = (mode: number, size = 0n) => ({ attr: { mode, size } });
const statx = (mask: number, mode: number, size = 0n) => ({ stat: { mask, mode, size } });

function answered(name: OpName, asked: Args, answer: Args): Reply {
  const bytes = encodeRequest(OP[name], { unique: 4n }, asked, BEFORE_INIT);
  const request = new Request(bytes, BEFORE_INIT);
  return new Reply(encodeReply(request, answer), request);
}

/** A READDIR record of one name; `namelen` may say otherwise. */
function record(name: string, namelen = name.length): Uint8Array {
  const bytes = new Uint8Array(24 + Math.ceil(name.length / 8) * 8);
  new DataView(bytes.buffer).setUint32(16, namelen, true);
  bytes.set(new TextEncoder().encode(name), 24);
  return bytes;
}

const NAME = { name: 'a' };

test.each<[OpName, string, Args, Args, number, boolean]>([
  ['LOOKUP', 'a file', NAME, entry(5n, REG), 0, true],
  ['LOOKUP', 'a negative entry', NAME, entry(0n, 0, HUGE), 0, true],
  ['LOOKUP', 'the root', NAME, entry(1n, DIR), 0, false],
  ['LOOKUP', 'no type', NAME, entry(5n, 0o755), 0, false],
  ['LOOKUP', 'too large', NAME, entry(5n, REG, HUGE), 0, false],
  ['LOOKUP', 'as large as can be', NAME, entry(5n, REG, HUGE - 1n), 0, true],
  ['MKNOD', 'as asked', { ...NAME, mode: 0o010644 }, entry(5n, 0o010600), 0, true],
  ['MKNOD', 'another type', { ...NAME, mode: 0o010644 }, entry(5n, REG), 0, false],
  ['MKDIR', 'a directory', NAME, entry(5n, DIR), 0, true],
  ['MKDIR', 'a file', NAME, entry(5n, REG), 0, false],
  ['MKDIR', 'no node', NAME, entry(0n, DIR), 0, false],
  ['MKDIR', 'the root', NAME, entry(1n, DIR), 0, false],
  ['SYMLINK', 'a link', { ...NAME, target: 't' }, entry(5n, 0o120777), 0, true],
  ['SYMLINK', 'a file', { ...NAME, target: 't' }, entry(5n, REG), 0, false],
  ['LINK', 'the same type', { newname: 'b' }, entry(5n, REG), REG, true],
  ['LINK', 'another type', { newname: 'b' }, entry(5n, 0o060000), REG, false],
  ['LINK', 'a type nobody knows', { newname: 'b' }, entry(5n, 0o060000), 0, true],
  ['CREATE', 'a file', NAME, entry(5n, REG), 0, true],
  ['CREATE', 'a directory', NAME, entry(5n, DIR), 0, false],
  ['TMPFILE', 'no node', NAME, entry(0n, REG), 0, false],
  ['GETATTR', 'the type it had', {}, attr(REG), REG, true],
  ['GETATTR', 'another type', {}, attr(DIR), REG, false],
  ['GETATTR', 'no type', {}, attr(0), 0, false],
  ['SETATTR', 'too large', {}, attr(REG, HUGE), REG, false],
  ['STATX', 'no type, none claimed', {}, statx(0, 0, HUGE), REG, true],
  ['STATX', 'no type', {}, statx(1, 0), 0, false],
  ['STATX', 'another type', {}, statx(1, DIR), REG, false],
  ['STATX', 'too large', {}, statx(0x200, 0, HUGE), 0, false],
  ['WRITE', 'all of it', { data: 'abc' }, { size: 3 }, 0, true],
  ['WRITE', 'more than asked', { data: 'abc' }, { size: 4 }, 0, false],
  ['COPY_FILE_RANGE', 'all of it', { len: 9n }, { size: 9 }, 0, true],
  ['COPY_FILE_RANGE', 'more than asked', { len: 9n }, { size: 10 }, 0, false],
  ['COPY_FILE_RANGE_64', 'more than asked', { len: 9n }, { bytes_copied: 10n }, 0, false],
  ['IOCTL', 'all of it', { out_size: 4 }, { data: 'abcd' }, 0, true],
  ['IOCTL', 'more than asked', { out_size: 4 }, { data: 'abcde' }, 0, false],
  ['IOCTL', 'a retry', { out_size: 4 }, { flags: 4 }, 0, false],
  ['IOCTL', 'a retry of an unrestricted one', { out_size: 4, flags: 2 }, { flags: 4 }, 0, true],
  ['READDIR', 'nothing', { size: 99 }, {}, 0, true],
  ['READDIR', 'a name', { size: 99 }, { entries: record('abc') }, 0, true],
  ['READDIR', 'no name', { size: 99 }, { entries: record('', 0) }, 0, false],
  ['READDIR', 'a slash', { size: 99 }, { entries: record('a/c') }, 0, false],
  ['READDIR', 'a name too long', { size: 99 }, { entries: record('abc', 4096) }, 0, false],
  [
    'READDIR',
    'a record cut short',
    { size: 99 },
    { entries: record('abc').subarray(0, 30) },
    0,
    true,
  ],
  ['UNLINK', 'nothing to be wrong', NAME, {}, 0, true],
])('%s: %s', (name, _, asked, answer, known, fine) => {
  expect(clientError(answered(name, asked, answer), known)).toBe(fine ? 0 : -5);
});

test("an error is the client's error already", () => {
  const { request } = answered('LOOKUP', NAME, entry(5n, REG));
  expect(clientError(new Reply(bareReply(4n, -2), request))).toBe(0);
});
