/** negotiation, mounts, descriptors: a run that passes each, and runs that must fail it. */
import { describe, expect, it } from 'vitest';
import type { ReplayEvent } from '../events.ts';
import { buildReply, buildRequest } from '../protocol/build.ts';
import { bareReply } from '../protocol/header.ts';
import { INIT_FLAG } from '../protocol/init-flags.ts';
import type { OpName } from '../protocol/opcodes.ts';
import { Descriptors } from './descriptors.ts';
import type { Check, Finding } from './finding.ts';
import { Mounts } from './mounts.ts';
import { Negotiation } from './negotiation.ts';

function judge(check: Check, events: Iterable<ReplayEvent>): Finding {
  for (const event of events) check.take(event);
  const [finding, ...more] = check.findings();
  expect(more).toEqual([]);
  return finding as Finding;
}

const wire = { t: 0, handle: 1, conn: 1, tid: 9 };
const asked = (bytes: Uint8Array, tid = 9): ReplayEvent => ({
  ...{ kind: 'request', ...wire, bytes },
  tid,
});
const replied = (bytes: Uint8Array, result = bytes.length): ReplayEvent => ({
  ...{ kind: 'reply', ...wire, bytes },
  result,
});
const EINVAL = -22;

describe('negotiation', () => {
  const { ASYNC_READ, INIT_EXT, MAX_PAGES, OVER_IO_URING } = INIT_FLAG;
  const HIGH = 32n;

  /** INIT and its reply: all flags, both halves. */
  function agree(offered: bigint, agreed: bigint, more = {}, result?: number): ReplayEvent[] {
    const halves = (flags: bigint) => ({
      flags: Number(flags & 0xffffffffn),
      flags2: Number(flags >> HIGH),
    });
    const version = { major: 7, minor: 45 };
    const request = buildRequest('INIT', { unique: 2n }, { ...version, ...halves(offered) });
    const { bytes } = buildReply('INIT', request, { ...version, ...halves(agreed), ...more });
    return [asked(request.bytes), replied(bytes, result)];
  }
  const offer = ASYNC_READ | MAX_PAGES | INIT_EXT;

  it('passes who takes a part of what was offered', () => {
    const events = agree(offer, MAX_PAGES | INIT_EXT, { max_pages: 32 });
    expect(judge(new Negotiation(), events)).toMatchObject({
      verdict: 'pass',
      text: '1 connections agreed to what was offered',
    });
  });

  it('must fail flags that were not offered, of either half', () => {
    for (const [name, flag] of [
      ['ASYNC_READ', ASYNC_READ],
      ['OVER_IO_URING', OVER_IO_URING | INIT_EXT],
    ] as const) {
      const finding = judge(new Negotiation(), agree(MAX_PAGES | INIT_EXT, flag));
      expect(finding).toMatchObject({
        verdict: 'fail',
        text: `the reply to INIT claims too much: ${name}: not offered`,
      });
    }
  });

  it.each([
    ['fails', 256, 1 << 20],
    ['fails', 16, 128 << 10],
    // As QEMU 11.1 has it: what is written at once is the same with 16 pages and with 32.
    ['passes', 16, 64 << 10],
    ['passes', 64, 128 << 10],
  ])('%s max_pages %i without its flag and max_write %i', (does, max_pages, max_write) => {
    const sizes = { max_pages, max_write };
    const finding = judge(new Negotiation(), agree(offer, ASYNC_READ, sizes));
    expect(finding.verdict).toBe(does === 'fails' ? 'fail' : 'pass');
    if (does === 'passes') return;
    expect(finding.text).toContain(`max_pages ${max_pages} without MAX_PAGES`);
  });

  it('does not accuse: flags2 without INIT_EXT, an old minor, an error, a refused reply', () => {
    const innocent = [
      ...agree(offer, OVER_IO_URING),
      ...agree(MAX_PAGES, ASYNC_READ, { minor: 5 }),
      ...[agree(offer, 0n)[0] as ReplayEvent, replied(bareReply(2n, -71))],
      ...agree(MAX_PAGES, ASYNC_READ, {}, EINVAL),
    ];
    expect(judge(new Negotiation(), innocent).verdict).toBe('pass');
  });
});

