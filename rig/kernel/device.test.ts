/** Handles: before a mount, SYNC_INIT, CLONE, poll. */
import { describe, expect, it, test } from 'vitest';
import { encodeReply } from '../protocol/build.ts';
import { bareReply } from '../protocol/header.ts';
import { NOTIFY } from '../protocol/notify.ts';
import { DIRECTORY, Scene, say } from './scene.ts';
import { VERSIONS } from './versions.ts';

const POLLIN = 0x41;
const POLLOUT = 0x104;
const POLLERR = 0x8;

describe('fuse_get_dev: an unbound handle', () => {
  it.each([0, 1, 2, 0o2, 0o4002])('opens with flags %o and mounts', (flags) => {
    const scene = new Scene();
    const handle = scene.kernel.open(flags);
    expect(scene.mount({ handle })).toMatchObject({ result: 0, conn: 1 });
    expect(scene.kernel.connOf(handle)).toBe(1);
  });

  it('refuses everything with EPERM; SYNC_INIT is 0, any number of times', () => {
    const scene = new Scene();
    const { kernel, handle } = scene;
    expect(scene.read()).toBe('EPERM');
    expect(scene.reply(2n)).toBe('EPERM');
    expect(say(kernel.backingOpen(handle, 1, 3, 0, 0n))).toBe('EPERM');
    expect(say(kernel.backingClose(handle, 1))).toBe('EPERM');
    expect(kernel.poll(handle)).toBe(POLLERR);
    expect(kernel.connOf(handle)).toBe(0);
    expect(kernel.fdinfo(handle)).toBe('');
    expect([kernel.syncInit(handle), kernel.syncInit(handle)]).toEqual([0, 0]);
  });

  it('a closed handle is EBADF', () => {
    const scene = Scene.ready();
    const { kernel, handle } = scene;
    kernel.close(handle);
    kernel.close(handle);
    const results = [
      kernel.write(handle, bareReply(2n, 0), 16),
      kernel.poll(handle),
      kernel.clone(handle, handle),
      kernel.syncInit(handle),
      kernel.backingOpen(handle, 1, 3, 0, 0n),
    ];
    expect([scene.read(), ...results.map(say)]).toEqual(Array(6).fill('EBADF'));
  });

  it('knows whose request it has read', () => {
    const scene = Scene.ready();
    const ticket = scene.ask();
    expect(scene.kernel.ticketOf(scene.handle, 4n)).toBeUndefined();
    scene.take();
    expect(scene.kernel.ticketOf(scene.handle, 4n)).toBe(ticket);
    scene.reply(4n, -2);
    expect(scene.kernel.ticketOf(scene.handle, 4n)).toBeUndefined();
  });

  it('fdinfo of a bound one names the superblock', () => {
    const scene = new Scene();
    const { dev } = scene.mount();
    expect(scene.kernel.fdinfo(scene.handle)).toBe(`fuse_connection:\t${dev}\n`);
  });
});

