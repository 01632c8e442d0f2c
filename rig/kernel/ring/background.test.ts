/** Background requests over a ring: counted in each queue and in the connection. */
import { describe, expect, it } from 'vitest';
import type { VersionName } from '../versions.ts';
import { RingScene } from './testing/scene.ts';

const readahead = (made: RingScene, cpu = 0) =>
  made.scene.ask('READ', { size: 1 }, { background: true, cpu });

describe('fuse_uring_queue_bq_req', () => {
  it('one is always active in a queue, more only while the connection may', () => {
    const made = RingScene.ready(4, { cpus: 2, fields: { max_background: 1 } });
    made.scene.ask('RELEASE', {}, { cpu: 0 });
    for (let i = 0; i < 2; i++) made.scene.ask('RELEASE', {}, { cpu: 1 });
    expect(made.cqes).toEqual(['0/3 0', '1/3 0']);
  });

  it('has its number before it is active; foreground requests pass', () => {
    const made = RingScene.ready(3, { fields: { max_background: 1 } });
    const [, second] = [made.scene.ask('RELEASE', {}), made.scene.ask('RELEASE', {})];
    expect(made.kernel.uniqueOf(second)).toBe(6n);
    made.scene.ask('GETATTR', {});
    expect([made.inside(2), made.inside(1), made.inside(0)]).toEqual([
      'RELEASE 4',
      'GETATTR 8',
      'AVAILABLE',
    ]);
  });

  it('a full background blocks the allocation of the next', () => {
    const made = RingScene.ready(4, { fields: { max_background: 2 } });
    for (let i = 0; i < 3; i++) readahead(made);
    expect(made.cqes).toEqual(['0/3 0', '0/2 0']);
    expect(made.reply(-5, 3)).toBe('HELD');
    expect(made.cqes.length).toBe(3);
  });

  it('with an entry free the first that waits is sent, whichever it is', () => {
    const made = RingScene.ready();
    for (let i = 0; i < 2; i++) made.scene.ask('GETATTR', {});
    made.register();
    made.scene.ask('RELEASE', {});
    expect(made.inside(1)).toBe('GETATTR 6');
    expect(made.reply(-5, 0)).toBe(0);
    expect(made.inside(0)).toBe('RELEASE 8');
  });

  it.each<[VersionName, string[]]>([
    ['6.18.15', ['RELEASE 8', 'AVAILABLE']],
    ['6.18', ['RELEASE 8', 'RELEASE 10']],
  ])('%s: what an end lets go (ringCountsFirst)', (version, last) => {
    // Two queues; queue 0 holds both slots of the connection and has two more waiting.
    const made = RingScene.ready(2, { version, cpus: 2, fields: { max_background: 2 } });
    const asks = Array.from({ length: 4 }, () => made.scene.ask('RELEASE', {}));
    expect(asks.map((ticket) => made.kernel.uniqueOf(ticket))).toEqual([4n, 6n, 8n, 10n]);
    expect([made.inside(1), made.inside(0)]).toEqual(['RELEASE 4', 'RELEASE 6']);
    const first = made.reply(-5, 1);
    const second = made.reply(-5, 0);
    // Without the fix the first end is counted too late to let anybody go.
    expect([first, second]).toEqual(version === '6.18' ? [0, 0] : ['HELD', 0]);
    expect([made.inside(1), made.inside(0)].sort()).toEqual([...last].sort());
  });
});

it('legacy background requests that become active after the switch go over the ring', () => {
  const made = RingScene.agreed({ flags: [], fields: { max_background: 1 } });
  for (let i = 0; i < 2; i++) made.scene.ask('RELEASE', {});
  made.register();
  expect(made.scene.drain()).toEqual(['RELEASE 4']);
  expect(made.scene.reply(4n)).toBe(16);
  expect(made.inside()).toBe('RELEASE 6');
  expect(made.reply(0)).toBe('HELD');
  expect(made.kernel.waiting(made.scene.conn)).toBe(0);
  // The queue did not count it at its start but at its end: it now thinks that one more may go.
  for (let i = 0; i < 2; i++) made.register();
  for (let i = 0; i < 3; i++) made.scene.ask('RELEASE', {});
  expect([0, 1, 2].map((index) => made.entry(index).state)).toEqual([
    'AVAILABLE',
    'USERSPACE',
    'USERSPACE',
  ]);
});

it('an abort does not deliver what still waited for the device', () => {
  const made = RingScene.agreed({ flags: [], fields: { max_background: 1 } });
  const asks = [0, 1].map(() => made.scene.ask('RELEASE', {}));
  made.register();
  made.kernel.abort(made.scene.conn);
  expect(asks.map((ticket) => made.scene.ended(ticket))).toEqual(Array(2).fill('ECONNABORTED'));
  expect(made.cqes).toEqual(['0/0 ENOTCONN']);
});
