/** CRC32C as the addon computes it, in blocks side by side, against the sum of one bit after another. */
import { expect, it } from 'vitest';
import { native } from '../../native/load.ts';

const POLYNOMIAL = 0x82f63b78;

function bitwise(bytes: Uint8Array, seed: number): number {
  let crc = ~seed;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  }
  return ~crc >>> 0;
}

// Around a word, and around three parts of 256 and of 8192 bytes.
const SIZES = [0, 1, 7, 8, 9, 767, 768, 769, 1543, 4096, 24_575, 24_576, 24_577, 50_001];

it('is CRC32C at any length and from any seed', () => {
  expect(native.crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283);
  for (const size of SIZES) {
    const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 7919) >> 3);
    for (const seed of [0, 1, 0xffffffff]) {
      expect(native.crc32c(bytes, seed), `${size} bytes`).toBe(bitwise(bytes, seed));
    }
  }
});