describe('FUSE_DEV_IOC_SYNC_INIT', () => {
  function waiting(options = {}) {
    const scene = new Scene(options);
    const mounted: unknown[] = [];
    scene.kernel.onMounted = (handle, { result }) => mounted.push([handle, say(result)]);
    scene.kernel.syncInit(scene.handle);
    return { scene, mounted };
  }

  it('read and poll wait for the mount, whatever the buffer; write does not', () => {
    const { scene } = waiting();
    expect(scene.read(scene.handle, 1)).toBe('BLOCK');
    expect(say(scene.kernel.poll(scene.handle))).toBe('BLOCK');
    expect(say(scene.kernel.backingOpen(scene.handle, 1, 3, 0, 0n))).toBe('BLOCK');
    expect(scene.reply(2n)).toBe('EPERM');
  });

  it('the mount waits for the reply to INIT', () => {
    const { scene, mounted } = waiting();
    const { result, conn } = scene.mount();
    expect(say(result)).toBe('BLOCK');
    expect(scene.woken).toContain(scene.handle);
    expect(scene.kernel.connOf(scene.handle)).toBe(conn);
    expect(say(scene.kernel.syncInit(scene.handle))).toBe('EINVAL');
    const init = scene.take();
    expect(init).toMatchObject({ name: 'INIT', unique: 2n });
    expect([mounted, scene.kernel.targets(conn)]).toEqual([[], []]);
    scene.write(encodeReply(init, { major: 7, minor: 45 }));
    expect(mounted).toEqual([[scene.handle, 0]]);
    expect(scene.kernel.targets(conn)).toEqual(['/mnt']);
  });

  test.each([
    ['an error', bareReply(2n, -71)],
    ['nothing', bareReply(2n, 0)],
  ])('answered with %s: ENOTCONN, and the handle is dead', (_, reply) => {
    const { scene, mounted } = waiting();
    scene.mount();
    scene.take();
    scene.write(reply);
    expect(mounted).toEqual([[scene.handle, 'ENOTCONN']]);
    expect(scene.read()).toBe('ENODEV');
    expect(scene.kernel.poll(scene.handle)).toBe(POLLERR);
    expect(say(scene.mount().result)).toBe('ENOTCONN');
  });

  it('a killed mounter aborts; with 6.18.15 it hangs until the reply', () => {
    const { scene, mounted } = waiting();
    scene.mount();
    scene.take();
    scene.kernel.mounterKilled(scene.handle);
    expect(mounted).toEqual([[scene.handle, 'EINTR']]);
    expect(scene.read()).toBe('ENODEV');
    const old = waiting({ switches: VERSIONS['6.18.15'] });
    old.scene.mount();
    const init = old.scene.take();
    old.scene.kernel.mounterKilled(old.scene.handle);
    expect(old.mounted).toEqual([]);
    expect(old.scene.write(encodeReply(init, { major: 7, minor: 45 }))).toBe(80);
    expect(old.mounted).toEqual([[old.scene.handle, 0]]);
  });

  it('after a plain mount: EINVAL', () => {
    const scene = Scene.mounted();
    expect(say(scene.kernel.syncInit(scene.handle))).toBe('EINVAL');
  });
});

describe('fuse_dev_ioctl_clone', () => {
  const { '6.18': now, '6.18.15': early, '7.1': next } = VERSIONS;

  test.each([
    ['no fuse device', undefined, now, 'EINVAL'],
    ['unmounted', 'unbound', now, 'EPERM'],
    ['unmounted', 'unbound', early, 'EINVAL'],
    ['in SYNC_INIT', 'sync', now, 'BLOCK'],
    ['in SYNC_INIT', 'sync', early, 'EINVAL'],
    ['in SYNC_INIT', 'sync', next, 'BLOCK'],
    ['mounted', 'bound', now, 0],
  ])('of a source that is %s (%s)', (_, state, switches, result) => {
    const scene = state === 'bound' ? Scene.ready({}, [], { switches }) : new Scene({ switches });
    if (state === 'sync') scene.kernel.syncInit(scene.handle);
    const clone = scene.kernel.open(2);
    expect(say(scene.kernel.clone(clone, state === undefined ? undefined : scene.handle))).toBe(
      result,
    );
  });

  it('by a handle that is bound: EINVAL, also of itself; of an unmounted source first EPERM', () => {
    const scene = Scene.ready();
    const [other, unbound] = [scene.kernel.open(2), scene.kernel.open(2)];
    scene.mount({ handle: other, target: '/other' });
    expect(say(scene.kernel.clone(other, scene.handle))).toBe('EINVAL');
    expect(say(scene.kernel.clone(scene.handle, scene.handle))).toBe('EINVAL');
    expect(say(scene.kernel.clone(scene.handle, unbound))).toBe('EPERM');
  });

  it('of a clone', () => {
    const scene = Scene.ready();
    const [a, b] = [scene.kernel.open(2), scene.kernel.open(2)];
    expect(scene.kernel.clone(a, scene.handle)).toBe(0);
    expect(scene.kernel.clone(b, a)).toBe(0);
    expect(scene.kernel.connOf(b)).toBe(scene.conn);
    scene.ask();
    expect(scene.drain(b)).toEqual(['LOOKUP 4']);
  });

  it('from state SYNC_INIT', () => {
    const scene = Scene.ready();
    const clone = scene.kernel.open(2);
    scene.kernel.syncInit(clone);
    expect(scene.kernel.clone(clone, scene.handle)).toBe(0);
    expect(scene.woken).toContain(clone);
    expect(scene.read(clone)).toBe('BLOCK');
  });

  it.each([
    ['fusectl abort', [], 'ENODEV'],
    ['fusectl abort', ['ABORT_ERROR' as const], 'ECONNABORTED'],
  ])('after %s with %j: 0, then reads say %s', (_, flags, error) => {
    const scene = Scene.ready({}, flags);
    scene.kernel.abort(scene.conn);
    const clone = scene.kernel.open(2);
    expect(scene.kernel.clone(clone, scene.handle)).toBe(0);
    expect(scene.read(clone)).toBe(error);
  });

  it('7.1: waits for the mount of a SYNC_INIT source and is woken by it', () => {
    const scene = new Scene({ switches: next });
    const clone = scene.kernel.open(2);
    scene.kernel.syncInit(scene.handle);
    expect(say(scene.kernel.clone(clone, scene.handle))).toBe('BLOCK');
    scene.mount();
    expect(scene.woken).toContain(clone);
    expect(scene.kernel.clone(clone, scene.handle)).toBe(0);
    expect(scene.take(clone).name).toBe('INIT');
  });
});

