/** Buffers: fuse_uring_copy_to_ring(), fuse_uring_commit(), and who owns them meanwhile. */
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { requestArb, runs } from '../../protocol/arbitraries.ts';
import { encodeReply } from '../../protocol/build.ts';
import { concat } from '../../protocol/cursor.ts';
import { bareReply } from '../../protocol/header.ts';
import { OP, OPCODES, type OpName } from '../../protocol/opcodes.ts';
import type { Args } from '../../protocol/parts.ts';
import { uringEntOf } from '../../protocol/ring.ts';
import type { VersionName } from '../versions.ts';
import { HEADERS, PAYLOAD, RingScene } from './testing/scene.ts';

const STALE = 0xaa;
const data = (size: number) => new Uint8Array(size).fill(7);

/** Bytes of op_in and of the payload that a delivery wrote. */
function places(made: RingScene): { opIn: number; payload: number; payloadSz: number } {
  const { headers, payload } = made.entry();
  const written = (bytes: Uint8Array) => bytes.findLastIndex((byte) => byte !== STALE) + 1;
  const head = made.memory.at(headers, HEADERS);
  expect(head.subarray(40, 128).every((byte) => byte === STALE)).toBe(true);
  return {
    opIn: written(head.subarray(128, 256)),
    payload: written(made.memory.at(payload, PAYLOAD)),
    payloadSz: uringEntOf(head).payload_sz,
  };
}

describe('fuse_uring_copy_to_ring', () => {
  test.each<[OpName, Args, number, number]>([
    ['READ', { size: 100 }, 40, 0],
    ['WRITE', { data: data(300) }, 40, 300],
    ['GETATTR', {}, 16, 0],
    ['LOOKUP', { name: 'f' }, 0, 2],
    ['UNLINK', { name: 'ab' }, 0, 3],
    ['RMDIR', { name: 'ab' }, 0, 3],
    ['READLINK', {}, 0, 0],
    ['STATFS', {}, 0, 0],
    ['REMOVEXATTR', { name: 'user.a' }, 0, 7],
    ['SYMLINK', { name: 'a', target: 'bc' }, 0, 5],
    ['MKDIR', { name: 'dir' }, 8, 4],
    ['RENAME2', { oldname: 'a', newname: 'b' }, 16, 4],
    ['SETXATTR', { name: 'user.a', value: data(9) }, 8, 16],
  ])('%s: op_in %o', (name, args, opIn, payload) => {
    const made = RingScene.ready();
    made.scene.ask(name, args);
    expect(made.inside()).toBe(`${name} 4`);
    const found = places(made);
    expect(found.payloadSz).toBe(payload);
    expect(found.payload).toBe(payload);
    // The structure may end in zeros and nothing else: stale bytes are not zero.
    expect(found.opIn).toBe(opIn);
  });

  it('leaves the request before where this one writes nothing', () => {
    const made = RingScene.ready();
    made.scene.ask('WRITE', { data: data(300), size: 300 });
    made.reply(-5);
    made.scene.ask('LOOKUP', { name: 'f' });
    const { headers, payload } = made.entry();
    expect(places(made).opIn).toBe(40);
    expect([...made.memory.at(payload, 4)]).toEqual([0x66, 0, 7, 7]);
    expect(uringEntOf(made.memory.at(headers, HEADERS))).toMatchObject({
      flags: 0n,
      commit_id: 6n,
      payload_sz: 2,
    });
  });

  it.each(
    OPCODES.filter(({ name }) => !/INIT|FORGET/.test(name)).map((op) => [op.name, op] as const),
  )('%s comes out as it went in', (_, op) => {
    fc.assert(
      fc.property(requestArb(op), ({ request }) => {
        const made = RingScene.ready(1, { flags: ['OVER_IO_URING', 'SETXATTR_EXT'] });
        const { opcode, body } = request;
        const spec = { opcode, body, nodeid: 5n, uid: 1, gid: 2, pid: 3, extlen: 0 };
        made.kernel.enqueue(made.scene.conn, spec);
        const { headers, payload } = made.entry();
        const ent = uringEntOf(made.memory.at(headers, HEADERS));
        const opIn = body.length - ent.payload_sz;
        const head = made.memory.at(headers, HEADERS);
        const found = concat([
          head.subarray(128, 128 + opIn),
          made.memory.at(payload, ent.payload_sz),
        ]);
        expect(found).toEqual(body);
        expect(head[0]).toBe((40 + body.length) & 0xff);
      }),
      runs(8),
    );
  });

  test.each(['headers', 'payload'] as const)(
    'unmapped %s: EFAULT for the client, no CQE, the entry takes the next',
    (what) => {
      const made = RingScene.ready();
      made.rings.onTaskWork = () => {};
      const [first, second] = [made.scene.ask(), made.scene.ask()];
      const entry = made.entry();
      made.memory.unmap(entry[what], 1);
      made.memory.onAccess = () => {
        if (made.scene.ended(first) !== undefined) made.memory.holes.length = 0;
      };
      made.rings.runTask(entry);
      expect(made.scene.ended(first)).toBe('EFAULT');
      expect(made.scene.ended(second)).toBeUndefined();
      expect(made.cqes).toEqual(['0/0 0']);
      expect(made.inside()).toBe('LOOKUP 6');
      expect(made.owners).toEqual(['0/0 kernel 0', '0/0 server 6']);
    },
  );

  it('with nothing more to send the entry is available again', () => {
    const made = RingScene.ready();
    made.memory.unmap(made.entry().payload, 1);
    const tickets = [made.scene.ask(), made.scene.ask()];
    expect(tickets.map((ticket) => made.scene.ended(ticket))).toEqual(['EFAULT', 'EFAULT']);
    expect(made.cqes).toEqual([]);
    expect(made.entry()).toMatchObject({ state: 'AVAILABLE', owner: 'kernel', held: true });
  });

  it.each<[VersionName, number]>([
    ['6.18', 1],
    ['7.3', 0],
  ])('%s: more than the payload holds is EIO, a bug of %d kernels', (version, bugs) => {
    const made = RingScene.ready(1, { version, flags: ['OVER_IO_URING', 'SETXATTR_EXT'] });
    const ticket = made.scene.ask('SETXATTR', { name: 'user.a', value: data(PAYLOAD - 6) });
    expect(made.scene.ended(ticket)).toBe('EIO');
    expect(made.bugs.length).toBe(bugs);
    expect(made.entry().state).toBe('AVAILABLE');
    const fits = made.scene.ask('SETXATTR', { name: 'user.a', value: data(PAYLOAD - 7) });
    expect(made.scene.ended(fits)).toBeUndefined();
  });
});

