/** Plan files: what they say, and how what is none is refused with its line and column. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyRule } from './arbitraries.ts';
import { parseRule } from './parse.ts';
import { parsePlan } from './plan.ts';
import { type Rule, ruleText } from './rule.ts';
import { PlanError } from './rule_error.ts';

const texts = (yaml: string): string[] => parsePlan(yaml, 'p.yaml').rules.map(ruleText);

describe('a plan', () => {
  it('takes rules as text and as maps, and a seed', () => {
    const yaml = [
      'seed: 7',
      'rules:',
      '  - READ:read=EINTR:when=3',
      '  - fault: abort',
      '    at: cqe-before-commit',
      '    when: 2',
      '  - {messages: [READ, WRITE], fault: cqe, value: ENOTCONN, when: 3..9+2, queue: 0}',
      '  - {fault: sigterm, value: twice, at: delivered, inflight: 3}',
      "  - messages: '*'",
      '    fault: write',
      '    value: EFAULT',
    ].join('\n');
    expect(parsePlan(yaml, 'p.yaml').seed).toBe(7);
    expect(texts(yaml)).toEqual([
      'READ:read=EINTR:when=3',
      'abort:at=cqe-before-commit:when=2',
      'READ,WRITE:cqe=ENOTCONN:when=3..9+2:queue=0',
      'sigterm=twice:at=delivered:inflight=3',
      '*:write=EFAULT',
    ]);
  });

  it('has no seed where it names none', () => {
    expect(parsePlan('rules: [read=EINTR]', 'p.yaml').seed).toBeUndefined();
  });

  it('says the same as a map as it does as text', () => {
    fc.assert(
      fc.property(anyRule, (rule) => {
        const yaml = `rules: [${JSON.stringify(asMap(rule))}]`;
        expect(texts(yaml)).toEqual([ruleText(rule)]);
      }),
      { seed: Number(process.env.FUSE_RIG_SEED ?? 5), numRuns: 300 },
    );
  });
});

/** The keys that plan.schema.json gives a rule. */
function asMap(rule: Rule): Record<string, unknown> {
  const parts = ruleText(rule).split(':');
  const map: Record<string, unknown> = { fault: rule.fault.name };
  if (rule.messages !== undefined) map.messages = (parts.shift() ?? '').split(',');
  const given = (value: string): unknown => (/^\d+$/.test(value) ? Number(value) : value);
  const [, outcome] = (parts[0] ?? '').split('=');
  if (outcome !== undefined) map.value = given(outcome);
  for (const part of parts.slice(1)) {
    const [key = '', value = ''] = part.split('=');
    map[key] = given(value);
  }
  return map;
}

