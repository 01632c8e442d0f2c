// What this run asks beside the capture is no moment of any plan.
import { expect, it } from 'vitest';
import type { Decider, Moment, Verdict } from '../rig/decider.ts';
import { OP } from '../rig/protocol/opcodes.ts';
import { CapturedOnly } from './captured_only.ts';
import type { Cursor } from './cursor.ts';

const VERDICTS = [{ rule: 1 }] as unknown as readonly Verdict[];
const cursor = {
  isOwn: (opcode: number, unique: bigint) => opcode === OP.READDIR.opcode && unique === 8n,
  placeOf: (_conn: number, unique: bigint) => Number(unique) / 2,
} as unknown as Cursor;

it('asks the decider about captured requests, and about what is no request', () => {
  const asked: [bigint, number | undefined][] = [];
  const decider: Decider = {
    decide: ({ unique, index }) => {
      asked.push([unique, index]);
      return VERDICTS;
    },
  };
  const only = new CapturedOnly(decider, () => cursor);
  const decide = (opcode: number, unique: bigint) => only.decide({ opcode, unique } as Moment);
  expect(decide(OP.READDIR.opcode, 6n)).toBe(VERDICTS);
  expect(decide(0, 0n)).toBe(VERDICTS);
  expect(decide(OP.READDIR.opcode, 8n)).toEqual([]);
  expect(asked).toEqual([
    [6n, 3],
    [0n, undefined],
  ]);
});
