/**
 * The published schema of plans is what the lists say. After a change of these:
 * FUSE_RIG_SCHEMA=write npx vitest run faults/schema
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { anyRule } from './arbitraries.ts';
import { FAULTS } from './list.ts';
import { parsePlan } from './plan.ts';
import { type Rule, ruleText } from './rule.ts';
import { planSchema } from './schema.ts';
import { type Schema, takes } from './testing/json_schema.ts';

const FILE = fileURLToPath(new URL('plan.schema.json', import.meta.url));
const text = `${JSON.stringify(planSchema(), null, 2)}\n`;

if (process.env.FUSE_RIG_SCHEMA === 'write') writeFileSync(FILE, text);

it('faults/plan.schema.json is what the lists of faults, points and matchers say', () => {
  expect(readFileSync(FILE, 'utf8')).toBe(text);
});

const schemaTakes = (yaml: string): boolean => takes(planSchema() as Schema, parse(yaml));

function programTakes(yaml: string): boolean {
  try {
    parsePlan(yaml, 'p.yaml');
    return true;
  } catch {
    return false;
  }
}

/** The rule as a map; numbers as such, or in quotes. */
function mapOf(rule: Rule, numbers: boolean): Record<string, unknown> {
  const parts = ruleText(rule).split(':');
  const given = (text: string) => (numbers && /^\d+$/.test(text) ? Number(text) : text);
  const messages = rule.messages === undefined ? undefined : (parts.shift() ?? '');
  const [fault = '', ...rest] = parts;
  const [name = '', value] = fault.split('=');
  const pairs = rest.map((part) => part.split('=')).map(([k = '', v = '']) => [k, given(v)]);
  return {
    ...(messages === undefined ? {} : { messages: numbers ? messages : messages.split(',') }),
    fault: name,
    ...(value === undefined ? {} : { value: given(value) }),
    ...Object.fromEntries(pairs),
  };
}

const KEYS = ['value: EINTR', 'value: twice', 'value: 3', 'at: delivered', 'at: before-init'];
const MORE = ['until: 2', 'queue: 1', 'entry: 1', 'transport: device', 'transport: ring'];
const ODD = ['messages: READ', 'messages: [READ, READ]', 'messages: read', 'when: 0', 'when: 3+0'];

describe('the schema and the program', () => {
  it('take every rule that there is', () => {
    fc.assert(
      fc.property(anyRule, fc.boolean(), (rule, numbers) => {
        const yaml = JSON.stringify({ rules: [mapOf(rule, numbers)] });
        expect([yaml, schemaTakes(yaml)]).toEqual([yaml, true]);
        expect([yaml, programTakes(yaml)]).toEqual([yaml, true]);
      }),
      { seed: Number(process.env.FUSE_RIG_SEED ?? 5), numRuns: 300 },
    );
  });

  it('refuse the same of all other keys with every fault', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...FAULTS.map(({ name }) => name)),
        fc.subarray([...KEYS, ...MORE, ...ODD], { maxLength: 4 }),
        (fault, keys) => {
          const names = keys.map((key) => key.split(':')[0]);
          fc.pre(new Set(names).size === names.length);
          const yaml = `rules: [{${[`fault: ${fault}`, ...keys].join(', ')}}]`;
          expect([yaml, schemaTakes(yaml)]).toEqual([yaml, programTakes(yaml)]);
        },
      ),
      { seed: Number(process.env.FUSE_RIG_SEED ?? 5), numRuns: 1500 },
    );
  });

  it.each([
    'seed: 1e300\nrules: [read=EINTR]',
    'rules: [{fault: read=EINTR}]',
    'rules: [{messages: "read=EINTR", fault: when=3}]',
    'rules: [{messages: ["READ,WRITE"], fault: read, value: EINTR}]',
    'rules: ["read=EINTR "]',
    'rules: [{fault: read, value: EINTR, when: 1e21}]',
    'rules: [{fault: clone-loss, at: commit}]',
  ])('refuse %s', (yaml) => {
    expect([schemaTakes(yaml), programTakes(yaml)]).toEqual([false, false]);
  });

  it('take anchors and their aliases', () => {
    const yaml = 'rules:\n  - &a {fault: abort, at: delivered}\n  - *a\n';
    expect([schemaTakes(yaml), programTakes(yaml)]).toEqual([true, true]);
  });
});
