/** INIT: what is offered, what the replies do. What the fields mean is tested with the protocol. */
import { describe, expect, it, test } from 'vitest';
import { encodeReply } from '../protocol/build.ts';
import { INIT_FLAG, joinInitFlags } from '../protocol/init-flags.ts';
import { initIn } from '../protocol/negotiated.ts';
import { DEFAULT_OFFER, type InitOffer } from './init.ts';
import { DIRECTORY, Scene, written } from './scene.ts';

const bytes = (size: number) => new Uint8Array(size);

describe('fuse_send_init: the request', () => {
  it('is what Linux 6.18 sends a plain mount', () => {
    const request = Scene.mounted().take();
    expect(request.bytes.length).toBe(104);
    expect(request).toMatchObject({ name: 'INIT', unique: 2n, nodeid: 0n });
    expect(request).toMatchObject({ uid: 0, gid: 0, pid: 0 });
    expect(initIn(request.bytes)).toMatchObject({
      major: 7,
      minor: 45,
      max_readahead: 131072,
      flags: 0x73fffffb,
      flags2: 0x5fd,
      unused: Array(11).fill(0),
    });
  });

  it('offers what it is told, by connection', () => {
    const flags = DEFAULT_OFFER.flags | INIT_FLAG.OVER_IO_URING;
    const offer = (conn: number): InitOffer => ({ minor: 40 + conn, maxReadahead: 4096, flags });
    const scene = Scene.mounted({ offer });
    const init = initIn(scene.take().bytes);
    expect(init).toMatchObject({ minor: 41, max_readahead: 4096, flags2: 0x7fd });
    expect(joinInitFlags(init.flags, init.flags2)).toBe(flags);
  });

  it('before minor 36 it is 16 bytes', () => {
    const offer = { minor: 35, maxReadahead: 131072, flags: 0xfffffffn };
    const request = Scene.mounted({ offer }).take();
    expect(request.bytes.length).toBe(56);
    expect(initIn(request.bytes)).toMatchObject({ minor: 35, flags: 0xfffffff, flags2: 0 });
  });

  it('nothing else comes until it is answered', () => {
    const scene = Scene.mounted();
    for (let i = 0; i < 3; i++) scene.ask();
    expect(scene.drain()).toEqual(['INIT 2']);
    expect(scene.kernel.waiting(scene.conn)).toBe(4);
  });

  it('each mount has its own connection and numbers', () => {
    const scene = Scene.ready();
    const other = scene.kernel.open(2);
    expect(scene.mount({ handle: other, target: '/other', options: DIRECTORY }).conn).toBe(2);
    expect(scene.drain(other)).toEqual(['INIT 2']);
  });
});

describe('process_init_reply', () => {
  const reply = (size: number, fields: object = {}) => {
    const whole = encodeReply(Scene.mounted().take(), { major: 7, minor: 45, ...fields });
    return written(2n, 0, whole.subarray(16, 16 + Math.min(size, 64)).slice(0, size));
  };
  test.each<[string, Uint8Array, number | string, boolean]>([
    ['64 bytes', reply(64), 80, true],
    ['24 bytes', reply(24), 40, true],
    ['8 bytes', reply(8), 24, true],
    ['4 bytes: minor 0', reply(4), 20, true],
    ['minor 1000', reply(64, { minor: 1000 }), 80, true],
    ['3 bytes', reply(3), 19, false],
    ['nothing', written(2n, 0), 16, false],
    ['65 bytes', written(2n, 0, bytes(65)), 'EINVAL', false],
    ['an error', written(2n, -71), 16, false],
    ['major 6', reply(64, { major: 6 }), 80, false],
    ['major 8', reply(64, { major: 8 }), 80, false],
  ])('%s', (_, message, result, accepted) => {
    const scene = Scene.mounted();
    scene.take();
    expect(scene.write(message)).toBe(result);
    expect(scene.inits).toMatchObject([{ conn: scene.conn, accepted }]);
    expect(scene.inits[0]?.body.length).toBe(64);
    const ticket = scene.ask();
    expect(scene.ended(ticket)).toBe(accepted ? undefined : 'ECONNREFUSED');
    expect(scene.reply(2n)).toBe('ENOENT');
    // There is never a second INIT.
    expect(scene.drain()).toEqual(accepted ? ['LOOKUP 4'] : []);
    expect(scene.kernel.negotiated(scene.conn).accepted).toBe(accepted);
  });

  it('a bad error value or len leaves INIT to be answered', () => {
    const scene = Scene.mounted();
    scene.take();
    expect(scene.reply(2n, 1)).toBe('EINVAL');
    expect(scene.write(written(2n, 0, bytes(64), 79))).toBe('EINVAL');
    expect(scene.inits).toEqual([]);
    expect(scene.write(reply(64))).toBe(80);
  });

  it('a fault in the reply refuses', () => {
    const scene = Scene.mounted();
    scene.take();
    expect(scene.write(reply(64).subarray(0, 30), 80)).toBe('EFAULT');
    expect(scene.inits).toMatchObject([{ accepted: false }]);
  });

  it('ALLOW_IDMAP without permission checks refuses, yet its max_write holds (seen on 6.18.44)', () => {
    const scene = Scene.mounted();
    scene.init({ max_write: 1 << 20 }, ['ALLOW_IDMAP']);
    expect(scene.inits).toMatchObject([{ accepted: false }]);
    expect(scene.ended(scene.ask())).toBe('ECONNREFUSED');
    expect(scene.read(scene.handle, 8192)).toBe('EINVAL');
    expect(scene.read(scene.handle, (1 << 20) + 80)).toBe('BLOCK');
  });

  it('ALLOW_IDMAP with them is fine', () => {
    const options = `${DIRECTORY},default_permissions`;
    const scene = Scene.mounted({}, { options });
    scene.init({}, ['ALLOW_IDMAP']);
    expect(scene.inits).toMatchObject([{ accepted: true }]);
  });

  it('the host sets limits: pages, background, timeout; the mount sets max_read', () => {
    const host = { pageLimit: 64, backgroundCap: 20, defaultTimeout: 100, maxTimeout: 50 };
    const scene = Scene.mounted({ host }, { options: `${DIRECTORY},max_read=8192` });
    scene.init({ minor: 5, max_pages: 256, max_background: 100 });
    expect(scene.kernel.negotiated(scene.conn)).toMatchObject({ maxReadahead: 8192, minor: 5 });
    const other = Scene.mounted({ host });
    other.init({ max_pages: 256, max_background: 100 }, ['MAX_PAGES']);
    expect(other.kernel.negotiated(other.conn)).toMatchObject({
      maxPages: 64,
      maxBackground: 20,
      requestTimeout: 50,
    });
  });
});
