/** progress without a capture: who waits in vain, and a shortage that lasts longer than its cause. */
import { describe, expect, it } from 'vitest';
import type { InjectedEvent, ReplayEvent } from '../events.ts';
import { buildRequest } from '../protocol/build.ts';
import { bareReply } from '../protocol/header.ts';
import { Progress } from './progress.ts';

const at = { t: 0, handle: 1, conn: 1, tid: 9 };
const quota = (fault: string, more: Partial<InjectedEvent> = {}): InjectedEvent => ({
  ...{ kind: 'injected', ...at, rule: 1, text: `${fault}=0:until=1`, fault, at: 'delivered' },
  ...{ opcode: 1, unique: '2', qid: -1, entry: -1, result: 0, refused: false, fate: 'lacking' },
  ...{ synthetic: false, goesOn: true, ...more },
});
const released: ReplayEvent = { kind: 'released', t: 1, rule: 1, text: 'fds=0:until=1' };
const asked = (unique: bigint): ReplayEvent => {
  const head = { unique, nodeid: 5n, uid: 0, gid: 0, pid: 1 };
  return { kind: 'request', ...at, bytes: buildRequest('OPEN', head, { flags: 0 }).bytes };
};
const answer = (unique: bigint, error: number): ReplayEvent => {
  const bytes = bareReply(unique, error);
  return { kind: 'reply', ...at, bytes, result: bytes.length };
};
const stall: ReplayEvent = { kind: 'stall', t: 3, proven: true, detail: 'so it is' };

function judge(...events: ReplayEvent[]): string {
  const check = new Progress('live');
  for (const event of events) check.take(event);
  return check.findings().map(({ verdict, text }) => `${verdict} ${text}`)[0] as string;
}

describe('a quota that was given back', () => {
  const EMFILE = -24;
  it.each([
    ['fds', EMFILE],
    ['memory', -12],
    ['space', -28],
  ])('must fail who still answers for want of %s', (fault, errno) => {
    const still = [asked(4n), answer(4n, errno)];
    expect(judge(quota(fault), ...still, released)).toMatch(/^pass/);
    expect(judge(quota(fault), released, ...still)).toMatch(/^fail 1 request fails although/);
  });

  it('says nothing of what was delivered before, of other errors, and under the next quota', () => {
    const fds = quota('fds');
    expect(judge(fds, asked(4n), released, answer(4n, EMFILE))).toMatch(/^pass/);
    expect(judge(fds, released, asked(4n), answer(4n, -2))).toMatch(/^pass/);
    const again = quota('fds', { rule: 2 });
    expect(judge(fds, released, again, asked(4n), answer(4n, EMFILE))).toMatch(/^pass/);
    const refused = quota('fds', { refused: true });
    expect(judge(refused, released, asked(4n), answer(4n, EMFILE))).toMatch(/^pass/);
  });
});

describe('whether it recovers', () => {
  const fds = quota('fds');
  const fails = [asked(4n), answer(4n, -24)];
  const call = quota('fds', { at: 'call', fate: 'whole', result: -24 });

  it('is told by what failed before and what came after', () => {
    const works = [asked(6n), answer(6n, 0)];
    expect(judge(fds, call, ...fails, released, ...works)).toBe(
      'pass recovered: 1 requests failed for what it lacked, none of the 1 after it was given back',
    );
    expect(judge(fds, call, ...fails, released)).toMatch(/^pass recovery not seen: 1 requests/);
  });

  it('is no question for who failed nobody', () => {
    expect(judge(fds, released)).toBe('pass nothing to recover from: what was left was enough');
    expect(judge(fds, call, released)).toMatch(/^pass no request failed .* met 1 times; goes on/);
    expect(judge(fds)).toBe('pass goes on, or ends');
  });
});

describe('who waits in vain', () => {
  it('must fail, with a fault or without', () => {
    expect(judge(stall)).toMatch(/^fail the server lives and answers nothing/);
    expect(judge(quota('fds'), stall)).toMatch(/^fail/);
  });

  it('is not held against a server to which something happened that no kernel does', () => {
    const synthetic = quota('cqe', { synthetic: true, fate: 'stuck', result: -125 });
    expect(judge(synthetic, stall)).toBe('pass who waited did so for a synthetic fault');
  });

  it('is left to divergence in a replay', () => {
    const check = new Progress();
    check.take(stall);
    expect(check.findings()).toEqual([]);
  });
});
