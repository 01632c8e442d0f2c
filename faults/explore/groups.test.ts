// Failures by cause: what is the same failure in another run, and which run stands for all of them.
import { describe, expect, it } from 'vitest';
import { causeOf } from './cause.ts';
import { Covered } from './coverage.ts';
import { Groups } from './groups.ts';
import { hang, outcome, runOf } from './testing/sessions.ts';

const keyOf = (...failures: Parameters<typeof outcome>[1] & object) =>
  causeOf(outcome([], failures))?.key;

describe('a cause', () => {
  it('is the check, what it found, and what the server waits in, without numbers', () => {
    expect(keyOf(hang())).toBe(
      'termination | the server hangs: every thread waits and nothing can wake any (proven) | forever, system call #, in futex_do_wait',
    );
    const other = {
      ...hang(),
      details: ['worker (thread 9): forever, system call 202, in futex_do_wait'],
    };
    expect(keyOf(other)).toBe(keyOf(hang()));
    expect(keyOf(hang(7, 'ep_poll'))).not.toBe(keyOf(hang()));
  });

  it('tells signals apart', () => {
    const crash = (signal: number) => ({
      check: 'termination',
      text: 'the server crashed',
      details: [`process (main) died of signal ${signal} after the teardown`],
    });
    expect(keyOf(crash(11))).not.toBe(keyOf(crash(6)));
    expect(keyOf(crash(11))).toContain('signal 11');
  });

  it('is what explains the rest: a crash, not the answers it prevented', () => {
    const lost = { check: 'divergence', text: '3 of 20 replies differ', details: [] };
    expect(keyOf(lost, hang())).toBe(keyOf(hang()));
    const more = { ...lost, text: '4 of 20 replies differ' };
    expect(keyOf(lost)).toBe(keyOf(more));
  });

  it('is none where nothing failed, and the difference of two runs where that is all', () => {
    expect(causeOf(outcome([]))).toBeUndefined();
    const difference = { line: 3, first: 'a', second: 'b' };
    expect(causeOf({ ...outcome([]), difference })?.check).toBe('determinism');
  });
});

describe('groups', () => {
  it('are told of once, and stand for their smallest and earliest run', () => {
    const groups = new Groups();
    const two = ['abort:at=init-replied', 'READ:read=EINTR'];
    expect(groups.take(runOf(9, two, [hang()]))?.runs).toBe(1);
    expect(groups.take(runOf(8, two))).toBeUndefined();
    expect(groups.take(runOf(7, two.slice(1), [hang(230)]))).toBeUndefined();
    expect(groups.take(runOf(5, two, [hang()]))).toBeUndefined();
    const [group, ...others] = groups.all;
    expect(others).toEqual([]);
    expect(group).toMatchObject({ runs: 3, synthetic: false, smallest: { index: 7 } });
  });

  it('are synthetic only if no run of them had only what a kernel does', () => {
    const groups = new Groups();
    const run = runOf(1, ['READ:write=EINTR'], [hang()]);
    const rules = run.outcome.rules.map((rule) => ({ ...rule, synthetic: true }));
    groups.take({ ...run, outcome: { ...run.outcome, rules } });
    expect(groups.all[0]?.synthetic).toBe(true);
    groups.take(runOf(2, ['READ:write=EFAULT', 'READ:read=EINTR'], [hang()]));
    expect(groups.all[0]).toMatchObject({ synthetic: false, smallest: { index: 2 } });
  });
});

describe('coverage', () => {
  it('counts by fault and point what was meant, came true and failed', () => {
    const covered = new Covered();
    covered.take(runOf(1, ['abort:at=init-replied']));
    covered.take(runOf(2, ['abort:at=init-replied', 'READ:read=EINTR'], [hang()]));
    const never = runOf(3, ['unmount:at=delivered']);
    const rules = never.outcome.rules.map((rule) => ({ ...rule, fired: 0 }));
    covered.take({ ...never, outcome: { ...never.outcome, rules } });
    expect(covered.cell('abort', 'init-replied')).toEqual({ planned: 2, fired: 2, found: 1 });
    expect(covered.cell('read=EINTR', 'deliver')).toEqual({ planned: 1, fired: 1, found: 1 });
    expect(covered.cell('unmount', 'delivered')).toEqual({ planned: 1, fired: 0, found: 0 });
    expect(covered.cell('abort', 'delivered')).toBeUndefined();
    expect([covered.planned, covered.fired]).toEqual([2, 1]);
  });
});
