/**
 * The published schema of plans is what the lists say. After a change of these:
 * FUSE_RIG_SCHEMA=write npx vitest run faults/schema
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { planSchema } from './schema.ts';

const FILE = fileURLToPath(new URL('plan.schema.json', import.meta.url));
const text = `${JSON.stringify(planSchema(), null, 2)}\n`;

if (process.env.FUSE_RIG_SCHEMA === 'write') writeFileSync(FILE, text);

it('faults/plan.schema.json is what the lists of faults, points and matchers say', () => {
  expect(readFileSync(FILE, 'utf8')).toBe(text);
});
