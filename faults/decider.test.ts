/** When rules come true: what is counted, and what is not. */
import { describe, expect, it } from 'vitest';
import type { Moment } from '../rig/decider.ts';
import { OP } from '../rig/protocol/opcodes.ts';
import { PlanDecider } from './decider.ts';
import { parseRule } from './parse.ts';

const deliver = (unique: number, more: Partial<Moment> = {}): Moment => ({
  ...{ name: 'deliver', transport: 'device', handle: 1, conn: 1, tid: 9, nodeid: 1n, size: 100 },
  ...{ opcode: OP.READ.opcode, unique: BigInt(unique), queue: -1, entry: -1 },
  ...{ splice: false, nonblock: false, inFlight: 1, ...more },
});

/** Uniques at which the rule comes true. */
function hits(rule: string, moments: readonly Moment[]): number[] {
  const decider = new PlanDecider([parseRule(rule)]);
  return moments.flatMap((m) => (decider.decide(m).length > 0 ? [Number(m.unique)] : []));
}

const ten = Array.from({ length: 10 }, (_, n) => deliver(2 * (n + 1)));

describe('a rule', () => {
  it.each([
    ['read=EINTR:when=3', [6]],
    ['read=EINTR:when=8..', [16, 18, 20]],
    ['read=EINTR:when=2..7+2', [4, 8, 12]],
    ['read=EINTR:when=4+3', [8, 14, 20]],
    ['read=EINTR', [2, 4, 6, 8, 10, 12, 14, 16, 18, 20]],
    ['WRITE:read=EINTR', []],
    ['splice-read=EINTR', []],
    ['cqe=EAGAIN', []],
  ])('%s comes true where it says', (rule, expected) => {
    expect(hits(rule, ten)).toEqual(expected);
  });

  it('counts a message once, however often it comes', () => {
    const again = [deliver(2), deliver(2), deliver(2), deliver(4), deliver(4)];
    expect(hits('read=EINTR', again)).toEqual([2, 4]);
  });

  it('without messages means what a client waits for', () => {
    const { INIT, FORGET, BATCH_FORGET, INTERRUPT, READ } = OP;
    const all = [INIT, FORGET, BATCH_FORGET, INTERRUPT, READ].map(({ opcode }, n) =>
      deliver(2 * (n + 1), { opcode }),
    );
    expect(hits('read=EINTR', all)).toEqual([10]);
    expect(hits('*:read=EINTR', all)).toEqual([2, 4, 6, 8, 10]);
    expect(hits('FORGET,INTERRUPT:read=EINTR', all)).toEqual([4, 8]);
  });

  it('chooses by queue, entry, node, size and requests in flight', () => {
    const cqe = (unique: number, more: Partial<Moment>) =>
      deliver(unique, { name: 'cqe', transport: 'ring', queue: 0, entry: 0, ...more });
    const all = [
      cqe(2, {}),
      cqe(4, { queue: 1 }),
      cqe(6, { entry: 3 }),
      cqe(8, { nodeid: 7n }),
      cqe(10, { size: 5000 }),
      cqe(12, { inFlight: 3 }),
    ];
    expect(hits('cqe=EAGAIN:queue=1', all)).toEqual([4]);
    expect(hits('cqe=EAGAIN:entry=2..', all)).toEqual([6]);
    expect(hits('cqe=EAGAIN:nodeid=7', all)).toEqual([8]);
    expect(hits('cqe=EAGAIN:size=4096..', all)).toEqual([10]);
    expect(hits('cqe=EAGAIN:inflight=2..5', all)).toEqual([12]);
  });

  it('knows the phase by INIT and the first request after it', () => {
    const { opcode } = OP.INIT;
    const init = [deliver(2, { opcode }), deliver(2, { name: 'replied', opcode })];
    const all = [...init, deliver(4), deliver(6)];
    expect(hits('abort:at=init-replied:phase=setup', all)).toEqual([2]);
    expect(hits('read=EINTR:phase=run', all)).toEqual([4, 6]);
    expect(hits('INIT:read=EINTR:phase=init', all)).toEqual([2]);
  });
});

describe('a plan', () => {
  it('lets every rule count every moment, and answers in its order', () => {
    const decider = new PlanDecider(['read=EINTR:when=2', 'read=EIO:when=2'].map(parseRule));
    expect(decider.decide(deliver(2))).toEqual([]);
    expect(decider.decide(deliver(4))).toMatchObject([
      { rule: 1, text: 'read=EINTR:when=2', errno: 4, fate: 'kept', goesOn: true },
      { rule: 2, text: 'read=EIO:when=2', errno: 5, synthetic: true, goesOn: false },
    ]);
  });

  it('lets a lazily unmounted session go on once it has begun, and not before', () => {
    const at = (name: Moment['name'], opcode: number) => deliver(2, { name, opcode });
    const lazy = (point: string) => new PlanDecider([parseRule(`lazy:at=${point}`)]);
    const { opcode } = OP.INIT;
    const early = lazy('before-init-reply').decide(at('delivered', opcode));
    expect(early).toMatchObject([{ teardown: 'lazy', goesOn: false }]);
    const later = lazy('init-replied').decide(at('replied', opcode));
    expect(later).toMatchObject([{ teardown: 'lazy', goesOn: true }]);
  });

  it('knows EAGAIN for possible where the handle is nonblocking, and nowhere else', () => {
    const eagain = (nonblock: boolean) =>
      new PlanDecider([parseRule('read=EAGAIN')]).decide(deliver(2, { nonblock }))[0];
    expect(eagain(true)).toMatchObject({ synthetic: false, goesOn: true });
    expect(eagain(false)).toMatchObject({ synthetic: true, goesOn: false });
  });
});
