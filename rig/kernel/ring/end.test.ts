/** The end of rings: fuse_uring_cancel(), fuse_uring_abort(), and what the unmount waits for. */
import { describe, expect, it, test } from 'vitest';
import { BLOCK } from '../kernel.ts';
import type { VersionName } from '../versions.ts';
import { RingScene } from './testing/scene.ts';

const VERSIONS_TRIED: VersionName[] = ['6.18.15', '6.18', '7.1', '7.3'];

describe('fuse_uring_cancel', () => {
  describe.each(VERSIONS_TRIED)('%s', (version) => {
    it('ends held SQEs of that ring only; the connection lives, its requests hang', () => {
      const made = RingScene.ready(0, { version });
      made.register(0, made.slot(), {}, 1);
      made.register(0, made.slot(), {}, 2);
      const away = made.scene.ask('GETATTR', {});
      made.rings.cancelRing(2);
      expect(made.cqes).toEqual(['0/1 0']);
      made.rings.cancelRing(1);
      expect(made.cqes).toEqual(['0/1 0', '0/0 ENOTCONN']);
      expect(made.owners.at(-1)).toBe('0/0 server 0');
      expect(made.kernel.connected(made.scene.conn)).toBe(true);
      const queued = made.scene.ask('GETATTR', {});
      expect(made.scene.read()).toBe('BLOCK');
      expect(made.scene.ended(queued)).toBeUndefined();
      expect(made.rings.holds(made.scene.handle)).toBe(0);
      // The last close ends both, and nothing is told of entries again.
      made.kernel.close(made.scene.handle);
      expect([away, queued].map((ticket) => made.scene.ended(ticket))).toEqual(
        Array(2).fill('ECONNABORTED'),
      );
      expect(made.cqes.length).toBe(2);
    });

    it('requests of a ring without any entry end with the connection', () => {
      const made = RingScene.ready(1, { version });
      made.rings.cancelRing(1);
      const queued = made.scene.ask('GETATTR', {});
      made.kernel.abort(made.scene.conn);
      expect(made.scene.ended(queued)).toBe('ECONNABORTED');
    });

    it('twice does nothing more', () => {
      const made = RingScene.ready(2, { version });
      for (let i = 0; i < 2; i++) made.rings.cancelRing(1, true);
      expect(made.cqes).toEqual(['0/0 ENOTCONN', '0/1 ENOTCONN']);
    });
  });

  it('an older kernel keeps the entry till the teardown, a newer one frees it', () => {
    const entries = (version: VersionName) => {
      const made = RingScene.ready(1, { version });
      made.rings.cancelRing(1);
      return made.entries.map(({ state }) => state);
    };
    expect([entries('6.18.15'), entries('6.18')]).toEqual([['USERSPACE'], []]);
  });

  it('a task that has ended, its ring open: nothing is cancelled, the next request is', () => {
    const made = RingScene.ready(2);
    made.rings.taskEnded(1, false);
    expect(made.cqes).toEqual([]);
    const tickets = [1, 2, 3].map(() => made.scene.ask('GETATTR', {}));
    expect(made.cqes).toEqual(['0/1 ECANCELED', '0/0 ECANCELED']);
    expect(tickets.map((t) => made.scene.ended(t))).toEqual(['ECANCELED', 'ECANCELED', undefined]);
  });

  it('with deferred task work: the request waits for a task that never comes', () => {
    const made = RingScene.ready(1);
    made.rings.taskEnded(1, true);
    const ticket = made.scene.ask('GETATTR', {});
    expect([made.cqes, made.scene.ended(ticket), made.entry().state]).toEqual([
      [],
      undefined,
      'FUSE_REQ',
    ]);
    made.rings.cancelRing(1, true);
    expect([made.cqes, made.scene.ended(ticket)]).toEqual([['0/0 ECANCELED'], 'ECANCELED']);
  });

  it.each<[VersionName, string | undefined]>([
    ['6.18.15', undefined],
    ['6.18', 'ECANCELED'],
    ['7.1', 'ECANCELED'],
  ])('%s, task gone before its work ran: -ECANCELED; the request %s', (version, ended) => {
    const made = RingScene.ready(1, { version });
    made.rings.onTaskWork = () => {};
    const ticket = made.scene.ask('GETATTR', {});
    made.rings.cancelRing(1);
    expect(made.cqes).toEqual([]);
    made.rings.cancelRing(1, true);
    expect(made.cqes).toEqual(['0/0 ECANCELED']);
    expect(made.scene.ended(ticket)).toBe(ended);
    made.kernel.abort(made.scene.conn);
    expect(made.scene.ended(ticket)).toBe(ended ?? 'ECONNABORTED');
    expect(made.cqes.length).toBe(1);
  });
});

