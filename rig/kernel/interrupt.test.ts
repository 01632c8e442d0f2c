/** Signals, INTERRUPT messages and the replies to them. */
import { describe, expect, it, test } from 'vitest';
import type { OpName } from '../protocol/opcodes.ts';
import type { Args } from '../protocol/parts.ts';
import { Scene, written } from './scene.ts';

/** One LOOKUP, read: unique 4. */
function oneInUserSpace() {
  const scene = Scene.ready();
  const ticket = scene.ask();
  scene.take();
  return { scene, ticket };
}

describe('fuse_read_interrupt', () => {
  it('48 bytes, unique | 1, nobody and no node in the header, the unique in the body', () => {
    const { scene, ticket } = oneInUserSpace();
    scene.kernel.interrupt(ticket);
    const request = scene.take();
    expect(request).toMatchObject({ name: 'INTERRUPT', unique: 5n, nodeid: 0n });
    expect(request).toMatchObject({ uid: 0, gid: 0, pid: 0 });
    expect(request.args).toEqual({ unique: 4n });
    expect(request.bytes.length).toBe(48);
  });
});

describe('request_wait_answer: a non-fatal signal', () => {
  it('to a pending request shows as the very next message after it', () => {
    const scene = Scene.ready();
    const ticket = scene.ask();
    scene.ask();
    scene.kernel.interrupt(ticket);
    expect(scene.drain()).toEqual(['LOOKUP 4', 'INTERRUPT 5', 'LOOKUP 6']);
  });

  it('a second one does nothing', () => {
    const { scene, ticket } = oneInUserSpace();
    scene.kernel.interrupt(ticket);
    scene.kernel.interrupt(ticket);
    expect(scene.drain()).toEqual(['INTERRUPT 5']);
    scene.kernel.interrupt(ticket);
    expect(scene.drain()).toEqual([]);
    expect(scene.ended(ticket)).toBeUndefined();
  });

  it('an unread INTERRUPT goes with its request', () => {
    const { scene, ticket } = oneInUserSpace();
    scene.kernel.interrupt(ticket);
    scene.reply(4n, -4);
    expect(scene.drain()).toEqual([]);
    expect(scene.kernel.poll(scene.handle) & 1).toBe(0);
  });

  it('to a caller blocked before INIT counts once it waits for its answer', () => {
    const scene = Scene.mounted();
    const ticket = scene.ask();
    scene.kernel.interrupt(ticket);
    scene.init();
    expect(scene.drain()).toEqual(['LOOKUP 4', 'INTERRUPT 5']);
  });

  test.each<[OpName, Args, string[]]>([
    ['FLUSH', {}, ['FLUSH 4', 'INTERRUPT 5']],
    ['RELEASE', {}, ['RELEASE 4']],
    ['READ', { size: 1 }, ['READ 4', 'INTERRUPT 5']],
  ])('%s', (name, args, messages) => {
    const scene = Scene.ready();
    const ticket = scene.ask(name, args);
    scene.kernel.interrupt(ticket);
    expect(scene.drain()).toEqual(messages);
  });
});

describe('request_wait_answer: a fatal signal', () => {
  it('takes a pending request back: EINTR, the server never sees it', () => {
    const scene = Scene.ready();
    const ticket = scene.ask();
    const other = scene.ask();
    scene.kernel.kill(ticket);
    expect(scene.ended(ticket)).toBe('EINTR');
    expect(scene.drain()).toEqual(['LOOKUP 6']);
    expect(scene.ended(other)).toBeUndefined();
    expect(scene.kernel.uniqueOf(ticket)).toBeUndefined();
  });

  it('takes it back after a non-fatal one too', () => {
    const scene = Scene.ready();
    const ticket = scene.ask();
    scene.kernel.interrupt(ticket);
    scene.kernel.kill(ticket);
    expect(scene.ended(ticket)).toBe('EINTR');
    expect(scene.drain()).toEqual([]);
  });

  it('in user space sends an INTERRUPT and waits for the reply', () => {
    const { scene, ticket } = oneInUserSpace();
    scene.kernel.kill(ticket);
    scene.kernel.kill(ticket);
    expect(scene.drain()).toEqual(['INTERRUPT 5']);
    expect(scene.ended(ticket)).toBeUndefined();
    expect(scene.reply(4n, -4)).toBe(16);
    expect(scene.ended(ticket)).toBe('EINTR');
    expect(scene.ends[0]?.replied).toBe(true);
  });

  it.each<[OpName]>([['FLUSH'], ['RELEASE'], ['RELEASEDIR']])('%s is never taken back', (name) => {
    const scene = Scene.ready();
    const ticket = scene.ask(name, {});
    scene.kernel.kill(ticket);
    expect(scene.ended(ticket)).toBeUndefined();
    expect(scene.take().name).toBe(name);
  });

  it('ends a blocked caller: EINTR', () => {
    const scene = Scene.mounted();
    const ticket = scene.ask();
    scene.kernel.kill(ticket);
    expect(scene.ended(ticket)).toBe('EINTR');
    scene.init();
    expect(scene.drain()).toEqual([]);
    expect(scene.kernel.waiting(scene.conn)).toBe(0);
  });
});

