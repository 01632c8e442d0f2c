/** Bytes, errnos and INIT bits: the small tables and the checked reads everything rests on. */
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { runs } from './arbitraries.ts';
import { encode } from './codec.ts';
import {
  align8,
  Cursor,
  ProtocolError,
  readS32,
  readS64,
  readU8,
  readU16,
  readU32,
  readU64,
  writeInt,
  writeU64,
} from './cursor.ts';
import { ERRNO, ERRNO_NAMES, errnoName, errnoNumber } from './errno.ts';
import { extBytesOf, gidOf, lenOf, nodeidOf, opcodeOf, pidOf, uidOf, uniqueOf } from './header.ts';
import {
  INIT_FLAG,
  INIT_FLAG_NAMES,
  INIT_FLAGS2,
  joinInitFlags,
  splitInitFlags,
} from './init-flags.ts';
import { IN_HEADER } from './structs-common.ts';

describe('reads and writes', () => {
  it('agree with DataView at every offset', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 16 }), (bytes) => {
        const view = new DataView(bytes.buffer, bytes.byteOffset);
        const copy = new Uint8Array(bytes.length);
        for (let at = 0; at + 8 <= bytes.length; at++) {
          expect(readU8(bytes, at)).toBe(view.getUint8(at));
          expect(readU16(bytes, at)).toBe(view.getUint16(at, true));
          expect(readU32(bytes, at)).toBe(view.getUint32(at, true));
          expect(readS32(bytes, at)).toBe(view.getInt32(at, true));
          expect(readU64(bytes, at)).toBe(view.getBigUint64(at, true));
          expect(readS64(bytes, at)).toBe(view.getBigInt64(at, true));
          writeInt(copy, at, 4, readS32(bytes, at));
          expect(readU32(copy, at)).toBe(readU32(bytes, at));
          writeU64(copy, at, readS64(bytes, at));
          expect(readU64(copy, at)).toBe(readU64(bytes, at));
        }
      }),
      runs(50),
    );
  });

  it('outside the bytes are errors', () => {
    const bytes = new Uint8Array(7);
    for (const read of [readU64, readS64]) expect(() => read(bytes, 0)).toThrow(ProtocolError);
    for (const at of [4, -1, Number.NaN, 2 ** 40]) {
      expect(() => readU32(bytes, at)).toThrow(ProtocolError);
    }
    expect(() => writeU64(bytes, 0, 1n)).toThrow('needs 8 bytes, 7 are available');
  });

  it('of an in_header need no decoding', () => {
    const bytes = encode(IN_HEADER, {
      len: 40,
      opcode: 15,
      unique: 2n ** 63n + 2n,
      nodeid: 3n,
      uid: 4,
      gid: 5,
      pid: 6,
      total_extlen: 7,
    });
    expect([lenOf, opcodeOf, uniqueOf, nodeidOf].map((of) => of(bytes))).toEqual([
      40,
      15,
      2n ** 63n + 2n,
      3n,
    ]);
    expect([uidOf, gidOf, pidOf, extBytesOf].map((of) => of(bytes))).toEqual([4, 5, 6, 56]);
    expect([IN_HEADER.at.unique, IN_HEADER.at.nodeid, IN_HEADER.at.pid]).toEqual([8, 16, 32]);
  });
});

test('a cursor takes pieces in order and says where one is missing', () => {
  const bytes = new TextEncoder().encode('ab\0cd');
  const cursor = new Cursor(bytes);
  expect(cursor.name('S', 'first')).toEqual(bytes.subarray(0, 2));
  expect(cursor.offset).toBe(3);
  expect(() => cursor.name('S', 'second')).toThrow('S.second at offset 3: no NUL ends the name');
  expect(() => cursor.take(3, 'S', 'rest')).toThrow('S.rest at offset 3: needs 3 bytes, 2 are');
  expect(() => cursor.done('S')).toThrow('S.end at offset 3: 2 bytes are left over');
  expect(cursor.take(2, 'S', 'rest')).toEqual(bytes.subarray(3));
  cursor.done('S');
  expect(() => new Cursor(bytes, 0, 2).name('S', 'n')).toThrow(ProtocolError);
  expect([0, 1, 8, 9].map(align8)).toEqual([0, 8, 8, 16]);
});

test('errnos by name and number', () => {
  expect(errnoName(-2)).toBe('ENOENT');
  expect(errnoName(11)).toBe('EAGAIN');
  expect(errnoName(-512)).toBe('ERESTARTSYS');
  expect(errnoName(-41)).toBe('41');
  expect(ERRNO.ENOTCONN).toBe(107);
  expect(errnoNumber('EWOULDBLOCK')).toBe(11);
  expect(errnoNumber('toString')).toBeUndefined();
  expect(new Set(ERRNO_NAMES).size).toBe(ERRNO_NAMES.length);
  // 41 and 58 are the numbers Linux never gave out.
  const numbers = new Set(ERRNO_NAMES.map((name) => ERRNO[name]).filter((n) => n < 512));
  expect(numbers.size).toBe(133 - 2);
  for (const name of ERRNO_NAMES) expect(ERRNO[errnoName(ERRNO[name]) as 'EIO']).toBe(ERRNO[name]);
});

test('INIT bits are one row each and split into two words', () => {
  const masks = INIT_FLAG_NAMES.map((name) => INIT_FLAG[name]);
  expect(masks).toEqual(Array.from({ length: 44 }, (_, bit) => 1n << BigInt(bit)));
  expect(INIT_FLAGS2.bits[0]).toEqual([1, 'SECURITY_CTX']);
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (mask) => {
      const { flags, flags2 } = splitInitFlags(mask);
      const whole = joinInitFlags(flags, flags2);
      expect(whole & ~INIT_FLAG.INIT_EXT).toBe(mask & ~INIT_FLAG.INIT_EXT);
    }),
    runs(100),
  );
});
