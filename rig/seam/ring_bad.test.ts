/**
 * Servers that misuse a ring. What each prints is what the CQEs of its commands were: the same as in
 * front of the real kernel. The rig says what is wrong, ends, and leaves nothing.
 */
import { describe, expect, it } from 'vitest';
import { complaints } from '../testing/bench.ts';
import type { Replayed } from '../testing/bench_words.ts';
import { OddRing } from './testing/odd_ring.ts';

const ring = new OddRing();

/** One line each, the checks' names first. */
const said = (replayed: Replayed): string => complaints(replayed).join('\n');

describe('a ring that never becomes ready: requests stay unanswered, and it is said why', () => {
  it.each([
    ['ring-few', 3, '1, 2', ''],
    ['ring-few', 64, '1, 2, 3, 4, 5, 6, 7, 8 and 55 more', ''],
    ['ring-none', 3, '0, 1, 2', ''],
    ['ring-small', 3, '0, 1, 2', 'small SQE EINVAL'],
    ['ring-thread-exits-defer', 1, undefined, '0 entries ended'],
  ])('%s of %i queues', async (mode, cpus, missing, says) => {
    const replayed = await ring.replay(mode, cpus);
    const why =
      missing === undefined ? '' : `the ring is not ready, no entry in queue ${missing}; `;
    expect(said(replayed)).toContain(`no answer (${why}every thread of the server waits: `);
    expect(replayed).toMatchObject({ code: 3, leftovers: [], ring: { requests: missing ? 0 : 1 } });
    expect(replayed.output.trim()).toBe(says);
    expect(replayed.seconds).toBeLessThan(3);
  });
});

describe('commands that are refused', () => {
  it('REGISTERs: requests come by the device then', async () => {
    const replayed = await ring.replay('ring-bad-registers');
    expect(replayed.output.trim().split('\n')).toEqual([
      ...['len 1 EINVAL', 'len 3 EINVAL', 'address EFAULT', 'headers short EINVAL'],
      ...['payload short EINVAL', 'kernel address EFAULT', 'operation 3 EINVAL'],
      ...['operation 0 EINVAL', 'queue beyond EINVAL', 'queue beyond EINVAL'],
    ]);
    expect(said(replayed)).toMatch(
      /^ownership \| queue 3: REGISTER on a queue that does not exist/m,
    );
    expect(replayed).toMatchObject({ code: 1, leftovers: [], log: ring.log });
    expect(replayed.ring.requests).toBe(0);
  });

  it('before the INIT reply, and before the mount', async () => {
    const replayed = await ring.replay('ring-early');
    expect(replayed.output.trim().split('\n')).toEqual([
      ...['unbound EPERM', 'before INIT EAGAIN', 'before INIT, unknown EAGAIN'],
      'INIT in hand EAGAIN',
    ]);
    expect(said(replayed)).toBe('');
    expect(replayed).toMatchObject({ code: 0, leftovers: [], log: ring.log });
  });

  it('after the end', async () => {
    const replayed = await ring.replay('ring-late');
    const after = ['COMMIT after the end ENOTCONN', 'REGISTER after the end ENOTCONN'];
    expect(replayed.output.trim().split('\n')).toEqual(after);
    expect(replayed).toMatchObject({ leftovers: [], log: ring.log });
  });

  it('COMMITs of what is not there: all else is served', async () => {
    const replayed = await ring.replay('ring-bad-commits');
    expect(replayed.output.trim().split('\n').sort()).toEqual([
      ...['another queue ENOENT', 'before any request ENOENT', 'no ring ENOTCONN'],
      ...['queue beyond EINVAL', 'twice ENOENT', 'unknown ENOENT'],
    ]);
    expect(said(replayed)).toMatch(/was committed twice/);
    expect(said(replayed)).toMatch(/was committed, and no such request came on a ring/);
    expect(said(replayed)).not.toMatch(/divergence/);
    expect(replayed).toMatchObject({ code: 1, leftovers: [], log: ring.log });
  });
});

describe('replies that are refused', () => {
  it('ring-bad-replies: clients get an error, entries serve on', async () => {
    const replayed = await ring.replay('ring-bad-replies');
    expect(said(replayed)).toMatch(/conformance \| \d+ replies refused by the kernel/);
    for (const error of ['EINVAL', 'ENOENT']) {
      expect(said(replayed)).toContain(`the client gets -${error}`);
    }
    expect(replayed).toMatchObject({ code: 1, output: '', leftovers: [] });
    expect(replayed.ring.requests).toBeGreaterThan(6);
  });

  it.each(['ring-unmapped', 'ring-unmapped-commit'])('%s: clients get EFAULT', async (mode) => {
    const replayed = await ring.replay(mode);
    expect(said(replayed)).toMatch(/conformance .*its header is not mapped/);
    expect(said(replayed)).toContain('LOOKUP node 1: ended by the kernel with -EFAULT');
    expect(said(replayed)).not.toContain('no answer');
    expect(replayed).toMatchObject({ code: 1, output: '', leftovers: [] });
  });

  it('ring-same-buffer: named, and no poison of ours destroys a request', async () => {
    const replayed = await ring.replay('ring-same-buffer');
    expect(said(replayed)).toMatch(
      /^ownership \| queue 0 entry 1: .* of the headers of queue 0 entry 0/,
    );
    expect(replayed).toMatchObject({ code: 1, output: '', leftovers: [] });
  });
});

describe('a server that leaves its ring in mid-flight', () => {
  it.each([
    ['ring-closed', 3, /no answer \(every thread of the server waits/, 'exit 0'],
    ['ring-exit', 3, /the server had ended|-ECONNABORTED|-ECANCELED/, 'exit 0'],
    ['ring-fork', 3, /no answer \(every thread of the server waits/, 'exit 0'],
    ['ring-kill', 1, /died of signal 9 during the replay/, 'signal 9'],
  ])('%s is named and leaves nothing', async (mode, code, what, ended) => {
    const replayed = await ring.replay(mode);
    expect(said(replayed)).toMatch(what);
    expect(replayed).toMatchObject({ code, output: '', leftovers: [], ring: { requests: 6 } });
    if (ended === 'exit 0') expect(said(replayed)).not.toMatch(/termination/);
  });

  it('ring-thread-exits: nothing ends, and the next requests are cancelled', async () => {
    const replayed = await ring.replay('ring-thread-exits');
    expect(replayed.output.trim()).toBe('0 entries ended');
    expect(said(replayed)).toMatch(/ended by the kernel with -ECANCELED/);
    expect(replayed).toMatchObject({ code: 3, leftovers: [] });
  });
});

describe('a server that takes requests and answers none', () => {
  it.each([
    ['ring-deaf', 'proven'],
    ['ring-deaf-poll', 'proven'],
    ['ring-asleep-defer', 'proven'],
    ['ring-deaf-timer', 'stalled'],
    ['ring-deaf-timed', 'stalled'],
  ])(
    '%s hangs: %s',
    async (mode, verdict) => {
      const replayed = await ring.replay(mode);
      expect(said(replayed)).toMatch(new RegExp(`termination .*\\(${verdict}\\)`));
      expect(replayed).toMatchObject({ code: 1, output: '', leftovers: [] });
      if (verdict === 'proven') expect(replayed.seconds).toBeLessThan(3);
    },
    60_000,
  );
});
