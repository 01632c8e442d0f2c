/** Which way requests go: readiness, fallback, queues, what stays on the device. */
import { describe, expect, it } from 'vitest';
import { NOTIFY } from '../../protocol/notify.ts';
import { RING_OFFER } from '../init.ts';
import { Scene } from '../scene.ts';
import { RingScene } from './testing/scene.ts';

describe('fuse_block_alloc', () => {
  it('requests wait for the ring, FORCE ones take the device', () => {
    const made = RingScene.agreed({ cpus: 2 });
    made.scene.ask();
    made.scene.ask('FLUSH');
    made.scene.ask('RELEASE');
    expect(made.scene.drain()).toEqual(['FLUSH 4', 'RELEASE 6']);
    expect([made.register(0), made.scene.drain()]).toEqual(['HELD', []]);
    expect(made.rings.ready(made.scene.conn)).toBe(false);
    made.register(1);
    expect(made.rings.ready(made.scene.conn)).toBe(true);
    expect(made.cqes).toEqual(['0/0 0']);
    expect(made.inside()).toBe('LOOKUP 8');
  });

  it('waiting is killable, and seen by fusectl', () => {
    const made = RingScene.agreed();
    const ticket = made.scene.ask();
    expect(made.kernel.waiting(made.scene.conn)).toBe(1);
    made.kernel.interrupt(ticket);
    expect(made.scene.ended(ticket)).toBeUndefined();
    made.kernel.kill(ticket);
    expect(made.scene.ended(ticket)).toBe('EINTR');
  });

  it('the REGISTER that makes it ready may be completed at once', () => {
    const made = RingScene.agreed();
    made.scene.ask();
    expect(made.register()).toBe(0);
    expect(made.cqes).toEqual([]);
  });

  it.each([
    ['qid', { qid: 9 }],
    ['len', { len: 1 }],
    ['addr', { addr: 16n }],
  ])('a REGISTER that fails (%s) sends everybody to the device', (_, sqe) => {
    const made = RingScene.agreed();
    const ticket = made.scene.ask();
    made.register(0, made.slot(), sqe);
    expect(made.scene.drain()).toEqual(['LOOKUP 4']);
    expect(made.scene.reply(4n, -2)).toBe(16);
    expect(made.scene.ended(ticket)).toBe('ENOENT');
    made.scene.ask();
    expect(made.scene.drain()).toEqual(['LOOKUP 6']);
    // A later one that is right makes the ring ready all the same.
    expect(made.register()).toBe('HELD');
    made.scene.ask();
    expect([made.inside(), made.scene.drain()]).toEqual(['LOOKUP 8', []]);
  });

  it('EAGAIN and an abort wake nobody to the device', () => {
    const made = RingScene.mounted();
    made.scene.ask();
    made.register();
    made.init();
    expect(made.scene.drain()).toEqual([]);
    expect(made.register()).toBe(0);
    expect(made.inside()).toBe('LOOKUP 4');
  });

  it('a REGISTER that fails later changes nothing', () => {
    const made = RingScene.ready();
    made.register(9);
    made.scene.ask('GETATTR', {});
    expect([made.inside(), made.scene.drain()]).toEqual(['GETATTR 4', []]);
  });

  it('without the flag nothing waits, and the ring becomes ready all the same', () => {
    const made = RingScene.agreed({ flags: [], cpus: 2 });
    const before = made.scene.ask();
    made.register(0);
    made.scene.ask();
    made.register(1);
    made.scene.ask();
    // What was queued for the device stays there.
    expect(made.scene.drain()).toEqual(['LOOKUP 4', 'LOOKUP 6']);
    expect(made.inside()).toBe('LOOKUP 8');
    expect(made.scene.reply(4n, -2)).toBe(16);
    expect(made.scene.ended(before)).toBe('ENOENT');
  });

  it('a kernel without enable_uring does not offer the ring and takes no notice of the flag', () => {
    const made = RingScene.agreed({ enabled: false });
    made.scene.ask();
    expect(made.scene.drain()).toEqual(['LOOKUP 4']);
  });
});

it('an offer that a capture names counts only where rings are on', () => {
  const scene = Scene.mounted({ offer: RING_OFFER });
  scene.init({}, ['OVER_IO_URING']);
  scene.ask();
  expect(scene.drain()).toEqual(['LOOKUP 4']);
});

