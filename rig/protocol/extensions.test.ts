/** Extension blobs: the forms the kernel sends, round trips, and blobs that lie. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { extArb, runs } from './arbitraries.ts';
import { ProtocolError, writeU32 } from './cursor.ts';
import { decodeExtensions, encodeExtensions } from './extensions.ts';

const text = (name: string) => new TextEncoder().encode(name);

describe('extensions', () => {
  it('without a label are exactly {8, 0}', () => {
    const blob = encodeExtensions([{ kind: 'secctx', contexts: [] }]);
    expect([...blob]).toEqual([8, 0, 0, 0, 0, 0, 0, 0]);
    expect(decodeExtensions(blob)).toEqual([{ kind: 'secctx', contexts: [] }]);
  });

  it('hold contexts padded to 8 bytes, then groups', () => {
    const list = [
      {
        kind: 'secctx' as const,
        contexts: [{ name: text('security.selinux'), value: text('u:r:t:s0') }],
      },
      { kind: 'groups' as const, groups: [1000, 27, 4] },
    ];
    const blob = encodeExtensions(list);
    // header 8, record 8 + 17 + 8 = 33 padded to 40; header 8, count 4 + 12 padded to 16.
    expect(blob.length).toBe(48 + 24);
    expect(decodeExtensions(blob)).toEqual(list);
  });

  it('of unknown types are kept as bytes', () => {
    const list = [{ kind: 'unknown' as const, type: 40, body: new Uint8Array(16).fill(9) }];
    expect(decodeExtensions(encodeExtensions(list))).toEqual(list);
  });

  it('return what was built, in whole 8-byte units', () => {
    fc.assert(
      fc.property(extArb, (blob) => {
        expect(blob.length % 8).toBe(0);
        expect(encodeExtensions(decodeExtensions(blob))).toEqual(blob);
      }),
      runs(200),
    );
  });

  it('cut short or random give a ProtocolError at most', () => {
    fc.assert(
      fc.property(extArb, fc.nat(), fc.uint8Array({ maxLength: 120 }), (blob, cut, noise) => {
        for (const bytes of [blob.subarray(0, cut % (blob.length + 1)), noise]) {
          try {
            decodeExtensions(bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(ProtocolError);
          }
        }
      }),
      runs(300),
    );
  });

  it('with counts and sizes that lie allocate nothing', () => {
    const groups = encodeExtensions([{ kind: 'groups', groups: [1] }]);
    writeU32(groups, 8, 0xffffffff);
    expect(() => decodeExtensions(groups)).toThrow('supp_groups.nr_groups');
    const contexts = encodeExtensions([
      { kind: 'secctx', contexts: [{ name: text('a'), value: text('b') }] },
    ]);
    writeU32(contexts, 8, 0xffffffff);
    expect(() => decodeExtensions(contexts)).toThrow('secctx.size');
    writeU32(contexts, 0, 4);
    expect(() => decodeExtensions(contexts)).toThrow('secctx_header.size');
  });
});
