/** The normal form: what of two replies must be the same, and what need not. */
import { describe, expect, it } from 'vitest';
import { buildReply, buildRequest } from '../rig/protocol/build.ts';
import { bareReply } from '../rig/protocol/header.ts';
import { Reply } from '../rig/protocol/message.ts';
import { firstDifference, normalReply } from './normal.ts';

const HEAD = { unique: 2n, nodeid: 1n };
const FILE = 0o100644;
const DIRECTORY = 0o040755;

type Attr = Record<string, bigint | number>;
function getattr(attr: Attr, owners?: Parameters<typeof normalReply>[2], valid = 0n): string {
  const request = buildRequest('GETATTR', HEAD, {});
  const reply = buildReply('GETATTR', request, { attr_valid: valid, attr: attr as never });
  return normalReply(request, reply, owners);
}
const base: Attr = { mode: FILE, size: 5n, nlink: 1, uid: 1, gid: 2 };

describe('attributes', () => {
  it.each([
    ['times', { mtime: 99n, atimensec: 3, ctime: 1n }],
    ['inode numbers', { ino: 77n }],
    ['block counts', { blocks: 8n, blksize: 512 }],
  ])('agree whatever their %s', (_, other) => {
    expect(getattr({ ...base, ...other })).toBe(getattr(base));
  });

  it('agree however long they may be cached', () => {
    expect(getattr(base, undefined, 60n)).toBe(getattr(base));
  });

  it.each([
    ['mode', { mode: 0o100600 }],
    ['type', { mode: 0o120644 }],
    ['size', { size: 6n }],
    ['owner', { uid: 9 }],
    ['group', { gid: 9 }],
    ['link count', { nlink: 2 }],
  ])('differ by %s', (_, other) => {
    expect(getattr({ ...base, ...other })).not.toBe(getattr(base));
  });

  it('of a device differ by device number, of others not', () => {
    const device = { ...base, mode: 0o020644 };
    expect(getattr({ ...device, rdev: 5 })).not.toBe(getattr(device));
    expect(getattr({ ...base, rdev: 5 })).toBe(getattr(base));
  });

  it('of a directory agree whatever its size and link count', () => {
    const directory = { ...base, mode: DIRECTORY };
    expect(getattr({ ...directory, size: 4096n, nlink: 7 })).toBe(getattr(directory));
    expect(getattr({ ...directory, uid: 9 })).not.toBe(getattr(directory));
  });

  it('of the capture are seen with this run’s owners', () => {
    const owners = { uid: (id: number) => id + 1000, gid: (id: number) => id + 2000 };
    expect(getattr(base, owners)).toBe(getattr({ ...base, uid: 1001, gid: 2002 }));
  });
});

describe('a reply', () => {
  it('with an error is the error', () => {
    const request = buildRequest('GETATTR', HEAD, {});
    expect(normalReply(request, new Reply(bareReply(2n, -2), request))).toBe('-ENOENT');
  });

  it('with data is its length and sum', () => {
    const request = buildRequest('READ', HEAD, { fh: 1n, size: 100 });
    const form = (text: string) =>
      normalReply(request, buildReply('READ', request, { data: Buffer.from(text) }));
    expect(form('hello')).toMatch(/^data=5:[0-9a-f]{8}$/);
    expect(form('hello')).toBe(form('hello'));
    expect(new Set([form('hello'), form('hellp'), form('hell'), form('')]).size).toBe(4);
  });

  it('with ids of the server agrees whatever they are', () => {
    const request = buildRequest('OPEN', HEAD, {});
    const form = (fh: bigint, open_flags: number) =>
      normalReply(request, buildReply('OPEN', request, { fh, open_flags }));
    expect(form(1n, 0)).toBe(form(2n, 0));
    expect(form(1n, 0)).not.toBe(form(1n, 1));
  });

  it('that there is no such name, remembered, is not one with a node', () => {
    const request = buildRequest('LOOKUP', HEAD, { name: 'x' as never });
    const form = (nodeid: bigint) =>
      normalReply(request, buildReply('LOOKUP', request, { nodeid, attr: base as never }));
    expect([form(0n), form(5n) === form(6n)]).toEqual(['negative', true]);
    expect(form(5n)).not.toBe('negative');
  });

  it('about the backing store only succeeds', () => {
    const request = buildRequest('STATFS', HEAD, {});
    const reply = buildReply('STATFS', request, { blocks: 5n } as never);
    expect(normalReply(request, reply)).toBe('ok');
  });

  it('without a body is ok', () => {
    const request = buildRequest('UNLINK', HEAD, { name: 'x' as never });
    expect(normalReply(request, buildReply('UNLINK', request, {}))).toBe('ok');
  });
});

it('the first difference is named', () => {
  expect(firstDifference('mode=1 size=2', 'mode=1 size=3')).toBe('size=3, in the capture size=2');
  expect(firstDifference('a b', 'a')).toBe('nothing, in the capture b');
  expect(firstDifference('a', 'a')).toBe('nothing');
});
