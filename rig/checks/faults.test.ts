/** What the checks make of injected faults: what these explain, and what they do not. */
import { describe, expect, it } from 'vitest';
import type { InjectedEvent, ReplayEvent, UnansweredEvent } from '../events.ts';
import { bareReply } from '../protocol/header.ts';
import { OP } from '../protocol/opcodes.ts';
import { Conformance } from './conformance.ts';
import { Divergence } from './divergence.ts';
import type { Check } from './finding.ts';
import { Termination } from './termination.ts';

function judge(check: Check, ...events: ReplayEvent[]): string {
  for (const event of events) check.take(event);
  return check.findings().map(({ verdict, text }) => `${verdict} ${text}`)[0] as string;
}

const injected = (more: Partial<InjectedEvent> = {}): InjectedEvent => ({
  ...{ kind: 'injected', t: 0, handle: 1, conn: 1, tid: 9, rule: 1, text: 'read=EFAULT' },
  ...{ fault: 'read', at: 'deliver', opcode: OP.READ.opcode, unique: '8', qid: -1, entry: -1 },
  ...{ result: -14, refused: false, fate: 'lost', synthetic: false, goesOn: false, ...more },
});
const interrupted = injected({ result: -4, fate: 'kept', goesOn: true });
const asked = (index: number, opcode = OP.READ.opcode) => ({ index, conn: 1, opcode, nodeid: 5n });
const unanswered = (why: UnansweredEvent['why'], opcode?: number): ReplayEvent => {
  return { kind: 'unanswered', ...asked(3, opcode), why, detail: 'so it is' };
};
const other: ReplayEvent = { kind: 'answered', ...asked(9), expected: 'ok', actual: '-EIO' };
const exit = (code: number | null, signal: number | null = null): ReplayEvent => {
  return { kind: 'exit', t: 2, pid: 7, main: true, code, signal };
};

describe('divergence', () => {
  it('counts what a lost request explains', () => {
    const events = [unanswered('faulted'), unanswered('orphaned'), unanswered('ended')];
    expect(judge(new Divergence(), injected(), ...events)).toBe(
      'pass 0 replies as captured, 1 hit by a fault, 1 orphaned by it, 1 not asked after it',
    );
  });

  it('must fail a request that is never answered, fault or not', () => {
    expect(judge(new Divergence(), injected(), unanswered('missing'))).toMatch(/^fail 1 of 1/);
  });

  it('must fail another answer behind a lost READ, and not behind a lost WRITE', () => {
    const lost = (opcode: number) => [injected(), unanswered('faulted', opcode), other];
    expect(judge(new Divergence(), ...lost(OP.READ.opcode))).toMatch(/^fail 1 of 1 replies differ/);
    expect(judge(new Divergence(), ...lost(OP.WRITE.opcode))).toBe(
      'pass 0 replies as captured, 1 hit by a fault, 1 answered otherwise after it',
    );
  });

  it('must fail a server that ends over an interrupted read', () => {
    expect(judge(new Divergence(), interrupted, unanswered('ended'))).toMatch(/^fail 1 of 1/);
    expect(judge(new Divergence(), interrupted, unanswered('orphaned'))).toMatch(/^fail 1 of 1/);
  });

  it('must fail what a refused teardown does not explain', () => {
    const refused = injected({ fate: 'none', result: -16, refused: true });
    expect(judge(new Divergence(), refused, unanswered('ended'))).toMatch(/^fail 1 of 1/);
  });
});

describe('conformance', () => {
  const reply = (unique: bigint, result: number): ReplayEvent => {
    const bytes = bareReply(unique, 0);
    return { kind: 'reply', t: 1, handle: 1, conn: 1, tid: 9, bytes, result };
  };

  it('accuses nobody of a write that a fault has failed, nor of one made again after it', () => {
    const events = [injected({ fault: 'write', at: 'reply' }), reply(8n, -14), reply(8n, -2)];
    expect(judge(new Conformance(), ...events)).toBe('pass 2 replies taken');
  });

  it('must fail a reply to another request that is refused', () => {
    expect(judge(new Conformance(), injected(), reply(10n, -2))).toMatch(/^fail 1 replies refused/);
  });

  it('takes ENOENT for an answer once part of the connection is gone', () => {
    const gone = injected({ fault: 'clone-loss', fate: 'none', result: 0 });
    expect(judge(new Conformance(), gone, reply(10n, -2))).toBe('pass 1 replies taken');
    expect(judge(new Conformance(), gone, reply(10n, -22))).toMatch(/^fail/);
  });
});

describe('termination', () => {
  const signal = (how: 'sigterm' | 'sigint' | 'sigkill'): ReplayEvent => {
    return { kind: 'teardown', t: 1, how };
  };

  it('lets a server end as it likes after a fault that may end it', () => {
    expect(judge(new Termination(0), injected(), exit(1))).toBe('pass exit 1, nothing left');
  });

  it('must fail another exit code after an interrupted read, and a crash after anything', () => {
    expect(judge(new Termination(0), interrupted, exit(1))).toBe('fail exit code 1, expected 0');
    expect(judge(new Termination(0), injected(), exit(null, 11))).toBe('fail the server crashed');
  });

  it.each([
    ['sigterm', 15],
    ['sigint', 2],
    ['sigkill', 9],
  ] as const)('takes the death by %s for an answer, and no other', (how, number) => {
    expect(judge(new Termination(0), signal(how), exit(null, number))).toMatch(/^pass ended by/);
    expect(judge(new Termination(0), signal(how), exit(null, 11))).toBe('fail the server crashed');
  });
});
