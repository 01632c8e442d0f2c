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

it('must fail when a block comes back changed that was written while others were', () => {
  const [one, acknowledged] = write(2n, 0n, 7) as [ReplayEvent, ReplayEvent];
  const both = [one, ...write(4n, 8192n, 8), acknowledged];
  expect(run(both, read(6n, 0n, 7), read(8n, 8192n, 8))?.text).toBe(
    '4 blocks read back as written',
  );
  expect(run(both, read(6n, 0n, 7), read(8n, 8192n, 7))?.text).toBe('2 blocks lost or changed');
});

it('must fail when a block comes back changed behind a SETATTR of something else', () => {
  const setattr = buildRequest('SETATTR', head(4n), { valid: 1, mode: 0o600 });
  const chmod: ReplayEvent[] = [{ kind: 'request', ...at, bytes: setattr.bytes }];
  expect(run(write(2n, 0n, 7), chmod, read(6n, 0n, 7))?.verdict).toBe('pass');
  expect(run(write(2n, 0n, 7), chmod, read(6n, 0n, 9))?.verdict).toBe('fail');
});

it('does not accuse: partial blocks, writes in flight, failed writes, truncates, links', () => {
  expect(run(write(2n, 100n, 7, 4096), read(4n, 0n, 9))?.verdict).toBe('pass');
  const [asked, acknowledged] = write(4n, 0n, 8) as [ReplayEvent, ReplayEvent];
  expect(run(write(2n, 0n, 7), [asked], read(6n, 0n, 9), [acknowledged])?.verdict).toBe('pass');
  const [early, late] = read(4n, 0n, 9) as [ReplayEvent, ReplayEvent];
  expect(run(write(2n, 0n, 7), [early], write(6n, 4096n, 8), [late])?.verdict).toBe('pass');
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

/** The same exchange in an entry of a ring; `more` bytes of reply, or another unique. */
function onRing(
  exchange: ReplayEvent[],
  entry: number,
  change?: (reply: Uint8Array) => Uint8Array,
) {
  return exchange.map((event): ReplayEvent => {
    if (event.kind !== 'request' && event.kind !== 'reply') return event;
    const bytes = event.kind === 'reply' ? (change?.(event.bytes) ?? event.bytes) : event.bytes;
    const made = { ...event, bytes, ring: { qid: 0, entry } };
    return made.kind === 'reply' ? { ...made, result: bytes.length } : made;
  });
}

it('follows what travels on a ring, on its own or across', () => {
  const written = onRing(write(2n, 0n, 7), 0);
  expect(run(written, onRing(read(4n, 0n, 7), 1))?.text).toBe('2 blocks read back as written');
  expect(run(written, read(4n, 0n, 9))?.verdict).toBe('fail');
  expect(run(write(2n, 0n, 7), onRing(read(4n, 0n, 9), 1))?.verdict).toBe('fail');
});

it('takes no commit for an acknowledgement that the kernel refuses', () => {
  const cut = (reply: Uint8Array) => reply.slice(0, 16);
  const longer = (reply: Uint8Array) =>
    Uint8Array.from([40, ...reply.slice(1), ...new Uint8Array(16)]);
  const other = (reply: Uint8Array) => reply.with(8, 99);
  for (const change of [cut, longer, other]) {
    const refused = run(onRing(write(2n, 0n, 7), 0, change), read(4n, 0n, 9));
    expect(refused).toMatchObject({ verdict: 'pass', text: expect.stringContaining('nothing') });
    // It has ended all the same: it does not make what follows uncertain.
    const after = run(onRing(write(2n, 0n, 7), 0, change), write(6n, 0n, 8), read(8n, 0n, 9));
    expect(after?.verdict).toBe('fail');
  }
  // Nor does a READ that was refused accuse, and the next request of the entry is another.
  const bad = onRing(read(4n, 0n, 9), 0, other);
  const finding = run(onRing(write(2n, 0n, 7), 0), bad, onRing(read(6n, 0n, 7), 0));
  expect(finding?.text).toBe('2 blocks read back as written');
});
