/** Commands: the checks of fuse_uring_cmd(), fuse_uring_register() and fuse_uring_commit_fetch(). */
import { describe, expect, it, test } from 'vitest';
import { writeU64 } from '../../protocol/cursor.ts';
import { URING_CMD } from '../../protocol/ring.ts';
import { Scene } from '../scene.ts';
import type { VersionName } from '../versions.ts';
import { HEADERS, PAYLOAD, RingScene } from './testing/scene.ts';

const commit = { cmdOp: URING_CMD.COMMIT_AND_FETCH };

describe('fuse_uring_cmd', () => {
  test.each([
    [{}, 'EPERM'],
    [{ sqe128: false }, 'EINVAL'],
  ])('unbound handle, %o: %s', (sqe, result) => {
    const made = new RingScene(new Scene(RingScene.options({})));
    expect(made.register(0, made.slot(), sqe)).toBe(result);
  });

  it('waits for the mount in state SYNC_INIT, as a read does', () => {
    const made = new RingScene(new Scene(RingScene.options({})));
    made.kernel.syncInit(made.scene.handle);
    expect(made.register()).toBe('BLOCK');
    made.scene.mount();
    expect(made.register()).toBe('EAGAIN');
  });

  it('takes a clone of the handle, and no handle that is not there', () => {
    const made = RingScene.agreed();
    const clone = made.kernel.open(2);
    made.kernel.clone(clone, made.scene.handle);
    expect(made.register(0, made.slot(), { handle: clone })).toBe('HELD');
    expect(made.rings.holds(clone)).toBe(1);
    expect(made.rings.holds(made.scene.handle)).toBe(0);
    expect(made.register(0, made.slot(), { handle: 77 })).toBe('EBADF');
  });

  test.each([1, 2, 0, 77])(
    'cmd_op %d before the INIT reply: EAGAIN, and nothing is kept',
    (cmdOp) => {
      const made = RingScene.mounted();
      expect(made.register(0, made.slot(), { cmdOp })).toBe('EAGAIN');
      expect(made.entries).toEqual([]);
    },
  );

  it('an unknown cmd_op is EINVAL and changes nothing', () => {
    const made = RingScene.agreed();
    for (const cmdOp of [0, 3, 4, 77]) expect(made.command({ cmdOp })).toBe('EINVAL');
    const ticket = made.scene.ask();
    expect(made.kernel.uniqueOf(ticket)).toBeUndefined();
    expect(made.register()).toBe(0);
    expect(made.inside()).toBe('LOOKUP 4');
  });

  it('enable_uring off: EOPNOTSUPP, unless the connection has it', () => {
    expect(RingScene.agreed({ enabled: false }).register()).toBe('EOPNOTSUPP');
    const made = RingScene.agreed();
    made.rings.enabled = false;
    expect(made.register()).toBe('HELD');
    // A REGISTER that fails takes the connection's own permission away.
    expect(made.register(9)).toBe('EINVAL');
    expect(made.register()).toBe('EOPNOTSUPP');
  });

  it('enable_uring off is said before INIT is missed', () => {
    expect(RingScene.mounted({ enabled: false }).register()).toBe('EOPNOTSUPP');
    expect(RingScene.mounted({ enabled: false, version: '7.3' }).register()).toBe('EAGAIN');
  });

  test.each<[string, (made: RingScene) => void, string]>([
    ['abort with ABORT_ERROR', ({ kernel, scene }) => kernel.abort(scene.conn), 'ECONNABORTED'],
    ['umount -f', ({ kernel, scene }) => kernel.forceUnmount(scene.conn), 'ENOTCONN'],
    ['umount', ({ kernel, scene }) => kernel.shutdown(scene.conn), 'ENOTCONN'],
    ['request timeout', ({ kernel, scene }) => kernel.expire(scene.conn), 'ENOTCONN'],
  ])('%s: new commands of every kind get it', (_, end, result) => {
    const made = RingScene.ready(1, { flags: ['OVER_IO_URING', 'ABORT_ERROR'] });
    end(made);
    expect([made.register(), made.command(commit), made.command({ cmdOp: 77 })]).toEqual(
      Array(3).fill(result),
    );
    expect(made.cqes).toEqual(['0/0 ENOTCONN']);
  });

  it('abort without ABORT_ERROR: ENOTCONN', () => {
    const made = RingScene.ready();
    made.kernel.abort(made.scene.conn);
    expect(made.register()).toBe('ENOTCONN');
  });
});

