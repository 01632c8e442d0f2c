/** conformance on a ring, where no result tells that a reply was refused. */
import { describe, expect, it } from 'vitest';
import type { ReplayEvent } from '../events.ts';
import { buildReply, buildRequest } from '../protocol/build.ts';
import { writeU32 } from '../protocol/cursor.ts';
import { bareReply } from '../protocol/header.ts';
import type { OpName } from '../protocol/opcodes.ts';
import type { Args } from '../protocol/parts.ts';
import { Conformance } from './conformance.ts';
import type { Finding } from './finding.ts';

const wire = { t: 0, handle: 1, conn: 1, tid: 9 };
const ring = { qid: 1, entry: 3 };

function request(op: OpName, unique: bigint, args: Args = {}): ReplayEvent {
  return { kind: 'request', ...wire, ring, bytes: buildRequest(op, { unique }, args).bytes };
}
const reply = (bytes: Uint8Array): ReplayEvent => ({
  ...{ kind: 'reply', ...wire, ring, bytes },
  result: bytes.length,
});
/** A success with a body of so many bytes. */
function success(unique: bigint, size: number): Uint8Array {
  const bytes = new Uint8Array(16 + size);
  bytes.set(bareReply(unique, 0));
  writeU32(bytes, 0, bytes.length);
  return bytes;
}

function judge(...events: ReplayEvent[]): Finding | undefined {
  const check = new Conformance();
  for (const event of events) check.take(event);
  return check.findings()[0];
}

const read = request('READ', 26n, { size: 4096 });

describe('a commit', () => {
  it('passes with what the operation takes, or an error', () => {
    const finding = judge(
      ...[read, reply(success(26n, 4096)), read, reply(success(26n, 0))],
      ...[request('GETATTR', 28n), reply(success(28n, 104))],
      ...[request('UNLINK', 30n, { name: 'a' }), reply(bareReply(30n, 0))],
      ...[read, reply(bareReply(26n, -5)), read, reply(bareReply(99n, -5))],
      // The kernel warns of bit 0, and takes it.
      ...[read, reply(success(27n, 8))],
    );
    expect(finding).toMatchObject({ verdict: 'pass', text: '7 replies taken', details: [] });
  });

  it('passes for what has no reply on the device, with nothing', () => {
    const forget = request('FORGET', 26n);
    const retrieved = request('NOTIFY_REPLY', 7n);
    expect(
      judge(forget, reply(bareReply(26n, 0)), retrieved, reply(bareReply(7n, -5))),
    ).toMatchObject({ verdict: 'pass', text: '0 replies taken' });
    // An odd number of the server's own: the kernel refuses it, to nobody's harm.
    expect(judge(retrieved, reply(bareReply(7n, 0)))?.verdict).toBe('pass');
    expect(judge(retrieved, reply(bareReply(9n, 0)))?.verdict).toBe('fail');
    expect(judge(forget, reply(success(26n, 8)))?.details).toEqual([
      'reply to FORGET unique 26 on queue 1: payload_sz 8 where 0 are taken: the client gets -EINVAL',
    ]);
  });

  it.each<[string, Uint8Array, string]>([
    [
      'more than was asked for',
      success(26n, 4097),
      'payload_sz 4097 where 0 to 4096 are taken: the client gets -EINVAL',
    ],
    ['another unique', success(28n, 8), 'it names unique 28: the client gets -ENOENT'],
    ['no unique', success(0n, 8), 'it names unique 0: the client gets -EINVAL'],
    ['an error that is none', bareReply(26n, 5), 'error 5 is none: the client gets -EINVAL'],
    [
      'an error of the kernel alone',
      bareReply(26n, -512),
      'error -512 is none: the client gets -EINVAL',
    ],
    [
      'headers that are gone',
      new Uint8Array(0),
      'its header is not mapped: the client gets -EFAULT',
    ],
    [
      'a payload that is gone',
      success(26n, 8).subarray(0, 16),
      'its payload of 8 bytes is not mapped: the client gets -EFAULT',
    ],
  ])('must fail with %s', (_, bytes, text) => {
    expect(judge(read, reply(bytes))).toMatchObject({
      verdict: 'fail',
      text: '1 replies refused by the kernel',
      details: [`reply to READ unique 26 on queue 1: ${text}`],
    });
  });

  it('must fail with less than a structure', () => {
    expect(judge(request('GETATTR', 28n), reply(success(28n, 96)))?.details).toEqual([
      'reply to GETATTR unique 28 on queue 1: payload_sz 96 where 104 are taken: the client gets -EINVAL',
    ]);
  });

  it('is measured as INIT agreed', () => {
    const init = buildRequest('INIT', { unique: 2n }, { major: 7, minor: 45 });
    const old = buildReply('INIT', init, { major: 7, minor: 8 });
    const device = { ...wire, t: 0 };
    const agreed: ReplayEvent[] = [
      { kind: 'request', ...device, bytes: init.bytes },
      { kind: 'reply', ...device, bytes: old.bytes, result: old.bytes.length },
    ];
    const lookup = request('LOOKUP', 4n, { name: 'a' });
    expect(judge(...agreed, lookup, reply(success(4n, 120)))?.verdict).toBe('pass');
    expect(judge(...agreed, lookup, reply(success(4n, 128)))?.verdict).toBe('fail');
    expect(judge(lookup, reply(success(4n, 128)))?.verdict).toBe('pass');
  });

  it('is not measured where nobody knows the operation', () => {
    const bytes = buildRequest('GETATTR', { unique: 4n }, {}).bytes;
    writeU32(bytes, 4, 999);
    const unknown: ReplayEvent = { kind: 'request', ...wire, ring, bytes };
    expect(judge(unknown, reply(success(4n, 500)))?.verdict).toBe('pass');
    expect(judge(unknown, reply(success(6n, 500)))?.verdict).toBe('fail');
  });

  it('without a request is for the ownership check', () => {
    expect(judge(reply(success(26n, 9)))?.verdict).toBe('pass');
    expect(judge(read, reply(success(26n, 9)), reply(success(26n, 9999)))?.verdict).toBe('pass');
  });
});
