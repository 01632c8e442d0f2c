/** conformance, divergence, termination: a run that passes each, and runs that must fail it. */
import { describe, expect, it } from 'vitest';
import type { ReplayEvent } from '../events.ts';
import { bareReply } from '../protocol/header.ts';
import { OP } from '../protocol/opcodes.ts';
import { Conformance } from './conformance.ts';
import { Divergence } from './divergence.ts';
import type { Check, Finding } from './finding.ts';
import { Termination } from './termination.ts';

function judge(check: Check, ...events: ReplayEvent[]): Finding {
  for (const event of events) check.take(event);
  const [finding, ...more] = check.findings();
  expect(more).toEqual([]);
  return finding as Finding;
}

const wire = { t: 0, handle: 1, conn: 1, tid: 9 };
const reply = (bytes: Uint8Array, result = bytes.length): ReplayEvent => ({
  kind: 'reply',
  ...wire,
  bytes,
  result,
});
const teardown: ReplayEvent = { kind: 'teardown', t: 1, how: 'unmount' };
const ENOENT = -2;
const EINVAL = -22;

describe('conformance', () => {
  it('passes replies that were taken, and counts them', () => {
    const finding = judge(new Conformance(), reply(bareReply(2n, 0)), reply(bareReply(4n, -5)));
    expect(finding).toMatchObject({ verdict: 'pass', text: '2 replies taken' });
  });

  it('must fail a reply that was refused', () => {
    const finding = judge(
      new Conformance(),
      reply(bareReply(2n, 0)),
      reply(bareReply(2n, 0), ENOENT),
    );
    expect(finding).toMatchObject({
      verdict: 'fail',
      text: '1 replies refused by the kernel',
      details: ['reply to unique 2 refused with -ENOENT'],
    });
  });

  it('must fail a write that is no reply', () => {
    const finding = judge(new Conformance(), reply(new Uint8Array(7), EINVAL));
    expect(finding).toMatchObject({
      verdict: 'fail',
      details: ['a write of 7 bytes is no reply: -EINVAL'],
    });
  });

  it('does not accuse: notifications, interrupts, and replies after the teardown', () => {
    const refused = [0n, 3n].map((unique) => reply(bareReply(unique, 0), ENOENT));
    const finding = judge(new Conformance(), ...refused, teardown, reply(bareReply(8n, 0), ENOENT));
    expect(finding.verdict).toBe('pass');
  });
});

const asked = (index: number) => ({ index, conn: 1, opcode: OP.READ.opcode, nodeid: 5n });
const answered = (index: number, expected: string, actual = expected): ReplayEvent => ({
  kind: 'answered',
  ...asked(index),
  expected,
  actual,
});
type Why = 'missing' | 'as-captured' | 'orphaned' | 'ended';
const unanswered = (index: number, why: Why): ReplayEvent => ({
  kind: 'unanswered',
  ...asked(index),
  why,
  detail: 'so it is',
});

describe('divergence', () => {
  it('passes answers that are the same, and silence that was recorded', () => {
    const finding = judge(new Divergence(), answered(1, 'ok'), unanswered(2, 'as-captured'), {
      kind: 'news',
      ...asked(3),
      actual: 'ok',
    });
    expect(finding).toMatchObject({ verdict: 'pass', text: '1 replies as captured', details: [] });
  });

  it('must fail another answer, and names the first', () => {
    const finding = judge(new Divergence(), answered(1, 'ok'), answered(2, 'ok', '-EIO'));
    expect(finding).toMatchObject({
      verdict: 'fail',
      text: '1 of 2 replies differ',
      details: ['request 2 READ node 5: -EIO  in the capture ok'],
    });
  });

  it('must fail an answer that is missing, and requests that could not be asked', () => {
    const finding = judge(
      new Divergence(),
      unanswered(1, 'missing'),
      unanswered(2, 'orphaned'),
      unanswered(3, 'ended'),
    );
    expect(finding).toMatchObject({
      verdict: 'fail',
      text: '3 of 3 replies differ, 1 unanswered, 2 not asked',
      details: [
        'request 1 READ node 5: no answer (so it is)',
        'request 2 READ node 5: not asked: so it is',
        'request 3 READ node 5: not asked: so it is',
      ],
    });
  });

  it('must fail a directory with other names', () => {
    const names = { missing: ['a'], extra: ['b', 'c'] };
    const finding = judge(new Divergence(), {
      kind: 'directory',
      index: 4,
      conn: 1,
      nodeid: 5n,
      ...names,
    });
    expect(finding.verdict).toBe('fail');
    expect(finding.details).toEqual(['request 4 directory 5: missing "a" extra "b" "c"']);
  });

  it('shows ten differences and counts the rest', () => {
    const events = Array.from({ length: 25 }, (_, i) => answered(i + 1, 'ok', '-EIO'));
    const { details, text } = judge(new Divergence(), ...events);
    expect([details.length, details.at(-1), text]).toEqual([
      11,
      '... and 15 more',
      '25 of 25 replies differ',
    ]);
  });
});