describe('7.3: no command unless the INIT reply asked for the ring', () => {
  const setup = { version: '7.3', flags: [] } as const;
  it.each([1, 2, 3, 77])('cmd_op %d: EOPNOTSUPP', (cmdOp) => {
    expect(RingScene.agreed({ ...setup, flags: [] }).command({ cmdOp })).toBe('EOPNOTSUPP');
  });
  it('nor after a REGISTER failed', () => {
    const made = RingScene.agreed({ version: '7.3' });
    expect([made.register(9), made.register()]).toEqual(['EINVAL', 'EOPNOTSUPP']);
    const ready = RingScene.ready(1, { version: '7.3' });
    const ticket = ready.scene.ask('GETATTR', {});
    ready.register(9);
    expect([ready.reply(), ready.scene.ended(ticket)]).toEqual(['EOPNOTSUPP', undefined]);
  });
  it('has the ring from INIT on: a COMMIT is held against its queues', () => {
    const made = RingScene.agreed({ version: '7.3' });
    expect([made.commit(4n, 1), made.commit(4n, 0)]).toEqual(['EINVAL', 'ENOTCONN']);
  });
});

describe('fuse_uring_register', () => {
  it('success: the SQE is held, the buffers are not touched', () => {
    const made = RingScene.agreed();
    const slot = made.slot();
    made.memory.unmap(slot.headers, HEADERS);
    made.memory.unmap(slot.payload, PAYLOAD);
    expect(made.register(0, slot)).toBe('HELD');
    expect(made.entry()).toMatchObject({ state: 'AVAILABLE', owner: 'kernel', held: true });
    expect(made.owners).toEqual(['0/0 kernel 0']);
  });

  it('the same buffers may be registered twice', () => {
    const made = RingScene.agreed();
    const slot = made.slot();
    expect([made.register(0, slot), made.register(0, slot)]).toEqual(['HELD', 'HELD']);
  });

  test.each([0, 1, 3])('len %d: EINVAL', (len) => {
    const made = RingScene.agreed();
    expect(made.register(0, made.slot(), { len })).toBe('EINVAL');
  });

  test.each([2, 3, 65535])('qid %d of 2: EINVAL, before len is looked at', (qid) => {
    const made = RingScene.agreed({ cpus: 2 });
    expect(made.register(qid, made.slot(), { len: 7, addr: 0n })).toBe('EINVAL');
  });

  it('unreadable iovecs: EFAULT', () => {
    const made = RingScene.agreed();
    expect(made.register(0, made.slot(), { addr: 16n })).toBe('EFAULT');
    expect(made.register(0, made.slot(), { addr: 2n ** 63n })).toBe('EFAULT');
  });

  test.each([
    [HEADERS, PAYLOAD, 'HELD'],
    [HEADERS - 1, PAYLOAD, 'EINVAL'],
    [HEADERS, PAYLOAD - 1, 'EINVAL'],
    [0, 0, 'EINVAL'],
    // All iovecs together are cut at MAX_RW_COUNT: nothing is left for the payload.
    [0x7ffff000, PAYLOAD, 'EINVAL'],
    [0x7ffff000 - PAYLOAD, PAYLOAD, 'HELD'],
  ])('iovecs of %d and %d bytes: %s', (headers, payload, result) => {
    const made = RingScene.agreed();
    expect(made.register(0, made.slot(headers, payload))).toBe(result);
  });

  test.each<[string, number, bigint, string]>([
    ['kernel address', 0, 0xffff888000000000n, 'EFAULT'],
    ['kernel address of the payload', 16, 0xffff888000000000n, 'EFAULT'],
    ['end of the user range', 0, (1n << 47n) - 4096n, 'EFAULT'],
    ['null', 0, 0n, 'HELD'],
    ['negative length', 8, 2n ** 64n - 1n, 'EINVAL'],
  ])('import_iovec: %s', (_, at, value, result) => {
    const made = RingScene.agreed();
    const slot = made.slot();
    writeU64(made.memory.at(slot.iovecs, 32), at, value);
    expect(made.register(0, slot)).toBe(result);
  });

  it('import_iovec: lengths are looked at before addresses', () => {
    const made = RingScene.agreed();
    const slot = made.slot();
    writeU64(made.memory.at(slot.iovecs, 32), 0, 0xffff888000000000n);
    writeU64(made.memory.at(slot.iovecs, 32), 24, 2n ** 64n - 1n);
    expect(made.register(0, slot)).toBe('EINVAL');
  });

  test.each([
    ['64 KiB, no MAX_PAGES', { max_write: 65536 }, false, 131072],
    ['1 MiB, no MAX_PAGES', { max_write: 1 << 20 }, false, 1 << 20],
    ['4096, 1 page', { max_write: 4096, max_pages: 1 }, true, 8192],
    ['65536, 256 pages', { max_write: 65536, max_pages: 256 }, true, 1 << 20],
    ['100000, 1 page', { max_write: 100000, max_pages: 1 }, true, 100000],
  ])('smallest payload: %s', (_, fields, pages, size) => {
    const made = RingScene.mounted();
    made.scene.init(fields, pages ? ['OVER_IO_URING', 'MAX_PAGES'] : ['OVER_IO_URING']);
    expect(made.register(0, made.slot(HEADERS, size - 1))).toBe('EINVAL');
    expect(made.register(0, made.slot(HEADERS, size))).toBe('HELD');
    expect(made.entry().payloadSize).toBe(size);
  });

  it.each<[VersionName, string]>([
    ['6.18', 'HELD'],
    ['7.1', 'ECONNABORTED'],
  ])('%s, overtaken by an abort: %s', (version, result) => {
    const made = RingScene.agreed({ version });
    made.memory.onAccess = () => made.kernel.forceUnmount(made.scene.conn);
    expect(made.register()).toBe(result);
    const held = result === 'HELD';
    expect(made.bugs).toEqual(held ? ['0/0 registered behind an abort: held for ever'] : []);
    expect(made.kernel.unmount('/mnt', 0, 1)).toBe(held ? -0x10000 : 0);
  });
});

