import { expect, it } from 'vitest';
import type { ReplayEvent } from '../events.ts';
import { buildReply, buildRequest } from '../protocol/build.ts';
import { Content } from './content.ts';

const head = (unique: bigint) => ({ unique, nodeid: 5n, uid: 0, gid: 0, pid: 1 });

function write(unique: bigint, offset: bigint, fill: number, size = 8192): ReplayEvent[] {
  const data = new Uint8Array(size).fill(fill);
  const request = buildRequest('WRITE', head(unique), { fh: 1n, offset, size, data });
  const reply = buildReply('WRITE', request, { size });
  return events(request.bytes, reply.bytes);
}

function read(unique: bigint, offset: bigint, fill: number, size = 8192): ReplayEvent[] {
  const request = buildRequest('READ', head(unique), { fh: 1n, offset, size });
  const reply = buildReply('READ', request, { data: new Uint8Array(size).fill(fill) });
  return events(request.bytes, reply.bytes);
}

const at = { t: 0, handle: 1, conn: 1, tid: 1 };
const events = (request: Uint8Array, reply: Uint8Array): ReplayEvent[] => [
  { kind: 'request', ...at, bytes: request },
  { kind: 'reply', ...at, bytes: reply, result: reply.length },
];

function run(...groups: ReplayEvent[][]) {
  const check = new Content();
  for (const event of groups.flat()) check.take(event);
  return check.findings()[0];
}

it('passes what comes back as written', () => {
  expect(run(write(2n, 0n, 7), read(4n, 0n, 7))).toMatchObject({
    verdict: 'pass',
    text: '2 blocks read back as written',
  });
});

it('must fail when a block comes back changed', () => {
  const finding = run(write(2n, 4096n, 7), read(4n, 0n, 9, 12288));
  expect(finding).toMatchObject({ verdict: 'fail', text: '2 blocks lost or changed' });
  expect(finding?.details[0]).toContain('node 5: bytes 4096..8191');
});

it('does not accuse: partial blocks, writes in flight, failed writes, truncates, links', () => {
  expect(run(write(2n, 100n, 7, 4096), read(4n, 0n, 9))?.verdict).toBe('pass');
  const [asked, acknowledged] = write(4n, 0n, 8) as [ReplayEvent, ReplayEvent];
  expect(run(write(2n, 0n, 7), [asked], read(6n, 0n, 9), [acknowledged])?.verdict).toBe('pass');
  const setattr = buildRequest('SETATTR', head(4n), { valid: 8, size: 0n });
  const truncate: ReplayEvent[] = [{ kind: 'request', ...at, bytes: setattr.bytes }];
  expect(run(write(2n, 0n, 7), truncate, read(6n, 0n, 0))?.verdict).toBe('pass');
  const link = buildRequest('LINK', head(4n), {
    oldnodeid: 5n,
    newname: new TextEncoder().encode('other'),
  });
  const linked: ReplayEvent[] = [{ kind: 'request', ...at, bytes: link.bytes }];
  expect(run(write(2n, 0n, 7), linked, read(6n, 0n, 1))?.verdict).toBe('pass');
});

it('does not accuse a file cut by an OPEN with O_TRUNC', () => {
  const open = buildRequest('OPEN', head(4n), { flags: 0o1002 });
  const opened = buildReply('OPEN', open, { fh: 1n });
  expect(run(write(2n, 0n, 7), events(open.bytes, opened.bytes), read(6n, 0n, 0))?.verdict).toBe(
    'pass',
  );
});

it('does not accuse a file whose other name has a node of its own', () => {
  const lookup = buildRequest(
    'LOOKUP',
    { ...head(4n), nodeid: 1n },
    { name: new TextEncoder().encode('b') },
  );
  const attr = { mode: 0o100644, nlink: 2 };
  const found = buildReply('LOOKUP', lookup, { nodeid: 5n, attr });
  const looked = events(lookup.bytes, found.bytes);
  expect(run(write(2n, 0n, 7), looked, read(6n, 0n, 9))?.verdict).toBe('pass');
});
