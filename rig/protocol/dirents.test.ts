/** Directory records: sizes, the kernel's ways to end and to refuse a list, round trips. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layoutArb, nameArb, runs } from './arbitraries.ts';
import { ProtocolError, writeU32 } from './cursor.ts';
import { type DirentInit, decodeDirents, direntSize, encodeDirents } from './dirents.ts';
import type { Args } from './parts.ts';
import { DIRENT, ENTRY_OUT } from './structs-common.ts';

const text = (name: string) => new TextEncoder().encode(name);
const entry = (name: string): DirentInit => ({ ino: 7n, off: 1n, type: 8, name: text(name) });

describe.each([
  ['READDIR', false],
  ['READDIRPLUS', true],
] as const)('%s', (_, plus) => {
  const head = plus ? 152 : 24;

  it('returns what was built', () => {
    const record = fc.tuple(layoutArb(DIRENT), layoutArb(ENTRY_OUT), nameArb);
    const list = fc.array(
      record.map(([{ namelen: _, ...dirent }, full, name]) => {
        const made = { ...dirent, name } as DirentInit;
        return plus ? { ...made, entry: full as NonNullable<DirentInit['entry']> } : made;
      }),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(list, (dirents) => {
        expect(decodeDirents(encodeDirents(dirents, plus), plus)).toEqual(dirents);
      }),
      runs(100),
    );
  });

  it('pads records to 8 bytes', () => {
    expect(direntSize(1, plus)).toBe(head + 8);
    expect(direntSize(8, plus)).toBe(head + 8);
    expect(direntSize(9, plus)).toBe(head + 16);
    expect(encodeDirents([entry('a'), entry('123456789')], plus).length).toBe(2 * head + 24);
  });

  it('takes as many as fit', () => {
    const two = [entry('a'), entry('b')];
    expect(encodeDirents(two, plus, 2 * head + 15).length).toBe(head + 8);
    expect(encodeDirents(two, plus, 2 * head + 16).length).toBe(2 * head + 16);
    expect(encodeDirents(two, plus, 0).length).toBe(0);
  });

  it('ends in silence at a record that is cut', () => {
    const body = encodeDirents([entry('a'), entry('b')], plus);
    for (let size = 0; size <= body.length; size++) {
      const whole = Math.floor(size / (head + 8));
      expect(decodeDirents(body.subarray(0, size), plus).length).toBe(whole);
    }
  });

  it('refuses names without length, beyond 4095 bytes, and with a slash', () => {
    const body = encodeDirents([entry('abc')], plus);
    const namelen = head - 8;
    for (const length of [0, 4096, 0xffffffff]) {
      const broken = body.slice();
      writeU32(broken, namelen, length);
      expect(() => decodeDirents(broken, plus)).toThrow(ProtocolError);
    }
    expect(() => decodeDirents(encodeDirents([entry('a/b')], plus), plus)).toThrow('a slash');
    const most = entry('x'.repeat(4095));
    expect(decodeDirents(encodeDirents([most], plus), plus)[0]?.name).toEqual(most.name);
  });

  it('survives random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (noise) => {
        try {
          const list: readonly Args[] = decodeDirents(noise, plus) as never;
          expect(list.length).toBeLessThanOrEqual(noise.length / head);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      runs(200),
    );
  });
});
