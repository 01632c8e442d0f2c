/** From allocation to end: who waits, who is refused, and what ends everything. */
import { describe, expect, it, test } from 'vitest';
import { bareReply } from '../protocol/header.ts';
import { Scene } from './scene.ts';

const POLLERR = 8;

describe('fuse_get_req: allocation', () => {
  it('waits for the INIT reply, then all go on in their order', () => {
    const scene = Scene.mounted();
    const tickets = [scene.ask(), scene.ask('READ', { size: 1 }), scene.ask()];
    expect(tickets.map((ticket) => scene.kernel.uniqueOf(ticket))).toEqual(
      Array(3).fill(undefined),
    );
    expect(scene.kernel.waiting(scene.conn)).toBe(4);
    scene.init();
    expect(scene.drain()).toEqual(['LOOKUP 4', 'READ 6', 'LOOKUP 8']);
  });

  it('forced requests do not wait', () => {
    const scene = Scene.mounted();
    scene.ask('FLUSH', {});
    expect(scene.drain()).toEqual(['INIT 2', 'FLUSH 4']);
  });

  test.each([
    ['refused', 'ECONNREFUSED', (scene: Scene) => scene.write(bareReply(2n, -1))],
    ['aborted', 'ENOTCONN', (scene: Scene) => scene.kernel.abort(scene.conn)],
    ['closed', 'ENOTCONN', (scene: Scene) => scene.kernel.close(scene.handle)],
    ['unmounted', 'ENOTCONN', (scene: Scene) => scene.kernel.shutdown(scene.conn)],
  ])('INIT %s: those who waited, and later callers, get %s', (_, error, end) => {
    const scene = Scene.mounted();
    scene.take();
    const waited = [scene.ask(), scene.ask()];
    end(scene);
    const later = scene.ask();
    expect([...waited, later].map((ticket) => scene.ended(ticket))).toEqual([error, error, error]);
    expect(scene.kernel.waiting(scene.conn)).toBe(0);
    expect(scene.ends.some((end) => end.replied)).toBe(false);
  });

  it('a forced request on a dead connection: ENOTCONN; on a refused one it is queued', () => {
    const dead = Scene.ready();
    dead.kernel.abort(dead.conn);
    expect(dead.ended(dead.ask('RELEASE', {}))).toBe('ENOTCONN');
    expect(dead.ended(dead.ask('FLUSH', {}))).toBe('ENOTCONN');
    const refused = Scene.mounted();
    refused.take();
    refused.write(bareReply(2n, -1));
    refused.ask('RELEASE', {});
    expect(refused.drain()).toEqual(['RELEASE 4']);
  });
});