describe('fuse_dev_do_write: the reply to an INTERRUPT', () => {
  test.each<[string, number, number, string | number]>([
    ['0', 0, 0, 16],
    ['ENOENT', -2, 0, 16],
    ['EINTR', -4, 0, 16],
    ['a body', 0, 1, 'EINVAL'],
    ['ENOSYS with a body', -38, 1, 'EINVAL'],
  ])('%s is ignored', (_, error, size, result) => {
    const { scene, ticket } = oneInUserSpace();
    scene.kernel.interrupt(ticket);
    scene.take();
    expect(scene.write(written(5n, error, new Uint8Array(size)))).toBe(result);
    expect(scene.ended(ticket)).toBeUndefined();
    expect(scene.drain()).toEqual([]);
    expect(scene.kernel.latched(scene.conn, 36)).toBe(false);
  });

  it('EAGAIN queues the INTERRUPT again, at the tail', () => {
    const { scene, ticket } = oneInUserSpace();
    const other = scene.ask();
    scene.take();
    scene.kernel.interrupt(ticket);
    scene.take();
    scene.kernel.interrupt(other);
    expect(scene.reply(5n, -11)).toBe(16);
    expect(scene.drain()).toEqual(['INTERRUPT 7', 'INTERRUPT 5']);
  });

  it('EAGAIN for a request that was never interrupted: EINVAL (queue_interrupt)', () => {
    const { scene } = oneInUserSpace();
    expect(scene.reply(5n, -11)).toBe('EINVAL');
  });

  it('ENOSYS ends INTERRUPTs for every wait that begins later, not for those that have begun', () => {
    const { scene, ticket } = oneInUserSpace();
    const before = scene.ask();
    scene.take();
    scene.kernel.interrupt(ticket);
    scene.take();
    expect(scene.reply(5n, -38)).toBe(16);
    expect(scene.kernel.latched(scene.conn, 36)).toBe(true);
    const after = scene.ask();
    scene.take();
    scene.kernel.interrupt(before);
    scene.kernel.interrupt(after);
    expect(scene.drain()).toEqual(['INTERRUPT 7']);
  });

  it('latched off, only a fatal signal to a pending request does something', () => {
    const { scene } = oneInUserSpace();
    scene.reply(5n, -38);
    const sent = scene.ask();
    scene.take();
    const pending = scene.ask();
    scene.kernel.kill(sent);
    scene.kernel.kill(pending);
    expect(scene.drain()).toEqual([]);
    expect(scene.ended(sent)).toBeUndefined();
    expect(scene.ended(pending)).toBe('EINTR');
  });

  test.each([
    ['answered', (scene: Scene) => scene.reply(4n, -2)],
    ['aborted', (scene: Scene) => scene.kernel.abort(scene.conn)],
  ])('%s: ENOENT', (_, end) => {
    const { scene, ticket } = oneInUserSpace();
    scene.kernel.interrupt(ticket);
    scene.take();
    end(scene);
    expect(scene.reply(5n, 0)).toBe('ENOENT');
  });

  it('through another handle: ENOENT', () => {
    const { scene } = oneInUserSpace();
    const clone = scene.kernel.open(2);
    scene.kernel.clone(clone, scene.handle);
    expect(scene.reply(5n, 0, clone)).toBe('ENOENT');
  });
});
