/** The ends of connections and rings that the rig carries to the real kernel. */
import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { native } from '../native/load.ts';
import { CPUS, whyNoRing } from './testing/ring_host.ts';
import { RealScene, type SceneOptions } from './testing/ring_scene.ts';

const why = whyNoRing();
let scene: RealScene;
const open = (options?: SceneOptions): RealScene => {
  scene = new RealScene(options);
  return scene;
};

beforeEach((context) => context.skip(why !== undefined, why));
afterEach(async () => {
  if (why === undefined) await scene.end();
});

const idle = (): string[] => Array.from({ length: CPUS }, (_, qid) => `${qid}/0 ENOTCONN`);

describe('the end of the connection', () => {
  it('umount: every SQE the kernel holds', async () => {
    open().ready();
    // Not umount(8): it looks at the mount point first, and the end may come between the two halves of
    // the COMMIT that answers it.
    const done = native.unmountThere(process.pid, scene.dir, 0);
    await scene.until('the CQEs', () => scene.cqes.length === CPUS);
    expect(native.finish(done)).toBe(0);
    expect(scene.cqes.sort()).toEqual(idle());
    expect(scene.entry()).toMatchObject({ held: false, owner: 'server', state: 'RELEASED' });
    expect([scene.register(), scene.commit(4n)]).toEqual(['ENOTCONN', 'ENOTCONN']);
    expect(scene.rings.holds(scene.handle)).toBe(0);
  });

  test.each<[string, () => unknown, string, string]>([
    ['fusectl abort', () => scene.abort(), 'ECONNABORTED', 'ENOTCONN'],
    ['umount -f', () => scene.umount('-f'), 'ECONNABORTED', 'ENOTCONN'],
  ])('%s: an entry with the server gets no CQE', async (_, end, client, command) => {
    open().ready(2);
    const waits = scene.client(0, 'access @ 4');
    const taken = await scene.take();
    await scene.while(Promise.resolve(end()));
    expect(await scene.while(waits)).toEqual([client]);
    const all = 1 + 2 * CPUS - 1;
    await scene.until('the CQEs', () => scene.cqes.length >= all);
    await scene.until('a moment', scene.moment());
    expect(scene.cqes.filter((cqe) => cqe.endsWith('ENOTCONN')).length).toBe(all - 1);
    expect(taken.entry.state).toBe('USERSPACE');
    expect(scene.reply(taken, -1)).toBe(command);
    expect(scene.register()).toBe(command);
  });

  it('abort with ABORT_ERROR: new commands get ECONNABORTED', async () => {
    open({ flags: ['OVER_IO_URING', 'ABORT_ERROR'] }).ready();
    scene.abort();
    await scene.until('the CQEs', () => scene.cqes.length === CPUS);
    expect(scene.cqes.sort()).toEqual(idle());
    expect([scene.register(), scene.commit(4n)]).toEqual(['ECONNABORTED', 'ECONNABORTED']);
  });

  it('before the rig knows of it: the COMMIT is refused when it is submitted', async () => {
    open().ready();
    const clients = Array.from({ length: CPUS }, (_, cpu) => scene.client(cpu, 'access @ 4'));
    const taken = [];
    for (let n = 0; n < CPUS; n++) taken.push(await scene.take());
    const [first] = taken;
    if (first === undefined) throw new Error('no request');
    scene.abort();
    await Promise.all(clients);
    scene.cqes.length = 0;
    expect(scene.reply(first, -1)).toBe('HELD');
    expect(scene.cqes).toEqual([expect.stringMatching(/^bare \d+ ENOTCONN$/)]);
    expect(first.entry).toMatchObject({ state: 'USERSPACE', held: false, owner: 'server' });
  });

  it('the last close', async () => {
    open().ready();
    const client = scene.client(0, 'access @ 4');
    await scene.take();
    scene.rings.cancelRing(1);
    scene.kernel.close(scene.handle);
    expect(await scene.while(client)).toEqual(['ECONNABORTED']);
    expect((await scene.client(0, 'access @ 4'))[0]).toBe('ENOTCONN');
  });
});

describe('the end of a ring', () => {
  it('cancels what it holds, and nothing else', async () => {
    open().ready(1, 1);
    scene.ready(1, 2);
    const client = scene.client(0, 'access @ 4');
    // The entry registered last is taken first: one of ring 2.
    const taken = await scene.take();
    expect(taken.entry.command.ring).toBe(2);
    scene.cqes.length = 0;
    scene.rings.cancelRing(1);
    expect(scene.cqes.sort()).toEqual(idle());
    expect([scene.rings.holds(scene.handle), scene.read()]).toEqual([CPUS - 1, 'BLOCK']);
    scene.reply(taken, -13);
    expect(await client).toEqual(['EACCES']);
  });

  it('that stays while its task ends: requests are cancelled, each with its entry', async () => {
    open().ready(2);
    scene.rings.taskEnded(1, false);
    expect(scene.cqes).toEqual([]);
    for (const entry of ['0/1', '0/0']) {
      expect(await scene.while(scene.client(0, 'access @ 4'))).toEqual(['ECANCELED']);
      expect(scene.cqes.at(-1)).toBe(`${entry} ECANCELED`);
      // The kernel closes the ring of the first in its own time.
      await scene.until('a moment', scene.moment());
    }
    expect(scene.rings.holds(scene.handle)).toBe(2 * CPUS - 2);
    const waits = scene.client(0, 'access @ 4');
    await scene.waiting(1);
    await scene.until('a moment', scene.moment());
    expect(scene.requests).toEqual([]);
    scene.abort();
    expect(await scene.while(waits)).toEqual(['ECONNABORTED']);
    await scene.until('the CQEs', () => scene.cqes.length === 2 * CPUS);
    expect(scene.cqes.slice(2).every((cqe) => /^[^0]\/\d ENOTCONN$/.test(cqe))).toBe(true);
  });

  it('that stays while its only task ends: the request is nobody`s', async () => {
    open().ready();
    scene.rings.taskEnded(1, true);
    const waits = scene.client(0, 'access @ 4');
    await scene.waiting(1);
    await scene.until('a moment', scene.moment());
    expect([scene.cqes, scene.requests]).toEqual([[], []]);
    scene.abort();
    expect(await scene.while(waits)).toEqual(['ECONNABORTED']);
  });

  it('leaves neither descriptors nor memory', async () => {
    const count = () => ({
      fds: readdirSync('/proc/self/fd').length,
      rings: readFileSync('/proc/self/maps', 'utf8').split('io_uring').length,
      kib: Number(/VmSize:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]),
    });
    const round = async () => {
      open({ fields: { max_pages: 256, max_write: 1 << 20 } }).ready(4);
      await scene.end();
    };
    await round();
    const before = count();
    for (let n = 0; n < 20; n++) await round();
    const after = count();
    expect([after.fds, after.rings]).toEqual([before.fds, before.rings]);
    // 20 rounds would have left 4 MiB a queue each; the heap of Node.js takes some, too.
    expect(after.kib - before.kib).toBeLessThan(20 * CPUS * 4 * 1024 - 32 * 1024);
  });
});
