/** Background requests: admission, blocked allocation, limits. */
import { describe, expect, it, test } from 'vitest';
import { Scene } from './scene.ts';

/** Unforced background requests: READs of readahead. */
const readahead = (scene: Scene) => scene.ask('READ', { size: 1 }, { background: true });
const count = (scene: Scene) => scene.drain().length;

describe('flush_bg_queue', () => {
  test.each([
    [0, 12],
    [1, 1],
    [5, 5],
    [65535, 20],
  ])('max_background %d in the INIT reply: %d of 20 go', (max, admitted) => {
    const scene = Scene.ready({ max_background: max });
    for (let i = 0; i < 20; i++) readahead(scene);
    expect(count(scene)).toBe(admitted);
  });

  it('before minor 13 the reply limits nothing', () => {
    const scene = Scene.ready({ max_background: 3, minor: 12 });
    for (let i = 0; i < 20; i++) readahead(scene);
    expect(count(scene)).toBe(12);
  });

  it('foreground requests flow past a full background', () => {
    const scene = Scene.ready({ max_background: 1 });
    readahead(scene);
    readahead(scene);
    for (let i = 0; i < 5; i++) scene.ask();
    expect(scene.drain()).toEqual(['READ 4', ...[6, 8, 10, 12, 14].map((n) => `LOOKUP ${n}`)]);
  });

  it('an end lets the next one go; its number is given then', () => {
    const scene = Scene.ready({ max_background: 1 });
    readahead(scene);
    const second = readahead(scene);
    scene.take();
    expect(scene.kernel.uniqueOf(second)).toBeUndefined();
    scene.ask();
    scene.reply(4n, -5);
    expect(scene.kernel.uniqueOf(second)).toBe(8n);
    expect(scene.drain()).toEqual(['LOOKUP 6', 'READ 8']);
  });

  it('INIT of a plain mount is a background one and leaves nothing behind', () => {
    const scene = Scene.mounted();
    expect(scene.kernel.waiting(scene.conn)).toBe(1);
    scene.init({ max_background: 1 });
    readahead(scene);
    expect(count(scene)).toBe(1);
  });
});

describe('fuse_block_alloc', () => {
  it('the allocation of one more than max_background sleeps, killably', () => {
    const scene = Scene.ready({ max_background: 2 });
    const tickets = [readahead(scene), readahead(scene), readahead(scene), readahead(scene)];
    expect(count(scene)).toBe(2);
    expect(scene.kernel.waiting(scene.conn)).toBe(4);
    scene.kernel.kill(tickets[2] as number);
    expect(scene.ended(tickets[2] as number)).toBe('EINTR');
    scene.reply(4n, 0);
    expect(scene.drain()).toEqual(['READ 8']);
    expect(scene.kernel.uniqueOf(tickets[3] as number)).toBe(8n);
  });

  it('RELEASE never sleeps but counts: the limit is passed, and whoever sleeps waits longer', () => {
    const scene = Scene.ready({ max_background: 2 });
    readahead(scene);
    readahead(scene);
    const release = scene.ask('RELEASE', {});
    const sleeper = readahead(scene);
    expect(scene.drain()).toEqual(['READ 4', 'READ 6']);
    scene.reply(4n, 0);
    // RELEASE was queued, the sleeper was not: it is next to wake, when the count is at the limit.
    expect(scene.drain()).toEqual(['RELEASE 8']);
    expect(scene.kernel.uniqueOf(sleeper)).toBeUndefined();
    scene.reply(6n, 0);
    expect(scene.drain()).toEqual(['READ 10']);
    scene.reply(8n, 0);
    expect(scene.ended(release)).toBe(0);
  });

  it('those who waited for INIT look at its limit one after the other', () => {
    const scene = Scene.mounted();
    const waited = [readahead(scene), readahead(scene), readahead(scene), scene.ask()];
    scene.init({ max_background: 1 });
    expect(scene.drain()).toEqual(['READ 4', 'LOOKUP 6']);
    scene.kernel.kill(waited[1] as number);
    expect(scene.ended(waited[1] as number)).toBe('EINTR');
    scene.reply(4n, 0);
    expect(scene.drain()).toEqual(['READ 8']);
  });

  it('past the limit an end wakes nobody: who sleeps can still be killed', () => {
    const scene = Scene.ready({ max_background: 1 });
    readahead(scene);
    scene.ask('RELEASE', {});
    const sleeper = readahead(scene);
    expect(count(scene)).toBe(1);
    scene.reply(4n, 0);
    scene.kernel.kill(sleeper);
    expect(scene.ended(sleeper)).toBe('EINTR');
  });

  it('a killed background request that was allocated stays', () => {
    const scene = Scene.ready({ max_background: 1 });
    readahead(scene);
    const queued = scene.ask('RELEASE', {});
    scene.kernel.kill(queued);
    scene.take();
    scene.reply(4n, 0);
    expect(scene.drain()).toEqual(['RELEASE 6']);
  });
});

describe('fuse_conn_max_background_write', () => {
  const write = (scene: Scene, text: string) =>
    scene.kernel.writeFusectl(scene.conn, 'max_background', text);

  it('raised: one sleeper goes on at once, the queue is looked at when something ends', () => {
    const scene = Scene.ready({ max_background: 1 });
    readahead(scene);
    const sleepers = [readahead(scene), readahead(scene)];
    expect(count(scene)).toBe(1);
    write(scene, '10');
    expect(sleepers.map((ticket) => scene.kernel.uniqueOf(ticket))).toEqual([6n, undefined]);
    scene.reply(4n, 0);
    expect(scene.kernel.uniqueOf(sleepers[1] as number)).toBe(8n);
  });

  it('0: allocation sleeps until it is raised again', () => {
    const scene = Scene.ready();
    write(scene, '0');
    const ticket = readahead(scene);
    expect(count(scene)).toBe(0);
    expect(scene.kernel.waiting(scene.conn)).toBe(1);
    write(scene, '1');
    expect(scene.kernel.uniqueOf(ticket)).toBe(4n);
  });

  it('reads 4294967295 after an abort', () => {
    const scene = Scene.ready();
    scene.kernel.abort(scene.conn);
    expect(scene.kernel.readFusectl(scene.conn, 'max_background')).toBe('4294967295\n');
  });
});
