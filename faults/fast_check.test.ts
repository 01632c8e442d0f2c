import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plans, type RuleChoice, rules } from './fast_check.ts';
import { parseRule } from './parse.ts';
import { isChange, isResult, needsRing, pointIn, transportsOf } from './rule.ts';

const RUNS = { numRuns: 500, seed: 1 };
const every = (choice: RuleChoice, holds: (text: string) => boolean): void =>
  fc.assert(fc.property(rules(choice), holds), RUNS);

describe('rules for property tests', () => {
  it('parse, each of them', () => {
    every({ synthetic: true }, (text) => parseRule(text).when.first <= 20);
  });

  it('keep to a transport', () => {
    every({ transport: 'device', synthetic: true }, (text) => !needsRing(parseRule(text)));
    every({ transport: 'ring' }, (text) => {
      const rule = parseRule(text);
      return transportsOf(rule.fault, pointIn(rule)).includes('ring');
    });
  });

  it('are what a kernel does, unless more is asked', () => {
    const possible = (text: string): boolean => {
      const rule = parseRule(text);
      if (isResult(rule)) {
        const row = rule.fault.errnos.find(({ errno }) => errno === rule.errno);
        return row?.possible !== undefined;
      }
      if (!isChange(rule)) return rule.fault.possible !== undefined;
      const word = rule.fault.words?.find((one) => one.word === rule.value);
      return (word ?? rule.fault.numbers)?.possible !== undefined;
    };
    every({}, possible);
    expect(fc.sample(rules({ synthetic: true }), RUNS).every(possible)).toBe(false);
  });

  it('name the messages and moments that are given', () => {
    const choice = { faults: ['read', 'write'], messages: ['READ', 'WRITE'], moments: 3 };
    every(choice, (text) => /^(READ|WRITE):(read|write)=[A-Z]+:when=[123]$/.test(text));
  });

  it('shrink to one rule at the first moment', () => {
    const wrong = (faults: string[]) => faults.every((text) => !text.includes('abort'));
    const { counterexample } = fc.check(fc.property(plans(), wrong), RUNS);
    expect(counterexample?.[0]).toEqual([expect.stringMatching(/^abort:at=[a-z-]+:when=1$/)]);
  });

  it('say what cannot be drawn', () => {
    expect(() => rules({ faults: ['reed'] })).toThrow('no fault "reed"; did you mean read?');
    expect(() => rules({ messages: ['REED'] })).toThrow('no opcode "REED"');
    expect(() => rules({ faults: ['cqe'], transport: 'device' })).toThrow('no fault fits');
  });
});