describe('fuse_uring_commit_fetch', () => {
  it('no ring: ENOTCONN, before the qid is looked at', () => {
    expect(RingScene.agreed().commit(4n, 9)).toBe('ENOTCONN');
  });

  it('qid out of range, a queue that was never made, one a failed REGISTER made', () => {
    const made = RingScene.agreed({ cpus: 3 });
    made.register(0);
    made.register(2, made.slot(), { len: 3 });
    expect(made.commit(4n, 3)).toBe('EINVAL');
    expect(made.commit(4n, 1)).toBe('ENOTCONN');
    expect(made.commit(4n, 2)).toBe('ENOENT');
  });

  it('ids that are not outstanding in that queue: ENOENT, and the entry stays as it was', () => {
    const made = RingScene.ready(1, { cpus: 2 });
    const ticket = made.scene.ask('GETATTR', {}, { cpu: 1 });
    expect(made.inside(0, 1)).toBe('GETATTR 4');
    expect(made.commit(4n, 0)).toBe('ENOENT');
    expect(made.commit(6n, 1)).toBe('ENOENT');
    expect(made.commit(0n, 1)).toBe('ENOENT');
    expect(made.inside(0, 1)).toBe('GETATTR 4');
    expect(made.reply(-5, 0, 1)).toBe('HELD');
    expect(made.scene.ended(ticket)).toBe('EIO');
    expect(made.commit(4n, 1)).toBe('ENOENT');
    expect(made.cqes).toEqual(['1/0 0']);
  });

  it('may come from another ring than the REGISTER', () => {
    const made = RingScene.ready();
    made.scene.ask('GETATTR', {});
    made.prepare(made.entry(), new Uint8Array(16));
    expect(made.commit(4n, 0, 2)).toBe('HELD');
    made.rings.cancelRing(1);
    expect(made.cqes).toEqual(['0/0 0']);
    made.rings.cancelRing(2);
    expect(made.cqes).toEqual(['0/0 0', '0/0 ENOTCONN']);
  });

  it.each<[VersionName, string, string | undefined]>([
    ['6.18', 'EIO', 'EIO'],
    ['7.1', 'ENOENT', undefined],
  ])('%s, between assignment and copy: %s', (version, result, ended) => {
    const made = RingScene.ready(1, { version });
    made.rings.onTaskWork = () => {};
    const ticket = made.scene.ask('GETATTR', {});
    expect(made.entry().state).toBe('FUSE_REQ');
    expect(made.commit(4n)).toBe(result);
    expect(made.scene.ended(ticket)).toBe(ended);
    made.rings.runTask(made.entry());
    expect(made.cqes).toEqual(['0/0 0']);
    expect(made.bugs).toEqual(ended ? ['0/0 copies a request that has ended'] : []);
    expect(made.reply()).toBe(ended ? 'ENOENT' : 'HELD');
    expect(made.scene.ends.length).toBe(1);
  });
});