const MALFORMED: readonly (readonly [string, RegExp])[] = [
  ['', /^p.yaml:1:1: no map of keys; begin with rules:/],
  ['- read=EINTR', /^p.yaml:1:1: no map of keys/],
  ['read=EINTR', /^p.yaml:1:1: no map of keys/],
  ['seed: 7', /^p.yaml:1:1: no list of rules/],
  ['rules:', /no list of rules; write rules: and a line - RULE/],
  ['rules: read=EINTR', /^p.yaml:1:8: no list of rules/],
  ['rules: []', /^p.yaml:1:8: no rule in rules; write at least one/],
  ['rules: [read=EINTR]\nsed: 7', /^p.yaml:2:1: no such key, "sed"; did you mean seed\?/],
  ['rules: [read=EINTR]\nseed: x', /^p.yaml:2:7: seed is no whole number/],
  ['rules: [read=EINTR]\nseed: -1', /^p.yaml:2:7: seed is no whole number/],
  ['rules: [read=EINTR]\nseed: 1.5', /seed is no whole number/],
  ['rules: [read=EINTR]\nseed: [1]', /seed is no whole number/],
  ['rules:\n  - read=EFOO', /^p.yaml:2:10: read does not end with "EFOO"/],
  [
    'rules:\n  - read=EINTR\n  - abrot:at=commit',
    /^p.yaml:3:5: no fault "abrot"; did you mean abort\?/,
  ],
  ['rules: [7]', /^p.yaml:1:9: a rule that is no text; write for instance/],
  ['rules: [null]', /a rule that is no text/],
  ['rules: [[read=EINTR]]', /a rule that is no text and no map/],
  ['rules:\n  - value: EIO', /^p.yaml:2:5: a rule without fault:/],
  ['rules:\n  - fault: read', /^p.yaml:2:12: read without an errno/],
  ['rules:\n  - fault: read\n    value: EFOO', /^p.yaml:3:12: read does not end with "EFOO"/],
  ['rules:\n  - fault: raed\n    value: EIO', /no fault "raed"; did you mean read\?/],
  ['rules:\n  - fault: [read]\n    value: EIO', /fault: is no single word/],
  ['rules:\n  - fault: read\n    value:', /value: is no single word/],
  [
    'rules:\n  - fault: read\n    vaule: EIO',
    /^p.yaml:3:5: no such key, "vaule"; did you mean value\?/,
  ],
  ['rules:\n  - fault: abort\n    at: nowhere', /^p.yaml:3:9: no point "nowhere"/],
  ['rules:\n  - fault: abort', /^p.yaml:2:12: abort without a point/],
  ['rules:\n  - fault: abort\n    at: commit\n    when: 0', /^p.yaml:4:11: when=0; count from 1/],
  ['rules:\n  - fault: abort\n    at: commit\n    when: [1]', /when: is no single word/],
  ['rules:\n  - fault: abort\n    at: commit\n    when: 1:2', /when: is no single word/],
  ['rules:\n  - fault: read\n    value: EIO\n    queue: 0', /^p.yaml:4:12: read has no queue/],
  ['rules:\n  - messages: []\n    fault: read\n    value: EIO', /no opcode in messages/],
  [
    'rules:\n  - messages: [REED]\n    fault: read\n    value: EIO',
    /^p.yaml:2:16: no opcode "REED"; did you mean READ\?/,
  ],
  [
    'rules:\n  - fault: fds\n    value: EMFILE\n    at: asked',
    /^p.yaml:3:12: "EMFILE" is no number/,
  ],
  ['rules:\n  - fault: fds\n    value: 0', /fds without a point/],
  ['rules:\n  - fault: fds\n    value: 0\n    at: asked\n    until: 0', /^p.yaml:5:12: until=0/],
  ['rules:\n  - fault: abort\n    at: commit\n    until: 3', /^p.yaml:4:12: until= with abort/],
  ['rules:\n  - fault: hold\n    value: no', /"no" is no number/],
  ['rules:\n  - fault: interrupt\n    value: soon', /^p.yaml:3:12: interrupt has no "soon"/],
  ['rules: ["read=EFOO"]', /^p.yaml:1:15: read does not end with "EFOO"/],
  ['rules:\n  - READ:read=EINTR:whn=3', /^p.yaml:2:21: no matcher "whn"/],
  ['rules:\n  - {fault: raed, value: EIO}', /^p.yaml:2:13: no fault "raed"/],
  ['rules:\n  - {messages: [READ, WRIET], fault: raed}', /^p.yaml:2:23: no opcode "WRIET"/],
  ['rules:\n  - {messages: read, fault: abort, at: commit}', /^p.yaml:2:16: no opcode "read"/],
  ['rules:\n  - {fault: read=EINTR}', /^p.yaml:2:13: fault: "read=EINTR"; value: takes/],
  ['rules: [read=EINTR', /^p.yaml:1:\d+: .*; see faults\/plan.schema.json/],
  ['rules:\n\t- read=EINTR', /^p.yaml:2:\d+: .*; see faults/],
  ['rules: [read=EINTR]\nrules: [read=EIO]', /^p.yaml:2:1: .*unique/i],
  ['a: &a [*a]', /^p.yaml:1:/],
  ['\0', /^p.yaml:1:/],
];

describe('what is no plan', () => {
  it.each(MALFORMED.map(([yaml, says]) => ({ yaml, says })))(
    'is refused with line, column and a hint: $yaml',
    ({ yaml, says }) => {
      let error: unknown;
      try {
        parsePlan(yaml, 'p.yaml');
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(PlanError);
      expect((error as PlanError).message).toMatch(says);
      expect((error as PlanError).message).toMatch(/^p\.yaml:\d+:\d+: [^\n]+; [^\n]+$/);
    },
  );

  it('is refused when it is too long, before it is read', () => {
    const many = `rules: [${Array.from({ length: 1001 }, () => 'read=EINTR').join(',')}]`;
    expect(() => parsePlan(many, 'p')).toThrow(/1001 rules; use 1000 at most/);
    expect(() => parsePlan(' '.repeat((1 << 20) + 1), 'p')).toThrow(/larger than 1 MiB/);
  });

  it('and a rule that parses is never refused in a plan', () => {
    expect(texts('rules: ["READ:abort:at=commit"]')).toEqual([
      ruleText(parseRule('READ:abort:at=commit')),
    ]);
  });
});
