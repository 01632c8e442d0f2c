/**
 * docs/faults.md has every fault and every point, as the lists have them. After a change of these:
 * FUSE_RIG_DOCS=write npx vitest run faults/documents
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { ChangeFault, Fault } from './fault.ts';
import { FAULTS } from './list.ts';
import { parseRule } from './parse.ts';
import { POINTS } from './points.ts';

const FILE = fileURLToPath(new URL('../docs/faults.md', import.meta.url));
const text = readFileSync(FILE, 'utf8');

/** What says nothing more of the request than the row does. */
const QUIET = ['none', 'altered', 'may-fail', 'may-die'];

function rows(fault: Fault): string[] {
  const { name, does } = fault;
  const where = fault.transports.join(', ');
  if (fault.kind === 'teardown') {
    return [`| \`${name}\` | ${where} | ${does} | ${fault.possible ?? 'synthetic'} |`];
  }
  if (fault.kind === 'quota') {
    return [`| \`${name}=N\` | ${where} | ${does} | ${fault.possible} |`];
  }
  if (fault.kind === 'change')
    return [`| \`${name}=\` | ${where} | ${does} | ${changeCell(fault)} |`];
  const errnos = fault.errnos.map(({ errno, possible, fate }) => {
    const known = QUIET.includes(fate) ? '' : `, ${fate}`;
    return `\`${errno}\`${known}: ${possible ?? 'synthetic'}`;
  });
  return [`| \`${name}=\` | ${where} | ${does} | ${errnos.join('<br>')} |`];
}

/** Flags of INIT are too many to list, and all alike. */
const WORDS_MAX = 8;

function changeCell({ numbers, words = [] }: ChangeFault): string {
  if (numbers !== undefined)
    return `${numbers.least} to ${numbers.most}: ${numbers.possible ?? 'synthetic'}`;
  if (words.length > WORDS_MAX)
    return `\`${words[0]?.word}\` and all others of INIT: ${words[0]?.possible}`;
  const cells = words.map(
    ({ word, does, possible }) => `\`${word}\`, ${does}: ${possible ?? 'synthetic'}`,
  );
  return cells.join('<br>');
}

const faults = [
  '| fault | on | what happens | possible, and by which function of the kernel |',
  '| --- | --- | --- | --- |',
  ...FAULTS.flatMap(rows),
].join('\n');

const points = [
  '| `at=` | on | when |',
  '| --- | --- | --- |',
  ...POINTS.map((p) => `| \`${p.name}\` | ${p.transports.join(', ')} | ${p.when} |`),
].join('\n');

const written = (whole: string): string =>
  whole
    .replace(
      /(<!-- table of faults: .* -->\n)[\s\S]*?(<!-- end of the table -->)/,
      `$1\n${faults}\n\n$2`,
    )
    .replace(
      /(<!-- table of points -->\n)[\s\S]*?(<!-- end of the points -->)/,
      `$1\n${points}\n\n$2`,
    );

if (process.env.FUSE_RIG_DOCS === 'write') writeFileSync(FILE, written(text));

describe('docs/faults.md', () => {
  it('has the faults and the points of the lists', () => {
    expect(written(text)).toBe(readFileSync(FILE, 'utf8'));
    for (const { name } of [...FAULTS, ...POINTS]) expect(written(text)).toContain(`| \`${name}`);
  });

  it('shows rules that parse', () => {
    const shown = [...text.matchAll(/--fault (\S+)/g)].map(([, rule = '']) => rule);
    expect(shown.length).toBeGreaterThan(4);
    for (const rule of shown) expect(() => parseRule(rule)).not.toThrow();
  });
});