const exit = (code: number | null, signal: number | null = null, main = true): ReplayEvent => ({
  kind: 'exit',
  t: 2,
  pid: 7,
  main,
  code,
  signal,
});

const register: ReplayEvent = {
  ...{ kind: 'register', ...wire, ring: 1, qid: 0, entry: 0, result: 0 },
  ...{ headers: 4096, payload: 8192, payloadSize: 8192 },
};

describe('termination', () => {
  it('passes the recorded exit code, and processes that end by themselves', () => {
    const finding = judge(new Termination(3), teardown, exit(0, null, false), exit(3));
    expect(finding).toMatchObject({ verdict: 'pass', text: 'exit 3, nothing left' });
  });

  it('passes the signal that the rig itself sent', () => {
    const sigterm: ReplayEvent = { kind: 'teardown', t: 1, how: 'sigterm' };
    const finding = judge(new Termination(0), sigterm, exit(null, 15));
    expect(finding).toMatchObject({ verdict: 'pass', text: 'ended by signal 15, nothing left' });
  });

  it('must fail another exit code', () => {
    const finding = judge(new Termination(0), teardown, exit(1));
    expect(finding).toMatchObject({ verdict: 'fail', text: 'exit code 1, expected 0' });
  });

  it('must fail a crash, of any process, before the teardown or after', () => {
    expect(judge(new Termination(0), exit(null, 11), teardown)).toMatchObject({
      verdict: 'fail',
      text: 'the server crashed',
      details: [
        'process (main) died of signal 11 during the replay',
        expect.stringMatching(/^why: /),
      ],
    });
    expect(judge(new Termination(0), teardown, exit(null, 6, false), exit(0))).toMatchObject({
      verdict: 'fail',
      details: ['process died of signal 6 after the teardown', expect.stringMatching(/^why: /)],
    });
  });

  it('must fail a server whose end nobody saw', () => {
    expect(judge(new Termination(0), teardown, exit(0, null, false)).verdict).toBe('fail');
  });

  it.each(['proven', 'stalled', 'spin'] as const)(
    'must fail a %s hang, and says where',
    (verdict) => {
      const on = 'futex(0x1) in futex_wait, until another thread of the server wakes it';
      const wait = { wait: 'forever', wchan: 'futex_wait', nr: 202, on };
      const thread = { pid: 7, tid: 8, comm: 'srv', ...wait };
      const hang: ReplayEvent = { kind: 'hang', t: 3, verdict, seconds: 1, threads: [thread] };
      // The kill that follows a hang is the rig's, no crash.
      const finding = judge(new Termination(0), teardown, hang, exit(null, 9));
      expect(finding.verdict).toBe('fail');
      expect(finding.text).toContain(`(${verdict})`);
      expect(finding.details[0]).toBe(`srv (thread 8): ${on}`);
      expect(finding.details[1]).not.toContain('ring');
      const ring = judge(new Termination(0), register, teardown, hang);
      expect(ring.details[1]).toContain('held ring commands complete with -ENOTCONN');
    },
  );
});
