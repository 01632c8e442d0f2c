/** FUSE commands that the real kernel takes and refuses, through the rig. */
import { afterEach, beforeEach, describe, expect, it, type TestContext, test } from 'vitest';
import { HEADERS } from '../rig/kernel/ring/testing/scene.ts';
import { bareReply } from '../rig/protocol/header.ts';
import { has, type Negotiated } from '../rig/protocol/negotiated.ts';
import { CPUS, whyNoRing } from './testing/ring_host.ts';
import { RealScene, type SceneOptions } from './testing/ring_scene.ts';

const why = whyNoRing();
let scene: RealScene;
const open = (options?: SceneOptions): RealScene => {
  scene = new RealScene(options);
  return scene;
};

afterEach(async () => {
  await scene?.end();
});

const needsRing = (context: TestContext): void => context.skip(why !== undefined, why);

// Where the kernel offers rings, as the test set-up has it do when root allows, there is nothing to see.
if (why !== undefined) {
  describe('with enable_uring off', () => {
    it('every command is EOPNOTSUPP, and INIT offers no ring', (context) => {
      context.skip(process.getuid?.() !== 0, 'mounting needs root');
      open();
      expect(scene.rings.enabled).toBe(false);
      expect(has(scene.negotiated as Negotiated, 'OVER_IO_URING')).toBe(false);
      for (const cmdOp of [1, 2, 77]) {
        expect(scene.register(0, scene.slot(), { cmdOp })).toBe('EOPNOTSUPP');
      }
    });
  });
}

describe('REGISTER', () => {
  beforeEach(needsRing);
  const P = 8192n;
  const KERNEL = 0xffff_8000_0000_0000n;
  type Iovec = [base: bigint, length: bigint];
  test.each<[string, (head: bigint, body: bigint) => [Iovec, Iovec], string]>([
    [
      'a header of 287 bytes',
      (h, b) => [
        [h, 287n],
        [b, P],
      ],
      'EINVAL',
    ],
    [
      'a payload one byte short',
      (h, b) => [
        [h, 288n],
        [b, P - 1n],
      ],
      'EINVAL',
    ],
    [
      'a payload of 0',
      (h, b) => [
        [h, 288n],
        [b, 0n],
      ],
      'EINVAL',
    ],
    [
      'headers in kernel range',
      (_, b) => [
        [KERNEL, 288n],
        [b, P],
      ],
      'EFAULT',
    ],
    [
      'a payload in kernel range',
      (h) => [
        [h, 288n],
        [KERNEL, P],
      ],
      'EFAULT',
    ],
    [
      'a payload that ends in kernel range',
      (h) => [
        [h, 288n],
        [(1n << 47n) - P, P],
      ],
      'EFAULT',
    ],
    [
      'a negative length',
      (h, b) => [
        [h, 288n],
        [b, -1n],
      ],
      'EINVAL',
    ],
    [
      'headers that use up all a call may move',
      (h, b) => [
        [h, 1n << 40n],
        [b, P],
      ],
      'EINVAL',
    ],
    [
      'a payload of a terabyte',
      (h, b) => [
        [h, 288n],
        [b, 1n << 40n],
      ],
      'HELD',
    ],
    [
      'headers of a gigabyte',
      (h, b) => [
        [h, 1n << 30n],
        [b, P],
      ],
      'HELD',
    ],
    [
      'addresses that nobody has',
      () => [
        [8n, 288n],
        [8n, P],
      ],
      'HELD',
    ],
  ])('%s', (_, iovecs, result) => {
    open();
    const slot = scene.slot();
    const [headers, payload] = [BigInt(slot.headers), BigInt(slot.payload)];
    scene.name(slot.iovecs, ...iovecs(headers, payload));
    const before = process.memoryUsage().rss;
    expect(scene.register(0, slot)).toBe(result);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 << 20);
    expect(scene.rings.entries(scene.conn).length).toBe(result === 'HELD' ? 1 : 0);
    expect(scene.rings.holds(scene.handle)).toBe(result === 'HELD' ? 1 : 0);
  });

  // A connection each: after one that was refused Linux 7.3 takes no other (EOPNOTSUPP).
  test.each<[string, () => number | string, string]>([
    ['a queue that there is not', () => scene.register(CPUS), 'EINVAL'],
    ['no iovecs', () => scene.register(0, scene.slot(), { len: 0 }), 'EINVAL'],
    ['one iovec', () => scene.register(0, scene.slot(), { len: 1 }), 'EINVAL'],
    ['three iovecs', () => scene.register(0, scene.slot(), { len: 3 }), 'EINVAL'],
    ['iovecs that nobody has', () => scene.command({ addr: 8n, len: 2 }), 'EFAULT'],
    ['iovecs of the kernel', () => scene.command({ addr: KERNEL, len: 2 }), 'EFAULT'],
    ['small SQEs', () => scene.register(0, scene.slot(), { sqe128: false }), 'EINVAL'],
    ['a closed handle', () => scene.register(0, scene.slot(), { handle: 99 }), 'EBADF'],
    [
      'a handle without a mount',
      () => scene.register(0, scene.slot(), { handle: scene.kernel.open() }),
      'EPERM',
    ],
    ['no operation', () => scene.register(0, scene.slot(), { cmdOp: 0 }), 'EINVAL'],
    ['a queue of Linux 7.3', () => scene.register(0, scene.slot(), { cmdOp: 3 }), 'EINVAL'],
    ['a buffer pool', () => scene.register(0, scene.slot(), { cmdOp: 4 }), 'EINVAL'],
    ['an operation of nobody', () => scene.register(0, scene.slot(), { cmdOp: 77 }), 'EINVAL'],
  ])('with %s', (_, command, result) => {
    open();
    expect(command()).toBe(result);
    expect(scene.rings.entries(scene.conn)).toEqual([]);
  });

  it('that fails sends the clients to the device', async () => {
    open();
    const client = scene.client(0, 'access @ 4');
    await scene.waiting(1);
    expect(scene.read()).toBe('BLOCK');
    scene.register(CPUS);
    await scene.until('the request', () => {
      const request = scene.read();
      if (typeof request !== 'object') return false;
      scene.kernel.write(scene.handle, bareReply(request.unique, -13), 16);
      return true;
    });
    expect(await client).toEqual(['EACCES']);
  });

  it('makes the ring ready with the last queue, and counts the entries of each', () => {
    open();
    const told: number[] = [];
    scene.rings.onReady = (conn) => told.push(conn);
    for (let qid = 0; qid < CPUS; qid++) {
      expect([scene.rings.ready(scene.conn), told]).toEqual([false, []]);
      expect(scene.register(qid)).toBe('HELD');
    }
    expect([scene.rings.ready(scene.conn), told]).toEqual([true, [scene.conn]]);
    scene.register(0);
    const names = scene.rings.entries(scene.conn).map(({ qid, index }) => `${qid}/${index}`);
    expect(names.filter((name) => name.startsWith('0'))).toEqual(['0/0', '0/1']);
    expect(scene.rings.holds(scene.handle)).toBe(CPUS + 1);
  });

  it('by a clone of the handle is held by that', () => {
    open();
    const clone = scene.kernel.open();
    expect(scene.kernel.clone(clone, scene.handle)).toBe(0);
    expect(scene.register(0, scene.slot(), { handle: clone })).toBe('HELD');
    expect([scene.rings.holds(clone), scene.rings.holds(scene.handle)]).toEqual([1, 0]);
  });
});