describe('fuse_abort_conn: what ends what', () => {
  const events = {
    'fusectl abort': (scene: Scene) => scene.kernel.abort(scene.conn),
    'umount -f, busy': (scene: Scene) => {
      expect(scene.kernel.unmount('/mnt', 1, 1)).toBe(-16);
      expect(scene.kernel.targets(scene.conn)).toEqual(['/mnt']);
    },
    'umount -f as a feed says it': (scene: Scene) => scene.kernel.forceUnmount(scene.conn),
    'request timeout': (scene: Scene) => scene.kernel.expire(scene.conn),
    'last reference gone': (scene: Scene) => scene.kernel.shutdown(scene.conn),
  };
  test.each<[keyof typeof events, boolean, string]>([
    ['fusectl abort', false, 'ENODEV'],
    ['fusectl abort', true, 'ECONNABORTED'],
    ['umount -f, busy', true, 'ENODEV'],
    ['umount -f as a feed says it', true, 'ENODEV'],
    ['request timeout', true, 'ENODEV'],
    ['last reference gone', true, 'ENODEV'],
  ])('%s (ABORT_ERROR %s): readers get %s', (event, abortError, reader) => {
    const world = { busy: () => true };
    const scene = Scene.ready({}, abortError ? ['ABORT_ERROR'] : [], { world });
    const clone = scene.kernel.open(2);
    scene.kernel.clone(clone, scene.handle);
    const inFlight = [scene.ask(), scene.ask()];
    scene.take();
    scene.take(clone);
    const pending = [scene.ask(), scene.ask('RELEASE', {})];
    const behind = Array.from({ length: 15 }, () => scene.ask('RELEASE', {}));
    scene.kernel.forget(scene.conn, [{ nodeid: 5n, nlookup: 1n }]);
    scene.woken.length = 0;
    events[event](scene);
    for (const ticket of [...inFlight, ...pending, ...behind]) {
      expect(scene.ended(ticket)).toBe('ECONNABORTED');
    }
    expect(scene.ends.length).toBe(19);
    expect(scene.kernel.waiting(scene.conn)).toBe(0);
    expect(new Set(scene.woken)).toEqual(new Set([scene.handle, clone]));
    for (const handle of [scene.handle, clone]) {
      expect(scene.read(handle)).toBe(reader);
      expect(scene.kernel.poll(handle)).toBe(POLLERR);
    }
    expect(scene.ended(scene.ask())).toBe('ENOTCONN');
  });

  it('a fusectl abort of what is dead already still changes what readers see', () => {
    const scene = Scene.ready({}, ['ABORT_ERROR']);
    scene.kernel.forceUnmount(scene.conn);
    expect(scene.read()).toBe('ENODEV');
    scene.kernel.abort(scene.conn);
    expect(scene.read()).toBe('ECONNABORTED');
  });

  it('ABORT_ERROR counts only once it is negotiated', () => {
    const scene = Scene.mounted();
    scene.kernel.abort(scene.conn);
    expect(scene.read()).toBe('ENODEV');
    expect(scene.inits).toMatchObject([{ accepted: false }]);
  });

  it('a second time does nothing', () => {
    const scene = Scene.ready();
    scene.ask();
    for (const event of Object.values(events).slice(2)) event(scene);
    scene.kernel.abort(scene.conn);
    expect(scene.ends.length).toBe(1);
  });

  it('plain "fuse" is shut down without DESTROY, SYNCFS or forgets', () => {
    const scene = Scene.ready();
    scene.kernel.shutdown(scene.conn);
    expect(scene.read()).toBe('ENODEV');
    expect(scene.kernel.targets(scene.conn)).toEqual([]);
  });
});

describe('fuse_kill_sb_blk: "fuseblk" sends DESTROY and awaits its end', () => {
  const block = () => {
    const scene = Scene.mounted({}, { fstype: 'fuseblk', source: '/dev/loop0' });
    scene.init();
    const unmounted: unknown[] = [];
    scene.kernel.onUnmounted = (target, result) => unmounted.push([target, result]);
    return { scene, unmounted };
  };

  it('umount2 waits for the reply', () => {
    const { scene, unmounted } = block();
    expect(scene.kernel.unmount('/mnt', 0, 1)).toBe(-0x10000);
    const request = scene.take();
    expect(request).toMatchObject({ name: 'DESTROY', nodeid: 0n, uid: 0 });
    expect(request.bytes.length).toBe(40);
    expect(unmounted).toEqual([]);
    scene.reply(request.unique, 0);
    expect(unmounted).toEqual([['/mnt', 0]]);
    expect(scene.read()).toBe('ENODEV');
  });

  it('DESTROY is sent once', () => {
    const { scene } = block();
    scene.kernel.shutdown(scene.conn);
    scene.kernel.shutdown(scene.conn);
    expect(scene.drain()).toEqual(['DESTROY 4']);
  });

  it('any end of DESTROY will do', () => {
    const { scene, unmounted } = block();
    scene.kernel.unmount('/mnt', 0, 1);
    scene.kernel.close(scene.handle);
    expect(unmounted).toEqual([['/mnt', 0]]);
  });

  it.each([
    ['INIT was not accepted', (scene: Scene) => scene.write(bareReply(2n, -1))],
    ['it is dead', (scene: Scene) => scene.kernel.abort(scene.conn)],
  ])('none is sent if %s', (_, end) => {
    const scene = Scene.mounted({}, { fstype: 'fuseblk', source: '/dev/loop0' });
    scene.take();
    end(scene);
    expect(scene.kernel.unmount('/mnt', 0, 1)).toBe(0);
    expect(scene.read()).toBe('ENODEV');
  });
});

