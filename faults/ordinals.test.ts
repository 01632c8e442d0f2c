/** The n-th request is the capture's n-th, whichever of those under way together comes to the moment first. */
import { expect, it } from 'vitest';
import type { Moment, MomentName } from '../rig/decider.ts';
import { OP } from '../rig/protocol/opcodes.ts';
import { PlanDecider } from './decider.ts';
import { parseRule } from './parse.ts';

const READ = OP.READ.opcode;

const moment = (name: MomentName, index: number | undefined, unique: number, opcode = READ) =>
  ({
    ...{ name, transport: 'device', handle: 1, conn: 1, tid: 1, opcode, nodeid: 1n, size: 80 },
    ...{ unique: BigInt(unique), queue: -1, entry: -1, splice: false, nonblock: false },
    ...{ inFlight: 1, ...(index === undefined ? {} : { index }) },
  }) as Moment;

function fired(rule: string, moments: readonly Moment[]): bigint[] {
  const decider = new PlanDecider([parseRule(rule)]);
  return moments.filter((one) => decider.decide(one).length > 0).map(({ unique }) => unique);
}

it('counts requests as they are asked', () => {
  const asked = [moment('ask', 1, 0), moment('ask', 2, 0), moment('ask', 3, 0)];
  const replies = [moment('reply', 2, 12), moment('reply', 3, 13), moment('reply', 1, 11)];
  expect(fired('READ:write=EFAULT:when=1', [...asked, ...replies])).toEqual([11n]);
  expect(fired('READ:write=EFAULT:when=3', [...asked, ...replies])).toEqual([13n]);
  expect(fired('write=EFAULT:when=2..', [...asked, ...replies])).toEqual([12n, 13n]);
});

it('counts only those that fit the rule, and each message once', () => {
  const asked = [moment('ask', 1, 0, OP.LOOKUP.opcode), moment('ask', 2, 0), moment('ask', 3, 0)];
  const read = [moment('deliver', 2, 12), moment('deliver', 2, 12), moment('deliver', 3, 13)];
  expect(fired('READ:read=EINTR:when=2', [...asked, ...read])).toEqual([13n]);
});

it('has a number for each piece of a request that is asked in pieces', () => {
  const asked = [moment('ask', 1, 0), moment('ask', 1, 0), moment('ask', 2, 0)];
  const replies = [moment('reply', 1, 11), moment('reply', 1, 12), moment('reply', 2, 13)];
  expect(fired('READ:write=EFAULT:when=2', [...asked, ...replies])).toEqual([12n]);
});

it('counts moments as they come where nothing is asked, and where a rule asks for more', () => {
  const live = [moment('reply', undefined, 12), moment('reply', undefined, 11)];
  expect(fired('READ:write=EFAULT:when=1', live)).toEqual([12n]);
  const asked = [moment('ask', 1, 0), moment('ask', 2, 0)];
  const replies = [moment('reply', 2, 12), moment('reply', 1, 11)];
  expect(fired('READ:write=EFAULT:inflight=1:when=1', [...asked, ...replies])).toEqual([12n]);
  expect(fired('READ:write=EFAULT:size=80:when=1', [...asked, ...replies])).toEqual([11n]);
});