/** What a server can put into a reply to LOOKUP 4 (fixed, 128 bytes) or READ 4 (up to 100). */
type Bad = readonly [string, OpName, number, bigint, number, number | string];
const BAD: readonly Bad[] = [
  ['unique 0', 'LOOKUP', 0, 0n, 128, 'EINVAL'],
  ['unique 0 and an error', 'LOOKUP', -2, 0n, 0, 'EINVAL'],
  ['error 1', 'LOOKUP', 1, 4n, 128, 'EINVAL'],
  ['error -512', 'LOOKUP', -512, 4n, 128, 'EINVAL'],
  ['error -511', 'LOOKUP', -511, 4n, 0, 'errno 511'],
  ['error -2 with a payload', 'LOOKUP', -2, 4n, 5000, 'ENOENT'],
  ['error -13 and a wrong unique', 'LOOKUP', -13, 88n, 0, 'EACCES'],
  ['wrong unique', 'LOOKUP', 0, 6n, 128, 'ENOENT'],
  ['odd unique', 'LOOKUP', 0, 5n, 128, 0],
  ['short', 'LOOKUP', 0, 4n, 127, 'EINVAL'],
  ['long', 'LOOKUP', 0, 4n, 129, 'EINVAL'],
  ['empty', 'LOOKUP', 0, 4n, 0, 'EINVAL'],
  ['right', 'LOOKUP', 0, 4n, 128, 0],
  ['variable, empty', 'READ', 0, 4n, 0, 0],
  ['variable, full', 'READ', 0, 4n, 100, 0],
  ['variable, too long', 'READ', 0, 4n, 101, 'EINVAL'],
];

