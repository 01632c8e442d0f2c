/** What counts as plain msgpack, and what does not: byte by byte. */
import { describe, expect, it } from 'vitest';
import { isPlain } from './plain.ts';

const plain = (hex: string): boolean => isPlain(Buffer.from(hex.replace(/\s/g, ''), 'hex'));

describe('isPlain', () => {
  it.each([
    ['an empty map', '80'],
    ['a map', '82 a161 01 a162 c0'],
    ['a map inside an array inside a map', '81 a161 91 81 a162 c3'],
    ['map16 and array16', 'de0001 a161 dc0001 ff'],
    ['map32 and array32', 'df00000001 a161 dd00000001 7f'],
    ['str8, str16, str32', '93 d90161 da000161 db0000000161'],
    [
      'every integer',
      '98 cc00 cd0000 ce00000000 cf0000000000000000 d000 d10000 d200000000 d30000000000000000',
    ],
    ['a float64', 'cb7ff0000000000000'],
  ])('takes %s', (_, hex) => expect(plain(hex)).toBe(true));

  it.each([
    ['nothing', ''],
    ['two values', '01 02'],
    ['the type nobody uses', 'c1'],
    ['an array of 2^32 - 1 elements', 'ddffffffff'],
    ['a map of 2^32 - 1 pairs', 'dfffffffff'],
    ['an array with more elements than bytes', '92 00'],
    ['a string past the end', 'a461'],
    ['a str32 past the end', 'dbffffffff61'],
    ['a length cut off', 'da00'],
    ['a number cut off', 'cb7ff0'],
    ['a map with a number as key', '81 01 02'],
    ['a map with a map as key', '81 80 02'],
    ['binary', 'c40100'],
    ['float32', 'ca00000000'],
    ['fixext', 'd4 00 00'],
    ['ext8, msgpackr regular expressions for one', 'c7 01 78 00'],
    ['nine arrays', '91 91 91 91 91 91 91 91 91 00'],
  ])('refuses %s', (_, hex) => expect(plain(hex)).toBe(false));

  it('takes seven arrays, and refuses 10,000 without a deep stack', () => {
    expect(plain(`${'91'.repeat(7)}00`)).toBe(true);
    expect(plain(`${'91'.repeat(10_000)}00`)).toBe(false);
  });
});