describe('is_ring_ready', () => {
  it.each([
    [1, [0]],
    [2, [0, 1]],
    [4, [3, 1, 0, 2]],
  ])('%d CPUs: an entry in every queue', (cpus, order) => {
    const made = RingScene.agreed({ cpus });
    for (const qid of order) {
      expect(made.rings.ready(made.scene.conn)).toBe(false);
      made.register(qid);
    }
    expect(made.rings.ready(made.scene.conn)).toBe(true);
  });

  it('an entry that was cancelled does not count, and it is looked at in a REGISTER only', () => {
    const made = RingScene.agreed({ cpus: 2 });
    made.register(0, made.slot(), {}, 7);
    made.rings.cancelRing(7);
    made.register(1);
    expect(made.rings.ready(made.scene.conn)).toBe(false);
    made.register(0);
    expect(made.rings.ready(made.scene.conn)).toBe(true);
  });
});

describe('fuse_uring_queue_fuse_req', () => {
  it('a queue for each CPU; one that is out of range is 0', () => {
    const made = RingScene.ready(1, { cpus: 2 });
    for (const cpu of [1, 0]) made.scene.ask('GETATTR', {}, { cpu });
    expect([made.inside(0, 0), made.inside(0, 1)]).toEqual(['GETATTR 6', 'GETATTR 4']);
    made.scene.ask('STATFS', {}, { cpu: 5 });
    expect([made.reply(-5, 0, 1), made.reply(-5, 0, 0)]).toEqual(['HELD', 0]);
    expect(made.inside(0, 0)).toBe('STATFS 8');
  });

  it('the entry made available last is taken first', () => {
    const made = RingScene.ready(3);
    for (let i = 0; i < 3; i++) made.scene.ask('GETATTR', {});
    expect(made.cqes).toEqual(['0/2 0', '0/1 0', '0/0 0']);
    made.reply(-5, 1);
    made.reply(-5, 2);
    made.scene.ask('STATFS', {});
    expect([made.inside(2), made.inside(1)]).toEqual(['STATFS 10', 'AVAILABLE']);
  });

  it('first in, first out; a commit fetches the next', () => {
    const made = RingScene.ready();
    for (let i = 0; i < 4; i++) made.scene.ask('GETATTR', {});
    const order = [made.inside()];
    while (made.reply(-5) === 0) order.push(made.inside());
    expect(order).toEqual(['GETATTR 4', 'GETATTR 6', 'GETATTR 8', 'GETATTR 10']);
  });

  it('a fresh entry leaves the backlog alone and serves new arrivals first', () => {
    const made = RingScene.ready();
    for (let i = 0; i < 3; i++) made.scene.ask('GETATTR', {});
    expect(made.register()).toBe('HELD');
    expect(made.entry(1).state).toBe('AVAILABLE');
    made.scene.ask('STATFS', {});
    expect(made.inside(1)).toBe('STATFS 10');
    expect(made.reply(-5, 1)).toBe(0);
    expect(made.inside(1)).toBe('GETATTR 6');
  });

  it('a request that waits can be killed, one with an entry cannot', () => {
    const made = RingScene.ready();
    const [first, second, third] = [0, 1, 2].map(() => made.scene.ask('GETATTR', {}));
    for (const ticket of [first, second]) made.kernel.kill(ticket as number);
    expect(made.scene.ended(second as number)).toBe('EINTR');
    expect(made.scene.ended(first as number)).toBeUndefined();
    expect(made.reply(-5)).toBe(0);
    expect(made.inside()).toBe('GETATTR 8');
    expect(made.kernel.ticketOf(made.scene.handle, 8n)).toBeUndefined();
    expect(made.rings.ticketOf(made.entry())).toBe(third);
  });
});

