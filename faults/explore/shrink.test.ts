// Shrinking: the fewest rules, then the fewest requests, and the counts of rules moved along.
import { describe, expect, it } from 'vitest';
import { OP } from '../../rig/protocol/opcodes.ts';
import { parseRule } from '../parse.ts';
import { ruleText } from '../rule.ts';
import { moved, type Piece, shrink } from './shrink.ts';

/** INIT, LOOKUP a, then ten times OPEN, READ and RELEASE of it. */
const pieces: Piece[] = [
  { index: 1, opcode: OP.INIT.opcode, needs: [], kept: true },
  { index: 2, opcode: OP.LOOKUP.opcode, needs: [], kept: false },
  ...Array.from({ length: 10 }, (_, i) => [
    { index: 3 + 3 * i, opcode: OP.OPEN.opcode, needs: [2], kept: false },
    { index: 4 + 3 * i, opcode: OP.READ.opcode, needs: [2, 3 + 3 * i], kept: false },
    { index: 5 + 3 * i, opcode: OP.RELEASE.opcode, needs: [2, 3 + 3 * i], kept: false },
  ]).flat(),
];
const readOf = (i: number) => 4 + 3 * i;

/** The request that the n-th READ of what is left is. */
const nthRead = (left: ReadonlySet<number>, n: number): number | undefined =>
  pieces.filter(({ index, opcode }) => opcode === OP.READ.opcode && left.has(index))[n - 1]?.index;

describe('shrinking', () => {
  it('finds the one rule and the requests that matter', async () => {
    const rules = [
      'LOOKUP:read=EINTR',
      'READ:abort=twice:at=delivered:when=6:queue=0..5',
      'read=EFAULT',
    ];
    const small = await shrink(
      rules.map(parseRule),
      pieces,
      // It takes an abort at the sixth READ, whose file was opened.
      async (left, requests) => {
        const abort = left.find(({ fault }) => fault.name === 'abort');
        return abort !== undefined && nthRead(requests, abort.when.first) === readOf(5);
      },
      500,
    );
    expect(small.rules.map(ruleText)).toEqual(['READ:abort:at=delivered']);
    expect(small.requests).toEqual([1, 2, readOf(5) - 1, readOf(5)]);
  });

  it('says so where no fault is needed', async () => {
    const small = await shrink([parseRule('read=EFAULT')], pieces, async () => true, 500);
    expect(small.rules).toEqual([]);
    expect(small.requests).toEqual([1]);
  });

  it('leaves all as it is where nothing else fails so', async () => {
    const whole = pieces.length;
    const rules = ['READ:read=EINTR:when=3', 'abort:at=init-replied'].map(parseRule);
    const small = await shrink(
      rules,
      pieces,
      async (left, requests) => left.length === 2 && requests.size === whole,
      500,
    );
    expect(small.rules).toEqual(rules);
    expect(small.requests).toHaveLength(whole);
  });

  it('asks no more often than it may', async () => {
    let asked = 0;
    const rules = ['READ:abort:at=delivered:when=6'].map(parseRule);
    const fails = async (left: readonly unknown[]) => {
      asked++;
      return left.length === 1;
    };
    const { tries } = await shrink(rules, pieces, fails, 7);
    expect(asked).toBe(7);
    expect(tries).toBe(7);
  });
});

describe('a rule', () => {
  const left = new Set(pieces.map(({ index }) => index).filter((i) => i < 3 || i > 11));
  const text = (rule: string) => {
    const found = moved(parseRule(rule), pieces, left);
    return found === undefined ? undefined : ruleText(found);
  };

  it('means the same request when others before it are gone', () => {
    expect(text('READ:read=EINTR:when=6')).toBe('READ:read=EINTR:when=3');
    expect(text('READ:abort:at=delivered:when=4')).toBe('READ:abort:at=delivered');
  });

  it('means nothing when its request is gone', () => {
    expect(text('READ:read=EINTR:when=2')).toBeUndefined();
  });

  it('stays where it means no request, or many', () => {
    for (const rule of ['abort:at=before-init', 'read=EINTR:when=2', 'READ:read=EINTR:when=2..']) {
      expect(text(rule)).toBe(rule);
    }
  });
});
