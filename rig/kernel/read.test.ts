/** read(2): the order of its checks, the order of delivery, what a message looks like. */
import { describe, expect, it, test } from 'vitest';
import { encodeReply } from '../protocol/build.ts';
import { Request } from '../protocol/message.ts';
import { Scene } from './scene.ts';

const forgets = (count: number, from = 10n) =>
  Array.from({ length: count }, (_, i) => ({ nodeid: from + BigInt(i), nlookup: 1n }));

describe('fuse_dev_do_read: the checks', () => {
  test.each([
    ['unbound', 8192, 'EPERM'],
    ['unbound', 1, 'EPERM'],
    ['nothing pending', 65616, 'BLOCK'],
    ['nothing pending', 65615, 'EINVAL'],
    ['pending', 65615, 'EINVAL'],
    ['dead', 65615, 'EINVAL'],
    ['dead', 65616, 'ENODEV'],
  ])('%s, a buffer of %d: %s', (state, size, result) => {
    const scene = state === 'unbound' ? new Scene() : Scene.ready({ max_write: 65536 });
    if (state === 'pending') scene.ask();
    if (state === 'dead') scene.kernel.shutdown(scene.conn);
    expect(scene.read(scene.handle, size)).toBe(result);
  });

  it('leaves the request to a read that brings enough', () => {
    const scene = Scene.ready({ max_write: 65536 });
    scene.ask();
    expect(scene.read(scene.handle, 65615)).toBe('EINVAL');
    expect(scene.take(scene.handle, 65616).name).toBe('LOOKUP');
  });

  test.each([
    ['before INIT', undefined, [], 8192],
    ['max_write 0', 0, [], 8192],
    ['max_write 4096', 4096, [], 8192],
    ['max_write 8112', 8112, [], 8192],
    ['max_write 8113', 8113, [], 8193],
    ['max_write 65536', 65536, [], 65616],
    ['max_write 1 MiB', 1 << 20, [], 1048656],
    ['max_write 1 MiB and FUSE_MAX_PAGES', 1 << 20, ['MAX_PAGES' as const], 1048656],
  ])('%s: the smallest buffer', (_, maxWrite, flags, least) => {
    const scene =
      maxWrite === undefined ? new Scene() : Scene.ready({ max_write: maxWrite }, flags);
    if (maxWrite === undefined) scene.conn = scene.mount().conn;
    if (maxWrite === undefined) scene.take();
    expect(scene.read(scene.handle, least - 1)).toBe('EINVAL');
    expect(scene.read(scene.handle, least)).toBe('BLOCK');
  });

  it('a sleeping reader is not measured again when INIT raises the least (seen on 6.18.44)', () => {
    const scene = Scene.mounted();
    const clone = scene.kernel.open(2);
    scene.kernel.clone(clone, scene.handle);
    const init = scene.take();
    expect(scene.read(clone, 8192)).toBe('BLOCK');
    const reply = encodeReply(init, { major: 7, minor: 45, max_write: 1 << 20 });
    expect(scene.write(reply)).toBe(80);
    scene.ask();
    expect(scene.read(clone, 8192)).toBe('EINVAL');
    expect(scene.read(clone, 8192, true)).toBeInstanceOf(Request);
  });

  test.each([
    ['WRITE', { data: new Uint8Array(9000), size: 9000 }, 'EIO'],
    ['SETXATTR', { name: 'user.a', value: new Uint8Array(9000) }, 'E2BIG'],
  ] as const)('%s longer than the buffer is lost and the read goes on', (name, args, error) => {
    const scene = Scene.ready({ max_write: 4096 });
    const long = scene.ask(name, args);
    scene.ask('LOOKUP', { name: 'next' });
    expect(scene.take(scene.handle, 8192).name).toBe('LOOKUP');
    expect(scene.ended(long)).toBe(error);
    expect(scene.ends[0]?.replied).toBe(false);
  });

  it('sleeps if nothing follows a request that was too long', () => {
    const scene = Scene.ready({ max_write: 4096 });
    scene.ask('WRITE', { data: new Uint8Array(9000) });
    expect(scene.read(scene.handle, 8192)).toBe('BLOCK');
  });

  it('a fault in the buffer costs the request: EIO, and no reply is possible', () => {
    const scene = Scene.ready();
    const ticket = scene.ask();
    const request = scene.take();
    scene.kernel.faulted(scene.handle, request.bytes);
    expect(scene.ended(ticket)).toBe('EIO');
    expect(scene.reply(request.unique, -2)).toBe('ENOENT');
    expect(scene.kernel.waiting(scene.conn)).toBe(0);
  });

  it('a fault while a FORGET or an INTERRUPT is copied loses the message only', () => {
    const scene = Scene.ready();
    const ticket = scene.ask();
    scene.take();
    scene.kernel.interrupt(ticket);
    scene.kernel.faulted(scene.handle, scene.take().bytes);
    scene.kernel.forget(scene.conn, forgets(1));
    scene.kernel.faulted(scene.handle, scene.take().bytes);
    expect(scene.ended(ticket)).toBeUndefined();
    expect(scene.drain()).toEqual([]);
  });
});