describe('fuse_dev_release', () => {
  it('one of several handles: what was read through it ends ECONNABORTED, the rest goes on', () => {
    const scene = Scene.ready();
    const clone = scene.kernel.open(2);
    scene.kernel.clone(clone, scene.handle);
    const [mine, other, pending] = [scene.ask(), scene.ask(), scene.ask()];
    scene.take();
    scene.take(clone);
    scene.kernel.close(clone);
    expect([mine, other, pending].map((ticket) => scene.ended(ticket))).toEqual([
      undefined,
      'ECONNABORTED',
      undefined,
    ]);
    expect(scene.drain()).toEqual(['LOOKUP 8']);
    expect(scene.reply(4n, -2)).toBe(16);
  });

  it('the last handle: everything ends', () => {
    const scene = Scene.ready();
    const tickets = [scene.ask(), scene.ask()];
    scene.take();
    scene.kernel.close(scene.handle);
    expect(tickets.map((ticket) => scene.ended(ticket))).toEqual(Array(2).fill('ECONNABORTED'));
    expect(scene.ended(scene.ask())).toBe('ENOTCONN');
  });

  it('a handle that read INIT and went: the connection is refused', () => {
    const scene = Scene.mounted();
    const clone = scene.kernel.open(2);
    scene.kernel.clone(clone, scene.handle);
    scene.take(clone);
    scene.kernel.close(clone);
    expect(scene.inits).toMatchObject([{ accepted: false }]);
    expect(scene.ended(scene.ask())).toBe('ECONNREFUSED');
    expect(scene.read()).toBe('BLOCK');
  });
});

describe('what is called back may call in', () => {
  it('onEnd may ask again, abort, close; each request ends once', () => {
    const scene = Scene.ready();
    const tickets = Array.from({ length: 10 }, () => scene.ask());
    scene.take();
    scene.take();
    const told: number[] = [];
    scene.kernel.onEnd = (ticket) => {
      told.push(ticket);
      if (told.length > 30) return;
      scene.kernel.abort(scene.conn);
      for (const other of tickets) scene.kernel.kill(other);
      scene.ask();
      scene.kernel.close(scene.handle);
    };
    scene.reply(4n, -2);
    expect(new Set(told).size).toBe(told.length);
    for (const ticket of tickets) expect(told).toContain(ticket);
    expect(scene.kernel.waiting(scene.conn)).toBe(0);
  });

  it('what an abort is about to end can no longer be taken back', () => {
    const scene = Scene.ready();
    const tickets = [scene.ask(), scene.ask(), scene.ask()];
    const ends: unknown[] = [];
    scene.kernel.onEnd = (ticket, { error }) => {
      ends.push([ticket, error]);
      for (const other of tickets) scene.kernel.kill(other);
    };
    scene.kernel.abort(scene.conn);
    expect(ends).toEqual(tickets.map((ticket) => [ticket, -103]));
  });

  it('an abort while a message is being copied costs the reader it (onWake may abort)', () => {
    const scene = Scene.ready({}, ['ABORT_ERROR']);
    const ticket = scene.ask();
    scene.kernel.interrupt(ticket);
    scene.kernel.onWake = () => scene.kernel.abort(scene.conn);
    expect(scene.read()).toBe('ECONNABORTED');
    expect(scene.ended(ticket)).toBe('ECONNABORTED');
  });

  it('a client killed while its reply comes in gets the reply', () => {
    const scene = Scene.ready();
    const ticket = scene.ask();
    scene.take();
    scene.kernel.onWake = () => scene.reply(4n, -2);
    scene.kernel.kill(ticket);
    expect(scene.ends).toMatchObject([{ ticket, error: 'ENOENT', replied: true }]);
    expect(scene.drain()).toEqual([]);
  });

  it('onWake may read into the same buffer: the outer read still returns its own message', () => {
    const scene = Scene.ready();
    const inner: string[] = [];
    const ticket = scene.ask();
    scene.kernel.interrupt(ticket);
    scene.kernel.onWake = () => inner.push(...scene.drain());
    expect(scene.take()).toMatchObject({ name: 'LOOKUP', unique: 4n });
    expect(inner).toEqual(['INTERRUPT 5']);
  });

  it('one that fails at once ends before its ticket is known', () => {
    const scene = Scene.ready();
    scene.kernel.abort(scene.conn);
    const ticket = scene.ask();
    expect(scene.ended(ticket)).toBe('ENOTCONN');
  });
});

test("asking about a connection there is none of is the caller's mistake", () => {
  expect(() => new Scene().kernel.waiting(1)).toThrow('there is no connection 1');
});
