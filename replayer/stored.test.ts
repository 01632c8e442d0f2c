import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Stored } from './stored.ts';

const SIZE = 64;

describe('what a server stored', () => {
  it('lies over what the capture had, the last store on top', () => {
    const store = fc.record({
      offset: fc.nat(SIZE),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 16 }),
    });
    fc.assert(
      fc.property(fc.array(store, { maxLength: 20 }), fc.nat(SIZE), (stores, at) => {
        const stored = new Stored();
        const file = new Uint8Array(2 * SIZE).fill(0xee);
        for (const { offset, bytes } of stores) {
          stored.put(7n, offset, bytes);
          file.set(bytes, offset);
        }
        const data = new Uint8Array(16).fill(0xee);
        stored.layOver(7n, at, data);
        expect(data).toEqual(file.subarray(at, at + 16));
      }),
      { seed: 7 },
    );
  });

  it('is gone when a client has written, and is nobody else’s', () => {
    const stored = new Stored();
    stored.put(7n, 0, new Uint8Array([1]));
    const data = new Uint8Array([9]);
    stored.layOver(8n, 0, data);
    stored.drop(7n);
    stored.layOver(7n, 0, data);
    expect(data).toEqual(new Uint8Array([9]));
  });
});