describe('what a delivered request looks like', () => {
  it('header as the client was, body as it was put in', () => {
    const scene = Scene.ready();
    scene.ask(
      'MKDIR',
      { mode: 0o755, umask: 0o22, name: 'd', ext: new Uint8Array(8) },
      { extlen: 1 },
    );
    const request = scene.take();
    expect(request).toMatchObject({ name: 'MKDIR', nodeid: 1n, uid: 1000, gid: 1001, pid: 77 });
    expect(request.args).toMatchObject({ mode: 0o755, umask: 0o22 });
    expect(request.args.ext).toEqual(new Uint8Array(8));
    expect(request.bytes.length).toBe(40 + 8 + 2 + 8);
  });

  it('fuse_get_unique: INIT is 2, requests and forgets take 2 more each', () => {
    const scene = Scene.mounted();
    expect(scene.take().unique).toBe(2n);
    const ready = Scene.ready();
    const first = ready.ask();
    expect(ready.kernel.uniqueOf(first)).toBe(4n);
    ready.kernel.forget(ready.conn, forgets(1));
    const second = ready.ask();
    expect(ready.kernel.uniqueOf(second)).toBe(6n);
    expect(ready.drain()).toEqual(['LOOKUP 4', 'LOOKUP 6', 'FORGET 8']);
    ready.ask();
    expect(ready.drain()).toEqual(['LOOKUP 10']);
  });
});

describe('fuse_dev_do_read: the order', () => {
  it('requests first in, first out', () => {
    const scene = Scene.ready();
    for (let i = 0; i < 5; i++) scene.ask();
    expect(scene.drain()).toEqual([4, 6, 8, 10, 12].map((unique) => `LOOKUP ${unique}`));
  });

  it('INTERRUPTs before everything, first in, first out', () => {
    const scene = Scene.ready();
    const a = scene.ask();
    const b = scene.ask();
    scene.drain();
    scene.ask();
    scene.kernel.forget(scene.conn, forgets(1));
    scene.kernel.interrupt(b);
    scene.kernel.interrupt(a);
    expect(scene.drain()).toEqual(['INTERRUPT 7', 'INTERRUPT 5', 'LOOKUP 8', 'FORGET 10']);
  });

  it('forget_batch: 8 requests, 16 forgets, 8 requests, ... while both wait', () => {
    const scene = Scene.ready({ minor: 15 });
    for (let i = 0; i < 40; i++) scene.ask();
    scene.kernel.forget(scene.conn, forgets(40));
    const kinds = scene.drain().map((line) => line.split(' ')[0]);
    const of = (kind: string, count: number) => Array.from({ length: count }, () => kind);
    expect(kinds).toEqual([
      ...of('LOOKUP', 8),
      ...of('FORGET', 16),
      ...of('LOOKUP', 8),
      ...of('FORGET', 16),
      ...of('LOOKUP', 8),
      ...of('FORGET', 8),
      ...of('LOOKUP', 16),
    ]);
  });

  it('forgets go at once while no request is pending, whatever the counter says', () => {
    const scene = Scene.ready({ minor: 15 });
    scene.kernel.forget(scene.conn, forgets(30));
    expect(scene.drain().length).toBe(30);
  });
});