describe('fuse_dev_poll', () => {
  test.each<[string, (scene: Scene) => void, number]>([
    ['nothing pending', () => {}, POLLOUT],
    ['a request', (scene) => scene.ask(), POLLOUT | POLLIN],
    [
      'an INTERRUPT',
      (scene) => {
        const ticket = scene.ask();
        scene.take();
        scene.kernel.interrupt(ticket);
      },
      POLLOUT | POLLIN,
    ],
    [
      'a forget',
      (scene) => scene.kernel.forget(scene.conn, [{ nodeid: 2n, nlookup: 1n }]),
      POLLOUT | POLLIN,
    ],
    [
      'a request in user space',
      (scene) => {
        scene.ask();
        scene.take();
      },
      POLLOUT,
    ],
    [
      'dead, with a request',
      (scene) => {
        scene.ask();
        scene.kernel.abort(scene.conn);
      },
      POLLERR,
    ],
  ])('%s', (_, prepare, mask) => {
    const scene = Scene.ready();
    const clone = scene.kernel.open(2);
    scene.kernel.clone(clone, scene.handle);
    prepare(scene);
    expect([scene.kernel.poll(scene.handle), scene.kernel.poll(clone)]).toEqual([mask, mask]);
  });

  it('a refused connection still polls OUT, and nothing ever comes', () => {
    const scene = Scene.mounted();
    scene.take();
    scene.reply(2n, -71);
    scene.ask();
    expect(scene.kernel.poll(scene.handle)).toBe(POLLOUT);
    expect(scene.read()).toBe('BLOCK');
  });
});

describe('onWake', () => {
  it('names every handle of the connection, each time something comes', () => {
    const scene = Scene.ready();
    const clone = scene.kernel.open(2);
    scene.kernel.clone(clone, scene.handle);
    const other = scene.kernel.open(2);
    scene.mount({ handle: other, target: '/other', options: DIRECTORY });
    for (const act of [
      () => scene.ask(),
      () => scene.ask('RELEASE', {}),
      () => scene.kernel.forget(scene.conn, [{ nodeid: 2n, nlookup: 1n }]),
      () => scene.kernel.notifyReply(scene.conn, 1n, 2n, new Uint8Array(40)),
      () => scene.notify(NOTIFY.RESEND.code),
      () => scene.kernel.abort(scene.conn),
    ]) {
      scene.woken.length = 0;
      act();
      expect(scene.woken).toEqual([scene.handle, clone]);
    }
  });
});