describe('the device keeps', () => {
  it('FORGET, BATCH_FORGET and INIT; the numbers are the same counter', () => {
    const made = RingScene.ready();
    made.kernel.forget(made.scene.conn, [{ nodeid: 5n, nlookup: 1n }]);
    made.scene.ask('GETATTR', {});
    expect(made.scene.drain()).toEqual(['FORGET 6']);
    expect(made.inside()).toBe('GETATTR 4');
  });

  it('INTERRUPT of a request in user space; its reply and the request are unknown there', () => {
    const made = RingScene.ready();
    const ticket = made.scene.ask('GETATTR', {});
    made.kernel.interrupt(ticket);
    made.kernel.interrupt(ticket);
    expect(made.scene.drain()).toEqual(['INTERRUPT 5']);
    for (const error of [0, -11, -38]) expect(made.scene.reply(5n, error)).toBe('ENOENT');
    expect(made.scene.reply(4n, -5)).toBe('ENOENT');
    expect(made.reply(-4)).toBe('HELD');
    expect(made.scene.ended(ticket)).toBe('EINTR');
  });

  it('none for a request signalled while it was queued for the ring, nor later', () => {
    const made = RingScene.ready();
    const [, queued] = [made.scene.ask('GETATTR', {}), made.scene.ask('GETATTR', {})];
    made.kernel.interrupt(queued);
    expect(made.reply(-5)).toBe(0);
    expect(made.inside()).toBe('GETATTR 6');
    made.kernel.interrupt(queued);
    made.kernel.kill(queued);
    expect(made.scene.drain()).toEqual([]);
  });

  it('an INTERRUPT that was not read is dropped with the commit', () => {
    const made = RingScene.ready();
    made.kernel.interrupt(made.scene.ask('GETATTR', {}));
    made.reply(-5);
    expect(made.scene.drain()).toEqual([]);
  });

  it('notifications; RESEND leaves the ring alone', () => {
    const made = RingScene.ready();
    made.scene.ask('GETATTR', {});
    expect(made.scene.notify(NOTIFY.RESEND.code)).toBe(16);
    expect([made.scene.drain(), made.inside()]).toEqual([[], 'GETATTR 4']);
    expect(made.reply(-5)).toBe('HELD');
  });
});

describe('NOTIFY_REPLY on the ring', () => {
  it('carries its own number, has nothing in op_in, and needs a commit', () => {
    const made = RingScene.ready();
    const body = new Uint8Array(340).fill(3);
    made.kernel.notifyReply(made.scene.conn, 78n, 5n, body);
    expect(made.inside()).toBe('NOTIFY_REPLY 78');
    expect(made.memory.at(made.entry().headers, 256)[128]).toBe(0xaa);
    expect(made.memory.at(made.entry().payload, 340)).toEqual(body);
    expect(made.kernel.waiting(made.scene.conn)).toBe(1);
    expect(made.reply(0)).toBe('HELD');
    expect(made.kernel.waiting(made.scene.conn)).toBe(0);
  });

  it('two with one number: a commit ends the older', () => {
    const made = RingScene.ready(2);
    for (const nodeid of [5n, 6n]) {
      made.kernel.notifyReply(made.scene.conn, 78n, nodeid, new Uint8Array(40));
    }
    expect([made.inside(1), made.inside(0)]).toEqual(Array(2).fill('NOTIFY_REPLY 78'));
    expect(made.reply(-5, 0)).toBe('HELD');
    // What the server wrote into the other entry was not what the kernel looked at.
    expect([made.entry(1).state, made.entry(0).state]).toEqual(['AVAILABLE', 'USERSPACE']);
  });

  it('with number 0 is dropped, and the entry goes on', () => {
    const made = RingScene.ready();
    made.kernel.notifyReply(made.scene.conn, 0n, 5n, new Uint8Array(40));
    expect(made.kernel.waiting(made.scene.conn)).toBe(0);
    expect([made.entry().state, made.cqes]).toEqual(['AVAILABLE', []]);
  });

  it('a FORGET of the kernel itself takes the same way', () => {
    const made = RingScene.ready();
    const ticket = made.scene.ask('FORGET', { nlookup: 1n }, { force: true });
    expect(made.inside()).toBe('FORGET 4');
    made.reply(0);
    expect(made.scene.ended(ticket)).toBe(0);
    const wrong = made.scene.ask('FORGET', { nlookup: 1n }, { force: true });
    made.reply(0, 0, 0, new Uint8Array(1));
    expect(made.scene.ended(wrong)).toBe('EINVAL');
  });
});