describe('mounts', () => {
  const mount: ReplayEvent = {
    ...{ kind: 'mount', ...wire, fstype: 'fuse', source: '', target: '/m' },
    ...{ flags: 0, options: '', result: 0, dev: 1 },
  };
  const unmount = (target: string, result: number): ReplayEvent => ({
    ...{ kind: 'umount-call', t: 1e9, tid: 9, target },
    ...{ flags: 2, result },
  });

  it('passes one unmount of its own, and what others have mounted', () => {
    const events = [mount, unmount('/m', 0), unmount('/other', EINVAL)];
    expect(judge(new Mounts(), events)).toMatchObject({
      verdict: 'pass',
      text: '1 mounts, 1 unmounts by the server',
    });
  });

  const enodev: ReplayEvent = { kind: 'transport', ...wire, call: 'read', result: -19 };
  const signal: ReplayEvent = { kind: 'teardown', t: 0, how: 'sigint' };
  const refused: ReplayEvent = {
    ...{
      kind: 'injected',
      ...wire,
      rule: 1,
      text: '',
      fault: 'register',
      at: 'register',
      opcode: 0,
    },
    ...{ unique: '', qid: 0, entry: -1, result: -22, refused: false, fate: 'none' },
    ...{ synthetic: false, goesOn: false },
  };

  it.each([
    ['was not told that it had gone', []],
    ['was sent a signal', [signal, enodev]],
    ['may end after an error', [refused, enodev]],
  ])('passes an unmount that comes too late, by a server that %s', (_, before) => {
    const events = [mount, ...before, unmount('/m', EINVAL)];
    expect(judge(new Mounts(), events)).toMatchObject({
      verdict: 'pass',
      text: '1 mounts, 1 unmounts by the server, 1 as the mount went',
    });
  });

  const completion: ReplayEvent = {
    ...{ kind: 'completion', ...wire, ring: 1, command: 1, qid: 0, entry: 0, commitId: '' },
    result: -107,
  };

  it.each([
    ['its own unmount', unmount('/m', 0)],
    ['a read that ended with ENODEV', enodev],
    ['a CQE with -ENOTCONN', completion],
  ])('must fail an unmount of what has gone, after %s', (_, told) => {
    const events = [mount, told, unmount('/m', EINVAL)];
    expect(judge(new Mounts(), events)).toMatchObject({
      verdict: 'fail',
      details: ['1.000000 s  umount2(/m): -EINVAL', expect.stringContaining('why:')],
    });
  });
});

describe('descriptors', () => {
  const build = (name: OpName, unique: bigint, nodeid = 5n): Uint8Array =>
    buildRequest(name, { unique, nodeid }, {}).bytes;
  const counted = (count: number): ReplayEvent => ({ kind: 'descriptors', t: 0, count });

  /** `work` a hundred times over; counted before the first and after every tenth. */
  function* run(work: (i: number) => ReplayEvent[], count: (i: number) => number) {
    yield counted(count(0));
    for (let i = 1; i <= 100; i++) {
      yield* work(i);
      if (i % 10 === 0) yield counted(count(i));
    }
  }
  const reads = (i: number, tid = 9): ReplayEvent[] => [
    asked(build('READ', BigInt(2 * i)), tid),
    replied(bareReply(BigInt(2 * i), 0)),
  ];
  const lookups = (i: number): ReplayEvent[] => {
    const request = buildRequest('LOOKUP', { unique: BigInt(2 * i), nodeid: 1n }, { name: 'n' });
    const reply = buildReply('LOOKUP', request, { nodeid: BigInt(i + 1) });
    return [asked(request.bytes), replied(reply.bytes)];
  };

  it('passes as many at the end as at the beginning', () => {
    const finding = judge(
      new Descriptors(),
      run(reads, () => 9),
    );
    expect(finding).toMatchObject({
      verdict: 'pass',
      text: '9 descriptors at the beginning, 9 at the end',
    });
  });

  it('must fail who loses one with every request', () => {
    const finding = judge(
      new Descriptors(),
      run(reads, (i) => 9 + i),
    );
    expect(finding).toMatchObject({
      verdict: 'fail',
      text: 'the server has 109 descriptors, 9 when INIT was answered',
    });
    expect(finding.details).toContain('50 of them came with the last 50 of 100 requests');
  });

  it('does not accuse: a descriptor or two for every node', () => {
    const finding = judge(
      new Descriptors(),
      run(lookups, (i) => 9 + 2 * i),
    );
    expect(finding.verdict).toBe('pass');
    const thrice = run(lookups, (i) => 9 + 3 * i);
    expect(judge(new Descriptors(), thrice).verdict).toBe('fail');
  });

  it('does not accuse: pipes and a device of every thread', () => {
    const ofThreads = run(
      (i) => reads(i, i),
      (i) => 9 + 4 * i,
    );
    expect(judge(new Descriptors(), ofThreads).verdict).toBe('pass');
  });

  it('does not judge a pool that is full, nor what was counted twice only', () => {
    const pool = run(reads, (i) => 9 + Math.min(200, 20 * i));
    const finding = judge(new Descriptors(), pool);
    expect(finding.verdict).toBe('pass');
    expect(finding.text).toContain('not judged');
    const ends = [counted(9), ...reads(1), counted(900)];
    expect(judge(new Descriptors(), ends).text).toContain('not judged');
  });

  it('must fail a call on a descriptor that was closed', () => {
    const stale: ReplayEvent = { kind: 'stale-call', t: 0, tid: 9, fd: 512, call: 'write' };
    expect(judge(new Descriptors(), [counted(9), stale, counted(9)])).toMatchObject({
      verdict: 'fail',
      details: [expect.stringContaining('write on descriptor 512, closed'), expect.anything()],
    });
  });
});