describe('fuse_read_forget: the form', () => {
  test.each([
    [1, 45, ['FORGET 4']],
    [2, 45, ['BATCH_FORGET 4']],
    [2, 16, ['BATCH_FORGET 4']],
    [2, 15, ['FORGET 4', 'FORGET 6']],
    [0, 45, []],
  ])('%d forgets, minor %d: %s', (count, minor, messages) => {
    const scene = Scene.ready({ minor });
    scene.kernel.forget(scene.conn, forgets(count));
    expect(scene.drain()).toEqual(messages);
  });

  it('FORGET: the node in the header, nobody as caller, 48 bytes', () => {
    const scene = Scene.ready();
    scene.kernel.forget(scene.conn, [{ nodeid: 99n, nlookup: 7n }]);
    const request = scene.take();
    expect(request).toMatchObject({ nodeid: 99n, uid: 0, gid: 0, pid: 0 });
    expect(request.bytes.length).toBe(48);
    expect(request.args).toMatchObject({ nlookup: 7n });
  });

  it('BATCH_FORGET: no node in the header, 16 bytes a forget', () => {
    const scene = Scene.ready();
    scene.kernel.forget(scene.conn, forgets(3));
    const request = scene.take();
    expect(request).toMatchObject({ nodeid: 0n, uid: 0, gid: 0, pid: 0 });
    expect(request.bytes.length).toBe(48 + 3 * 16);
    expect(request.args).toMatchObject({ count: 3, forgets: forgets(3) });
  });

  it('holds (buffer - 48) / 16 at most; the rest comes next, alone as FORGET', () => {
    const scene = Scene.ready({ max_write: 4096 });
    const room = (8192 - 48) / 16;
    scene.kernel.forget(scene.conn, forgets(2 * room + 1));
    const counts = [8192, 8207, 8192].map((size) => scene.take(scene.handle, size));
    expect(counts.map((request) => request.args.count)).toEqual([room, room, undefined]);
    expect(counts[2]?.name).toBe('FORGET');
    expect(counts[2]?.nodeid).toBe(10n + BigInt(2 * room));
  });

  it('thousands keep their order, while more are queued', () => {
    const scene = Scene.ready({ minor: 15 });
    const seen: bigint[] = [];
    for (let round = 0; round < 10; round++) {
      scene.kernel.forget(scene.conn, forgets(500, BigInt(round) * 500n));
      for (let i = 0; i < 300; i++) seen.push(scene.take().nodeid);
    }
    while (seen.length < 5000) seen.push(scene.take().nodeid);
    expect(seen).toEqual(Array.from({ length: 5000 }, (_, i) => BigInt(i)));
    expect(scene.read()).toBe('BLOCK');
  });

  it('none are queued on a dead connection, and those queued are dropped with it', () => {
    const scene = Scene.ready();
    scene.kernel.forget(scene.conn, forgets(2));
    scene.kernel.shutdown(scene.conn);
    scene.kernel.forget(scene.conn, forgets(2));
    expect(scene.read()).toBe('ENODEV');
  });
});

describe('requests without reply', () => {
  it('end when they are read; what answers them is ENOENT', () => {
    const scene = Scene.ready();
    const ticket = scene.ask('FORGET', { nlookup: 1n }, { force: true });
    const request = scene.take();
    expect(scene.ended(ticket)).toBe(0);
    expect(scene.ends[0]?.replied).toBe(false);
    expect(scene.reply(request.unique)).toBe('ENOENT');
  });

  it("NOTIFY_REPLY bears the server's number and takes none", () => {
    const scene = Scene.ready();
    scene.kernel.notifyReply(scene.conn, 1234n, 5n, new Uint8Array(40));
    scene.kernel.notifyReply(scene.conn, 0n, 5n, new Uint8Array(40));
    expect(scene.kernel.waiting(scene.conn)).toBe(2);
    scene.ask();
    expect(scene.drain()).toEqual(['NOTIFY_REPLY 1234', 'NOTIFY_REPLY 0', 'LOOKUP 4']);
    expect(scene.kernel.waiting(scene.conn)).toBe(1);
    expect(scene.reply(1234n)).toBe('ENOENT');
  });
});

it('a request that is not as its row says is delivered all the same, and takes any reply', () => {
  const scene = Scene.ready();
  const ticket = scene.ask('READ', {}, { body: new Uint8Array(3) });
  const into = new Uint8Array(1 << 16);
  expect(scene.kernel.read(scene.handle, 1 << 20, into)).toBe(43);
  expect(scene.reply(4n)).toBe(16);
  expect(scene.ended(ticket)).toBe(0);
});