const errno = (cqe: string): string => cqe.replace(/^bare \d+ /, '');

describe('before INIT is answered', () => {
  beforeEach(needsRing);
  it('every command ends with EAGAIN, and nothing is remembered', async () => {
    open({ answered: false });
    const results = [1, 2, 77].map((cmdOp) =>
      scene.command({ cmdOp, addr: BigInt(scene.slot(HEADERS, 8192).iovecs), len: 2 }),
    );
    // What an enter has brought for commands before it is told at the end of the batch, and nowhere else.
    scene.rings.flush();
    // At once where the worker is that quick.
    const said = () => [...results.filter((r) => r !== 'HELD'), ...scene.cqes.map(errno)];
    await scene.until('the CQEs', () => said().length === 3);
    expect(said()).toEqual(['EAGAIN', 'EAGAIN', 'EAGAIN']);
    expect(scene.rings.entries(scene.conn)).toEqual([]);
    scene.init();
    scene.ready();
    expect(scene.entry().index).toBe(0);
    const client = scene.client(0, 'access @ 4');
    scene.reply(await scene.take(), -13);
    expect(await client).toEqual(['EACCES']);
  });
});

describe('COMMIT_AND_FETCH', () => {
  beforeEach(needsRing);
  it('without a ring, and without its queue', () => {
    open();
    expect(scene.commit(4n)).toBe('ENOTCONN');
    scene.register(0);
    expect(scene.commit(4n)).toBe('ENOENT');
    expect(scene.commit(4n, CPUS)).toBe('EINVAL');
    if (CPUS > 1) expect(scene.commit(4n, 1)).toBe('ENOTCONN');
  });

  it('of a request that is not there leaves the one that is', async () => {
    open().ready();
    const client = scene.client(0, 'access @ 4');
    const taken = await scene.take();
    const { unique } = taken.request;
    expect(scene.commit(unique + 2n)).toBe('ENOENT');
    if (CPUS > 1) expect(scene.commit(unique, 1)).toBe('ENOENT');
    expect(taken.entry.state).toBe('USERSPACE');
    scene.reply(taken, -13);
    expect(await client).toEqual(['EACCES']);
    expect(scene.commit(unique)).toBe('ENOENT');
    expect(scene.cqes).toEqual(['0/0 0']);
  });

  it('twice in one batch, and of a number that was guessed', async () => {
    open().ready();
    const clients = [scene.client(0, 'access @ 4'), scene.client(0, 'access @ 4')];
    const { entry, request } = await scene.take();
    await scene.waiting(2);
    scene.prepare(entry, bareReply(request.unique, -1));
    expect(scene.commit(request.unique)).toBe('HELD');
    expect(scene.commit(request.unique)).toBe('ENOENT');
    // The next request is in the kernel's hands by now, and not yet in the server's.
    expect(scene.commit(request.unique + 2n)).toBe('ENOENT');
    expect(scene.requests).toEqual([]);
    scene.rings.flush();
    const second = await scene.take();
    expect(second.request.unique).toBe(request.unique + 2n);
    scene.reply(second, -1);
    expect((await Promise.all(clients)).flat()).toEqual(['EPERM', 'EPERM']);
  });

  it('may come through another ring', async () => {
    open().ready();
    const client = scene.client(0, 'access @ 4');
    const { entry, request } = await scene.take();
    scene.prepare(entry, bareReply(request.unique, -13));
    expect(scene.commit(request.unique, 0, 2)).toBe('HELD');
    scene.rings.flush();
    expect(await client).toEqual(['EACCES']);
    scene.rings.cancelRing(2);
    expect(scene.cqes).toEqual(['0/0 0', '0/0 ENOTCONN']);
  });
});
