/** Who keeps something of every session, and who only seems to. */
import { describe, expect, it } from 'vitest';
import type { SessionEndEvent } from '../events.ts';
import { Sessions } from './sessions.ts';

const MIB = 1 << 20;
const QUIET = { descriptors: 9, threads: 4, mappings: 60, locked: 0, memory: 3 * MIB };

/** The verdict on so many sessions; `held`: what there is at the end of the n-th, beside the usual. */
function judged(sessions: number, held: (n: number) => Partial<SessionEndEvent> = () => ({})) {
  const check = new Sessions();
  for (let n = 1; n <= sessions; n++) {
    check.take({ kind: 'session-end', t: n, session: n, ...QUIET, ...held(n) });
  }
  return check.findings().map(({ verdict, text }) => `${verdict} ${text}`);
}

describe('of every session a server keeps', () => {
  it.each([
    ['a descriptor', 12, (n: number) => ({ descriptors: 9 + n }), /^fail .* 1 descriptor of every/],
    ['two threads', 12, (n: number) => ({ threads: 2 * n }), /^fail .* 2 threads of every/],
    ['a mapping', 100, (n: number) => ({ mappings: 60 + n }), /^fail .* 1 mapping of every/],
    ['locked memory', 12, (n: number) => ({ locked: n * 65536 }), /^fail .* 0.1 MiB of locked mem/],
    ['memory', 20, (n: number) => ({ memory: (3 + 4 * n) * MIB }), /^fail .* 4.0 MiB of memory/],
    // With a count that is not always the same, and more of some sessions than of others.
    ['some', 20, (n: number) => ({ descriptors: 9 + n + (n % 4 === 0 ? 2 : 0) }), /^fail/],
  ])('%s', (_, sessions, held, said) => {
    expect(judged(sessions, held)).toEqual([expect.stringMatching(said)]);
  });
});

describe('nothing is said of a server that', () => {
  it.each([
    ['holds what it held', () => ({})],
    ['has grown once', (n: number) => ({ descriptors: n < 30 ? 9 : 12, threads: n < 20 ? 4 : 9 })],
    ['fills a pool', (n: number) => ({ threads: Math.min(n, 16), mappings: 60 + Math.min(n, 16) })],
    ['fills a larger pool', (n: number) => ({ descriptors: 9 + Math.min(n, 24) })],
    [
      'has more now and then',
      (n: number) => ({ descriptors: 9 + (n % 3), mappings: 60 + (n % 7) }),
    ],
    ['gets slower in growing', (n: number) => ({ mappings: 60 + Math.floor(40 * (1 - 0.9 ** n)) })],
    ['collects its garbage', (n: number) => ({ memory: (20 + 3 * (n % 12)) * MIB })],
    ['has collected none yet', (n: number) => ({ memory: (20 + 0.5 * n) * MIB })],
  ])('%s', (_, held) => {
    expect(judged(40, held)).toEqual([expect.stringMatching(/^pass 40 sessions: /)]);
  });

  it('had few sessions, or one', () => {
    const held = (n: number) => ({ descriptors: 9 + n });
    expect(judged(11, held)).toEqual([expect.stringMatching(/^pass 11 sessions, too few/)]);
    expect(judged(1)).toEqual([expect.stringMatching(/^pass one session: .*not mount again/)]);
    expect(judged(0)).toEqual([]);
  });
});
