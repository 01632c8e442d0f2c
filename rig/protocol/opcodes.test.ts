/** The opcode and notification tables as data: complete, unambiguous, and pointing at real fields. */
import { describe, expect, it, test } from 'vitest';
import { NOTIFICATIONS } from './notify.ts';
import type { Part } from './op-spec.ts';
import { OP, OP_NAMES, OPCODES, opByName, opName, opOf } from './opcodes.ts';
import { headLayout } from './parts.ts';

/** Opcodes that protocol 7.45 leaves out of 1..53. */
const HOLES = [7, 19];

test('the table has every opcode of the protocol once, in order', () => {
  const wanted = Array.from({ length: 53 }, (_, i) => i + 1).filter((n) => !HOLES.includes(n));
  expect(OPCODES.map((op) => op.opcode)).toEqual([...wanted, 4096]);
  expect(new Set(OP_NAMES).size).toBe(OPCODES.length);
});

test('rows are found by number and by name', () => {
  for (const op of OPCODES) {
    expect(opOf(op.opcode)).toBe(op);
    expect(opByName(op.name.toLowerCase())).toBe(op);
  }
  expect(OP.READ.opcode).toBe(15);
  expect(opName(15)).toBe('READ');
  for (const number of [0, 7, 54, 4097, -1, 2 ** 31, 1.5]) expect(opOf(number)).toBeUndefined();
  expect(opName(54)).toBe('OP_54');
  expect(opByName('constructor')).toBeUndefined();
});

/** Names of the flat values that some parts decode to. */
const valueNames = (parts: readonly Part[]): string[] =>
  parts.flatMap((part) => {
    if (part.part === 'struct' || part.part === 'prefix') return Object.keys(part.layout.fields);
    return part.part === 'ext' ? ['ext'] : [part.as];
  });

const bodies = [
  ...OPCODES.map((op) => [op.name, op.request] as const),
  ...OPCODES.flatMap(({ name, reply }) => {
    if (reply.kind === 'none' || reply.kind === 'optional') return [];
    const lists = reply.kind === 'either' ? [reply.zero.parts, reply.other.parts] : [reply.parts];
    return lists.map((parts) => [`reply to ${name}`, parts] as const);
  }),
  ...NOTIFICATIONS.map((spec) => [`NOTIFY_${spec.name}`, spec.parts] as const),
];

describe.each(bodies)('%s', (_, parts) => {
  it('gives every value a name of its own', () => {
    const names = valueNames(parts);
    expect(new Set(names).size).toBe(names.length);
  });

  it('announces lengths and counts in its first structure', () => {
    for (const part of parts) {
      const field = part.part === 'array' ? part.count : 'size' in part ? part.size : undefined;
      if (field !== undefined) expect(headLayout(parts)?.fields[field]?.type).toBe('u32');
    }
  });

  it('has only one part of open length, the last before the extensions', () => {
    const closed = parts.filter(({ part }) => part !== 'ext').slice(0, -1);
    for (const { part } of closed) expect(['struct', 'name']).toContain(part);
  });
});

test.each(OPCODES.map((op) => [op.name, op] as const))('%s looks at fields it has', (_, op) => {
  const { reply } = op;
  const fields: string[] = [];
  for (const test of [op.background, op.force])
    if (typeof test === 'object') fields.push(test.field);
  if (reply.kind === 'either') fields.push(reply.field);
  const variable = reply.kind === 'either' ? reply.other : reply;
  if (variable.kind === 'variable' && typeof variable.max === 'object') {
    fields.push(variable.max.field);
  }
  for (const field of fields) expect(headLayout(op.request)?.fields[field]?.type).toBe('u32');
});
