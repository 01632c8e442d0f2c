// A campaign's order of runs: shards, what was done before, and where it stops.
import { describe, expect, it } from 'vitest';
import { parseRule } from '../parse.ts';
import { type Campaign, explore, isAudited } from './explore.ts';
import { hang, outcome } from './testing/sessions.ts';

const plans = { at: (index: number) => [parseRule(`LOOKUP:read=EINTR:when=${index + 1}`)] };
const numberOf = (plan: readonly string[]): number => parseRule(plan[0] as string).when.first - 1;

/** Runs a campaign whose runs `bad` fail; returns those that were made, in the order they ended. */
async function made(over: Partial<Campaign>, bad: number[] = [], stopAfter = 1e9) {
  const campaign = { plans, runs: 40, jobs: 3, keepGoing: true, done: new Set<number>(), ...over };
  const told: number[] = [];
  const audited: number[] = [];
  const whole = await explore(campaign, {
    run: async (plan, twice) => {
      const index = numberOf(plan);
      if (twice) audited.push(index);
      // Some take longer than others.
      for (let i = 0; i < (index * 7) % 5; i++) await undefined;
      return outcome(plan, bad.includes(index) ? [hang()] : []);
    },
    tell: ({ index }) => told.push(index),
    stopped: () => told.length >= stopAfter,
  });
  const sorted = [...told].sort((a, b) => a - b);
  return { whole, told, sorted, audited };
}

const all = Array.from({ length: 40 }, (_, i) => i);

describe('a campaign', () => {
  it('makes every run once, one in twenty twice', async () => {
    const { whole, sorted, audited } = await made({});
    expect(sorted).toEqual(all);
    expect(whole).toBe(true);
    expect(audited.sort((a, b) => a - b)).toEqual(all.filter(isAudited));
    expect(audited).toEqual([0, 20]);
  });

  it('is the sum of its shards', async () => {
    const shards = await Promise.all(
      [1, 2, 3].map((index) => made({ shard: { index, count: 3 } })),
    );
    const runs = shards.flatMap(({ told }) => told);
    expect(new Set(runs).size).toBe(runs.length);
    expect(runs.sort((a, b) => a - b)).toEqual(all);
  });

  it('goes on where it was stopped', async () => {
    const first = await made({}, [], 15);
    expect(first.whole).toBe(false);
    expect(first.told.length).toBeLessThan(20);
    const second = await made({ done: new Set(first.told) });
    expect([...first.told, ...second.told].sort((a, b) => a - b)).toEqual(all);
  });

  it('stops at the first failure, once the runs on their way have ended', async () => {
    const { whole, told } = await made({ keepGoing: false }, [11]);
    expect(whole).toBe(false);
    expect(told).toContain(11);
    expect(told.length).toBeLessThan(11 + 4);
  });

  it('goes on after failures if it is told to', async () => {
    expect((await made({}, [0, 11, 12])).sorted).toEqual(all);
  });
});
