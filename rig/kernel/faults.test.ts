/** What a fault does to the model: messages nobody got, handles that are lost, rings that are given up. */
import { describe, expect, it } from 'vitest';
import { Request } from '../protocol/message.ts';
import { RingScene } from './ring/testing/scene.ts';
import { Scene } from './scene.ts';

describe('a message that nobody got', () => {
  it('is the first that the next read of any handle gets, under the same unique', () => {
    const scene = Scene.ready();
    const [first] = [scene.ask(), scene.ask()];
    const clone = scene.kernel.open(2);
    expect(scene.kernel.clone(clone, scene.handle)).toBe(0);
    const message = scene.take();
    expect(scene.kernel.unread(scene.handle, message.bytes)).toBe(true);
    expect(scene.reply(message.unique)).toBe('ENOENT');
    expect(scene.ended(first)).toBeUndefined();
    expect(scene.drain(clone)).toEqual(['LOOKUP 4', 'LOOKUP 6']);
    expect(scene.reply(4n, -2, clone)).toBe(16);
    expect(scene.ended(first)).toBe('ENOENT');
  });

  it('takes its INTERRUPT along, which comes again behind it', () => {
    const scene = Scene.ready();
    const ticket = scene.ask();
    const message = scene.take();
    scene.kernel.interrupt(ticket);
    scene.kernel.unread(scene.handle, message.bytes);
    expect(scene.drain()).toEqual(['LOOKUP 4', 'INTERRUPT 5']);
  });

  it('that awaits no reply cannot be put back', () => {
    const scene = Scene.ready();
    scene.kernel.forget(scene.conn, [{ nodeid: 9n, nlookup: 1n }]);
    expect(scene.kernel.unread(scene.handle, scene.take().bytes)).toBe(false);
  });
});

describe('a handle that is lost', () => {
  it('ends what was read through it, and nothing else', () => {
    const scene = Scene.ready();
    const clone = scene.kernel.open(2);
    scene.kernel.clone(clone, scene.handle);
    const [mine, other] = [scene.ask(), scene.ask()];
    scene.take(clone);
    const kept = scene.take();
    expect(scene.kernel.ticketsOf(clone)).toEqual([mine]);
    scene.kernel.lose(clone);
    expect(scene.ended(mine)).toBe('ECONNABORTED');
    expect([scene.read(clone), scene.kernel.poll(clone)]).toEqual(['ENODEV', 8]);
    expect(scene.kernel.connected(scene.conn)).toBe(true);
    expect(scene.reply(kept.unique, -2)).toBe(16);
    expect(scene.ended(other)).toBe('ENOENT');
    scene.ask();
    expect(scene.read()).toBeInstanceOf(Request);
  });
});

describe('a ring', () => {
  it('gives a request whose CQE was another to the next entry, and never uses the first again', () => {
    const made = RingScene.ready(2);
    const ticket = made.scene.ask();
    expect([made.cqes, made.inside(1)]).toEqual([['0/1 0'], 'LOOKUP 4']);
    made.rings.withdraw(made.entry(1));
    expect([made.cqes, made.inside(0)]).toEqual([['0/1 0', '0/0 0'], 'LOOKUP 4']);
    expect(made.entries.map(({ index }) => index)).toEqual([0]);
    expect(made.reply()).toBe('HELD');
    expect(made.scene.ended(ticket)).toBe('ENOENT');
    made.kernel.shutdown(made.scene.conn);
    expect(made.cqes.at(-1)).toBe('0/0 ENOTCONN');
    expect(made.bugs).toEqual([]);
  });

  it('without another entry keeps it for the next that comes free', () => {
    const made = RingScene.ready(1);
    made.scene.ask();
    made.rings.withdraw(made.entry(0));
    expect(made.commit(4n)).toBe('ENOENT');
    expect(made.register()).toBe('HELD');
    // As in the kernel, a fresh entry takes what comes; what waits is fetched behind its commit.
    made.scene.ask();
    expect(made.inside(1)).toBe('LOOKUP 6');
    made.reply(-2, 1);
    expect(made.inside(1)).toBe('LOOKUP 4');
  });

  it('that is given up lets its clients go to the device', () => {
    const made = RingScene.agreed();
    made.scene.ask();
    expect(made.scene.drain()).toEqual([]);
    made.rings.giveUp(made.scene.handle);
    expect(made.scene.drain()).toEqual(['LOOKUP 4']);
  });
});