type Ending = readonly [string, (made: RingScene) => void];
const ENDINGS: readonly Ending[] = [
  ['fusectl abort', ({ kernel, scene }) => kernel.abort(scene.conn)],
  ['umount -f', ({ kernel, scene }) => kernel.forceUnmount(scene.conn)],
  ['umount', ({ kernel }) => expect(kernel.unmount('/mnt', 0, 1)).toBe(0)],
  ['the last close', ({ kernel, scene }) => kernel.close(scene.handle)],
  ['a timeout', ({ kernel, scene }) => kernel.expire(scene.conn)],
];

describe.each(VERSIONS_TRIED)('fuse_uring_abort, %s', (version) => {
  test.each(ENDINGS)('%s', (_, end) => {
    const made = RingScene.ready(2, { version, cpus: 2, fields: { max_background: 1 } });
    // Queue 0: both in user space and two behind; queue 1: one in user space, one available.
    const asks = [0, 1, 2, 3].map(() => made.scene.ask('GETATTR', {}));
    asks.push(made.scene.ask('RELEASE', {}), made.scene.ask('RELEASE', {}));
    asks.push(made.scene.ask('GETATTR', {}, { cpu: 1 }));
    made.cqes.length = 0;
    end(made);
    expect(asks.map((ticket) => made.scene.ended(ticket))).toEqual(asks.map(() => 'ECONNABORTED'));
    expect(made.scene.ends.every(({ replied }) => !replied)).toBe(true);
    expect(made.cqes).toEqual(['1/0 ENOTCONN']);
    expect(made.entries.every(({ state, held }) => state === 'RELEASED' && !held)).toBe(true);
    expect(made.kernel.waiting(made.scene.conn)).toBe(0);
    const later = made.scene.ask('GETATTR', {});
    expect(made.scene.ended(later)).toBe('ENOTCONN');
    made.kernel.abort(made.scene.conn);
    made.rings.cancelRing(1, true);
    expect(made.cqes.length).toBe(1);
  });

  it('nobody can be killed any more while everybody is ended', () => {
    const made = RingScene.ready(0, { version });
    made.register();
    const asks = [0, 1, 2].map(() => made.scene.ask('GETATTR', {}));
    const { onEnd } = made.kernel;
    made.kernel.onEnd = (ticket, outcome) => {
      onEnd(ticket, outcome);
      for (const other of asks) made.kernel.kill(other);
    };
    made.kernel.abort(made.scene.conn);
    expect(asks.map((ticket) => made.scene.ended(ticket))).toEqual(Array(3).fill('ECONNABORTED'));
  });

  it('the oldest of the free entries is released first', () => {
    const made = RingScene.ready(3, { version });
    made.kernel.abort(made.scene.conn);
    expect(made.cqes).toEqual(['0/0 ENOTCONN', '0/1 ENOTCONN', '0/2 ENOTCONN']);
  });

  it('an entry on its way is released when its task has run; the unmount waits for it', () => {
    const made = RingScene.ready(1, { version });
    made.rings.onTaskWork = () => {};
    const ticket = made.scene.ask('GETATTR', {});
    const unmounted: number[] = [];
    made.kernel.onUnmounted = (_target, result) => unmounted.push(result);
    expect(made.kernel.unmount('/mnt', 0, 1)).toBe(BLOCK);
    expect([made.scene.ended(ticket), made.entry().state]).toEqual([undefined, 'FUSE_REQ']);
    made.rings.runTask(made.entry());
    expect(made.cqes).toEqual(['0/0 0']);
    expect([made.scene.ended(ticket), made.entry().state]).toEqual(['ECONNABORTED', 'RELEASED']);
    expect(unmounted).toEqual([0]);
    expect(made.commit(4n)).toBe('ENOTCONN');
  });

  it('during a commit: the reply counts, its own SQE gets -ENOTCONN', () => {
    const made = RingScene.ready(1, { version });
    const ticket = made.scene.ask('GETATTR', {});
    made.scene.ask('GETATTR', {});
    const { onEnd } = made.kernel;
    made.kernel.onEnd = (one, outcome) => {
      onEnd(one, outcome);
      made.kernel.forceUnmount(made.scene.conn);
    };
    expect(made.reply(-5)).toBe('ENOTCONN');
    expect(made.scene.ended(ticket)).toBe('EIO');
    expect(made.scene.ends.length).toBe(2);
    expect([made.cqes, made.entry().state]).toEqual([['0/0 0'], 'RELEASED']);
  });

  it('before the ring is ready: held SQEs are released, blocked clients fail', () => {
    const made = RingScene.agreed({ version, cpus: 2 });
    made.register(0);
    const ticket = made.scene.ask();
    made.kernel.abort(made.scene.conn);
    expect([made.cqes, made.scene.ended(ticket)]).toEqual([['0/0 ENOTCONN'], 'ENOTCONN']);
  });
});