describe('fuse_uring_commit: never an error in the CQE', () => {
  test.each(BAD)('%s: %s gets %o', (_, name, error, unique, size, ended) => {
    const made = RingScene.ready();
    const ticket = made.scene.ask(name, name === 'READ' ? { size: 100 } : { name: 'a' });
    made.prepare(made.entry(), bareReply(unique, error), data(Math.min(size, 200)), size);
    expect(made.commit(4n)).toBe('HELD');
    expect(made.scene.ended(ticket)).toBe(ended === 'errno 511' ? made.scene.ended(ticket) : ended);
    if (ended === 'errno 511') expect(String(made.scene.ended(ticket))).toMatch(/511/);
    expect(made.entry()).toMatchObject({ state: 'AVAILABLE', held: true });
    const body = made.scene.ends[0]?.body;
    expect(body).toEqual(ended === 0 ? data(size) : new Uint8Array(0));
  });

  test.each<[string, number, number, number | string]>([
    ['out_header', 0, 1, 'EFAULT'],
    ['the rest of in_out', 16, 112, 0],
    ['op_in', 128, 128, 0],
    ['ring_ent_in_out', 256, 1, 'EFAULT'],
  ])('unmapped %s', (_, at, size, ended) => {
    const made = RingScene.ready();
    const ticket = made.scene.ask();
    made.prepare(made.entry(), bareReply(4n, 0), data(128));
    made.memory.unmap(made.entry().headers + at, size);
    expect(made.commit(4n)).toBe('HELD');
    expect(made.scene.ended(ticket)).toBe(ended);
  });

  it('unmapped payload: EFAULT if there is one to read', () => {
    const made = RingScene.ready();
    const [lookup, again] = [made.scene.ask(), made.scene.ask()];
    made.memory.onAccess = () => {};
    made.prepare(made.entry(), bareReply(4n, 0), data(128));
    made.rings.onDelivery = () => made.memory.holes.splice(0);
    made.memory.unmap(made.entry().payload + 127, 1);
    expect(made.commit(4n)).toBe(0);
    expect(made.scene.ended(lookup)).toBe('EFAULT');
    made.memory.unmap(made.entry().payload, PAYLOAD);
    expect(made.reply(-5)).toBe('HELD');
    expect(made.scene.ended(again)).toBe('EIO');
  });

  it('a reply that fits its request but not the payload is EIO', () => {
    const made = RingScene.ready(1, { version: '7.3' });
    const ticket = made.scene.ask('GETXATTR', { size: 65536, name: 'user.a' });
    made.prepare(made.entry(), bareReply(4n, 0), data(10), PAYLOAD + 1);
    made.commit(4n);
    expect(made.scene.ended(ticket)).toBe('EIO');
  });

  it('takes what encodeReply() makes', () => {
    const made = RingScene.ready();
    const ticket = made.scene.ask('OPEN', {});
    const reply = encodeReply(made.delivered(), { fh: 9n });
    made.prepare(made.entry(), reply.subarray(0, 16), reply.slice(16));
    expect(made.commit(4n)).toBe('HELD');
    expect(made.scene.ended(ticket)).toBe(0);
    expect(made.scene.ends[0]).toMatchObject({ replied: true, body: reply.slice(16) });
  });
});

describe('owners', () => {
  it('alternate: registered, delivered, committed, delivered, released', () => {
    const made = RingScene.agreed();
    made.register();
    const tickets = [made.scene.ask('GETATTR', {}), made.scene.ask('STATFS', {})];
    expect(made.reply()).toBe(0);
    expect(made.reply()).toBe('HELD');
    made.kernel.abort(made.scene.conn);
    const moves = ['kernel 0', 'server 4', 'kernel 4', 'server 6', 'kernel 6', 'server 0'];
    expect(made.owners).toEqual(moves.map((move) => `0/0 ${move}`));
    expect(tickets.map((ticket) => made.scene.ended(ticket))).toEqual(['ENOENT', 'ENOENT']);
  });

  it('a reply may be overwritten as soon as the kernel owns it; a delivery finds that intact', () => {
    const made = RingScene.ready();
    const [first] = [made.scene.ask('READ', { size: 100 }), made.scene.ask()];
    const buffers = () => [
      made.memory.at(made.entry().headers, HEADERS),
      made.memory.at(made.entry().payload, PAYLOAD),
    ];
    const seen: boolean[] = [];
    made.rings.onOwner = (_entry, owner) => {
      if (owner === 'kernel') for (const bytes of buffers()) bytes.fill(0x55);
    };
    made.rings.onDelivery = () =>
      seen.push(buffers().every((bytes) => bytes.every((byte) => byte === 0x55)));
    expect(made.reply(0, 0, 0, data(100))).toBe(0);
    expect(made.scene.ends.find(({ ticket }) => ticket === first)?.body).toEqual(data(100));
    expect(seen).toEqual([true]);
    expect(made.inside()).toBe('LOOKUP 6');
  });
});

it('every operation that has no structure is known as such', () => {
  const bare = ['LOOKUP', 'UNLINK', 'RMDIR', 'READLINK', 'STATFS', 'REMOVEXATTR', 'SYMLINK'];
  for (const name of bare) expect(OP[name as OpName].request[0]?.part).not.toBe('struct');
});
