/** Directory streams: other order, other portions, other cookies, the same set of names. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeDirents } from '../rig/protocol/dirents.ts';
import { DirectoryStream } from './directory.ts';

const SEED = Number(process.env.FUSE_RIG_SEED ?? 1);
const END = new Uint8Array(0);

/** A portion: names with the cookie behind each, and with node ids a READDIRPLUS portion. */
function portion(...names: [string, number, bigint?][]): Uint8Array {
  const plus = names.some(([, , nodeid]) => nodeid !== undefined);
  return encodeDirents(
    names.map(([name, off, nodeid]) => ({
      ino: 1n,
      off: BigInt(off),
      type: 8,
      name: Buffer.from(name),
      ...(plus ? { entry: { nodeid: nodeid ?? 0n } } : {}),
    })),
    plus,
  );
}

describe('the offset', () => {
  it('is found again by the name before it', () => {
    const stream = new DirectoryStream();
    expect(stream.offset(0n)).toBe(0n);
    stream.add(portion(['a', 1], ['b', 2]), portion(['b', 10], ['a', 20]), false, false);
    expect([stream.offset(1n), stream.offset(2n), stream.offset(99n)]).toEqual([20n, 10n, 20n]);
  });

  it('begins again at 0', () => {
    const stream = new DirectoryStream();
    stream.add(portion(['a', 1]), portion(['b', 10]), false, false);
    stream.add(END, END, false, false);
    expect(stream.difference()).toEqual({ missing: ['a'], extra: ['b'] });
    expect(stream.offset(0n)).toBe(0n);
    expect(stream.difference()).toBeUndefined();
  });
});

describe('the names', () => {
  it('are compared as sets, when both sides have seen the end', () => {
    const stream = new DirectoryStream();
    stream.add(portion(['a', 1], ['b', 2]), portion(['b', 10]), false, false);
    expect([stream.difference(), stream.unfinished]).toEqual([undefined, undefined]);
    stream.add(END, portion(['c', 30]), false, false);
    expect(stream.unfinished).toBe(30n);
    stream.addOwn(portion(['a', 40]), false);
    expect(stream.unfinished).toBe(40n);
    stream.addOwn(END, false);
    expect([stream.unfinished, stream.difference()]).toEqual([
      undefined,
      { missing: [], extra: ['c'] },
    ]);
  });

  it('bind the nodes that READDIRPLUS looked up, but not . and ..', () => {
    const stream = new DirectoryStream();
    const captured = portion(['.', 1, 9n], ['a', 2, 7n], ['b', 3, 8n], ['c', 4, 0n]);
    const bindings = stream.add(captured, portion(['b', 1, 80n], ['c', 2, 90n]), true, true);
    expect(bindings).toEqual([
      { captured: 7n, run: 0n },
      { captured: 8n, run: 80n },
    ]);
  });

  it('are not compared where two opens share a handle', () => {
    const stream = new DirectoryStream();
    stream.shared = true;
    stream.add(portion(['a', 1]), portion(['b', 1]), false, false);
    stream.add(END, END, false, false);
    expect(stream.difference()).toBeUndefined();
  });

  it.each([1, 2, 3, 7])('agree however %i at a time are delivered', (size) => {
    const unique = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 8 }).filter(isName));
    fc.assert(
      fc.property(unique, (names) => {
        const stream = new DirectoryStream();
        stream.offset(0n);
        const here = [...names].reverse();
        for (let i = 0; i < Math.max(1, names.length); i += size) {
          const cut = (list: string[], shift: number) =>
            portion(...list.slice(i, i + size).map((n, j): [string, number] => [n, i + j + shift]));
          stream.add(cut(names, 1), cut(here, 1000), false, false);
        }
        stream.add(END, END, false, false);
        expect(stream.difference()).toEqual({ missing: [], extra: [] });
      }),
      { seed: SEED, numRuns: 50 },
    );
  });
});

describe('a server that reads on for ever', () => {
  it('is asked no more once it comes back to a place', () => {
    const stream = new DirectoryStream();
    stream.add(portion(['a', 1]), portion(['a', 5]), false, false);
    stream.add(END, portion(['b', 6]), false, false);
    stream.addOwn(portion(['a', 5]), false);
    expect(stream.unfinished).toBe(5n);
    stream.addOwn(portion(['b', 6]), false);
    expect(stream.unfinished).toBe(6n);
    stream.addOwn(portion(['a', 5]), false);
    expect(stream.unfinished).toBeUndefined();
  });

  it('is asked no more once nobody can read its names', () => {
    const stream = new DirectoryStream();
    stream.add(END, portion(['a', 5]), false, false);
    const bad = portion(['a', 6]);
    bad.set([0, 0, 0, 0], 16);
    stream.addOwn(bad, false);
    expect(stream.unfinished).toBeUndefined();
  });
});

function isName(name: string): boolean {
  return !/[/\0]/.test(name);
}
