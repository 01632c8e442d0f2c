/** What the content check says in front of the real kernel, where others may change what is served. */
import { expect, it } from 'vitest';
import type { ReplayEvent } from '../events.ts';
import { buildReply, buildRequest } from '../protocol/build.ts';
import { bareReply } from '../protocol/header.ts';
import { ENTRY_OUT } from '../protocol/structs-common.ts';
import { Content } from './content.ts';

const FOPEN_PASSTHROUGH = 128;
const head = (unique: bigint) => ({ unique, nodeid: 5n, uid: 0, gid: 0, pid: 1 });

const exchange = (request: Uint8Array, reply: Uint8Array, conn = 1): ReplayEvent[] => {
  const at = { t: 0, handle: 1, conn, tid: 1 };
  return [
    { kind: 'request', ...at, bytes: request },
    { kind: 'reply', ...at, bytes: reply, result: reply.length },
  ];
};

function write(unique: bigint, fill: number, conn = 1): ReplayEvent[] {
  const data = new Uint8Array(4096).fill(fill);
  const args = { fh: 1n, offset: 0n, size: data.length, data };
  const request = buildRequest('WRITE', head(unique), args);
  return exchange(request.bytes, buildReply('WRITE', request, { size: data.length }).bytes, conn);
}

function read(unique: bigint, fill: number, conn = 1): ReplayEvent[] {
  const request = buildRequest('READ', head(unique), { fh: 1n, offset: 0n, size: 4096 });
  const data = new Uint8Array(4096).fill(fill);
  return exchange(request.bytes, buildReply('READ', request, { data }).bytes, conn);
}

function truncate(unique: bigint): ReplayEvent[] {
  const request = buildRequest('SETATTR', head(unique), { valid: 8, size: 0n });
  const attr = { mode: 0o100644, nlink: 1 };
  return exchange(request.bytes, buildReply('SETATTR', request, { attr }).bytes);
}

function run(where: 'live' | 'replay', ...groups: ReplayEvent[][]) {
  const check = new Content(undefined, where);
  for (const event of groups.flat()) check.take(event);
  return check.findings()[0];
}

it('must fail when a block comes back changed, and says what would excuse it', () => {
  const finding = run('live', write(2n, 7), read(4n, 9));
  expect(finding).toMatchObject({ verdict: 'fail', text: '1 blocks lost or changed' });
  expect(finding?.details.at(-1)).toContain('--others-write');
  expect(run('live', write(2n, 7), read(4n, 7))?.text).toBe('1 blocks read back as written');
});

it('says nothing where there are two mounts', () => {
  const several = [write(2n, 7), write(2n, 8, 2), read(4n, 9), read(4n, 9, 2)];
  expect(run('live', ...several)).toMatchObject({ verdict: 'pass', text: /^not compared/ });
  expect(run('replay', ...several)?.verdict).toBe('fail');
});

it('does not accuse what was written while a truncate was under way, in whichever order', () => {
  const [asked, answered] = truncate(4n) as [ReplayEvent, ReplayEvent];
  const crossed = [asked, ...write(6n, 7), answered];
  expect(run('live', crossed, read(8n, 0))?.verdict).toBe('pass');
  // Behind it, it counts again.
  expect(run('live', crossed, write(8n, 7), read(10n, 0))?.verdict).toBe('fail');
});

it('does not accuse a file that was created for passthrough', () => {
  const name = new TextEncoder().encode('f');
  const request = buildRequest('CREATE', { ...head(2n), nodeid: 1n }, { name });
  const attr = { mode: 0o100644, nlink: 1 };
  const reply = buildReply('CREATE', request, { nodeid: 5n, attr, open_flags: 0 }).bytes;
  const flags = 16 + ENTRY_OUT.size + 8;
  expect(run('live', exchange(request.bytes, reply), write(4n, 7), read(6n, 9))?.verdict).toBe(
    'fail',
  );
  new DataView(reply.buffer, reply.byteOffset).setUint32(flags, FOPEN_PASSTHROUGH, true);
  expect(run('live', exchange(request.bytes, reply), write(4n, 7), read(6n, 9))?.verdict).toBe(
    'pass',
  );
});

it('does not accuse who told by FLUSH or FSYNC that something was lost', () => {
  for (const op of ['FLUSH', 'FSYNC'] as const) {
    const request = buildRequest(op, head(4n), { fh: 1n });
    const told = (error: number) => exchange(request.bytes, bareReply(4n, error));
    expect(run('live', write(2n, 7), told(-28), read(6n, 0))?.verdict).toBe('pass');
    expect(run('live', write(2n, 7), told(0), read(6n, 0))?.verdict).toBe('fail');
  }
});