it('DESTROY of a block device goes over the ring, and the unmount waits for its commit', () => {
  const made = RingScene.mounted();
  const other = made.kernel.open(2);
  const call = { fstype: 'fuseblk', source: '/dev/x', target: '/blk', handle: other, flags: 0 };
  const options = 'rootmode=40000,user_id=0,group_id=0';
  made.scene.conn = made.kernel.mount({ ...call, options }, 1).conn;
  const blk = Object.assign(new RingScene(made.scene), {});
  Object.defineProperty(blk.scene, 'handle', { value: other });
  blk.init();
  expect(blk.register()).toBe('HELD');
  expect(blk.kernel.unmount('/blk', 0, 1)).toBe(BLOCK);
  expect(blk.inside()).toBe('DESTROY 4');
  const unmounted: string[] = [];
  blk.kernel.onUnmounted = (target, result) => unmounted.push(`${target} ${result}`);
  expect(blk.reply(0)).toBe('ENOTCONN');
  expect(unmounted).toEqual(['/blk 0']);
});

it('a session of two rings, as Linux 6.18.44 had it', () => {
  const made = RingScene.ready(1, { cpus: 2 });
  for (let i = 0; i < 3; i++) made.scene.ask('GETATTR', {});
  expect(made.register()).toBe('HELD');
  expect(made.register(99)).toBe('EINVAL');
  expect([made.inside(), made.reply(-5)]).toEqual(['GETATTR 4', 0]);
  made.prepare(made.entry(), new Uint8Array(16));
  expect([made.commit(6n, 0, 2), made.inside()]).toEqual([0, 'GETATTR 8']);
  made.prepare(made.entry(), new Uint8Array(16));
  expect(made.commit(8n, 0, 2)).toBe('HELD');
  const released: string[] = [];
  made.rings.onComplete = ({ command, qid, index }, res) =>
    released.push(`ring ${command.ring} ${qid}/${index} ${res}`);
  expect(made.kernel.unmount('/mnt', 0, 1)).toBe(0);
  expect(released.sort()).toEqual(['ring 1 0/1 -107', 'ring 1 1/0 -107', 'ring 2 0/0 -107']);
  expect(made.commit(4n)).toBe('ENOTCONN');
});
