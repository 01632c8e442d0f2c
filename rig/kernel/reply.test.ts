/** write(2): every row of its checks in order, what it returns and what the request's client gets. */
import { describe, expect, it, test } from 'vitest';
import { encodeReply } from '../protocol/build.ts';
import type { OpName } from '../protocol/opcodes.ts';
import type { Args } from '../protocol/parts.ts';
import { Scene, written } from './scene.ts';

const bytes = (size: number) => new Uint8Array(size);

describe('fuse_dev_do_write: the checks in order', () => {
  /** A LOOKUP read and unanswered, unique 4; `lost`: the request ended with EIO. */
  test.each<[string, Uint8Array, number | undefined, string | number, string | number | undefined]>(
    [
      ['shorter than a header', bytes(15), undefined, 'EINVAL', undefined],
      ['empty', bytes(0), undefined, 'EINVAL', undefined],
      ['header unreadable', bytes(3), 16, 'EFAULT', undefined],
      ['too short goes before unreadable', bytes(3), 15, 'EINVAL', undefined],
      ['len one less', written(4n, 0, bytes(128), 143), undefined, 'EINVAL', undefined],
      ['len one more', written(4n, 0, bytes(128), 145), undefined, 'EINVAL', undefined],
      [
        'wrong len goes before the error value',
        written(4n, 1, bytes(0), 17),
        undefined,
        'EINVAL',
        undefined,
      ],
      ['error 1', written(4n, 1), undefined, 'EINVAL', undefined],
      ['error 512', written(4n, 512), undefined, 'EINVAL', undefined],
      ['error -512', written(4n, -512), undefined, 'EINVAL', undefined],
      ['error -2^31', written(4n, -(2 ** 31)), undefined, 'EINVAL', undefined],
      ['bad error goes before unknown unique', written(6n, 1), undefined, 'EINVAL', undefined],
      ['unknown unique', written(6n, -2), undefined, 'ENOENT', undefined],
      ['unknown unique, any length', written(6n, -2, bytes(5)), undefined, 'ENOENT', undefined],
      ['unknown odd unique', written(7n, 0), undefined, 'ENOENT', undefined],
      ['error with a body', written(4n, -2, bytes(1)), undefined, 'EINVAL', 'EIO'],
      ['error -2', written(4n, -2), undefined, 16, 'ENOENT'],
      ['error -511, the last legal one', written(4n, -511), undefined, 16, '511'],
      ['fixed reply one byte short', written(4n, 0, bytes(127)), undefined, 'EINVAL', 'EIO'],
      ['fixed reply one byte long', written(4n, 0, bytes(129)), undefined, 'EINVAL', 'EIO'],
      ['fixed reply empty', written(4n, 0), undefined, 'EINVAL', 'EIO'],
      ['payload unreadable', written(4n, 0, bytes(128)).subarray(0, 40), 144, 'EFAULT', 'EIO'],
      [
        'wrong length goes before unreadable',
        written(4n, 0, bytes(99)).subarray(0, 40),
        115,
        'EINVAL',
        'EIO',
      ],
      ['ok', written(4n, 0, bytes(128)), undefined, 144, 0],
    ],
  )('%s', (_, message, length, result, ended) => {
    const scene = Scene.ready();
    const ticket = scene.ask();
    scene.take();
    expect(scene.write(message, length ?? message.length)).toBe(result);
    expect(scene.ended(ticket)).toBe(ended);
    // What did not end the request left it answerable, what did end it did so for good.
    const again = ended === undefined ? 16 : 'ENOENT';
    expect(scene.reply(4n, -13)).toBe(again);
    expect(scene.ends.length).toBe(1);
    expect(scene.kernel.waiting(scene.conn)).toBe(0);
  });

  it('unbound, also with SYNC_INIT: EPERM, before anything else', () => {
    const scene = new Scene();
    expect(scene.write(bytes(1))).toBe('EPERM');
    scene.kernel.syncInit(scene.handle);
    expect(scene.write(bytes(1))).toBe('EPERM');
  });

  it('only the handle that read a request can answer it; the request stays', () => {
    const scene = Scene.ready();
    const clone = scene.kernel.open(2);
    scene.kernel.clone(clone, scene.handle);
    const ticket = scene.ask();
    const request = scene.take();
    expect(scene.reply(request.unique, -2, clone)).toBe('ENOENT');
    expect(scene.ended(ticket)).toBeUndefined();
    expect(scene.reply(request.unique, -2)).toBe(16);
  });

  it('so it is for INIT', () => {
    const scene = Scene.mounted();
    const clone = scene.kernel.open(2);
    scene.kernel.clone(clone, scene.handle);
    const init = scene.take(clone);
    const reply = encodeReply(init, { major: 7, minor: 45 });
    expect(scene.write(reply)).toBe('ENOENT');
    expect(scene.write(reply, reply.length, clone)).toBe(80);
    expect(scene.inits[0]?.accepted).toBe(true);
  });

  test.each(['abort', 'shutdown', 'forceUnmount', 'expire'] as const)(
    'after %s: the first checks as ever, then ENOENT',
    (death) => {
      const scene = Scene.ready();
      scene.ask();
      const { unique } = scene.take();
      scene.kernel[death](scene.conn);
      expect(scene.write(bytes(15))).toBe('EINVAL');
      expect(scene.write(written(unique, 0, bytes(0), 17))).toBe('EINVAL');
      expect(scene.reply(unique, 1)).toBe('EINVAL');
      expect(scene.reply(unique, -2)).toBe('ENOENT');
      expect(scene.write(written(unique, -2, bytes(7)))).toBe('ENOENT');
    },
  );

  it('a client killed while its request is in user space: the reply is taken as ever', () => {
    const scene = Scene.ready();
    const ticket = scene.ask();
    const { unique } = scene.take();
    scene.kernel.kill(ticket);
    expect(scene.ended(ticket)).toBeUndefined();
    expect(scene.write(written(unique, 0, bytes(128)))).toBe(144);
    expect(scene.ended(ticket)).toBe(0);
  });
});

describe('fuse_copy_out_args: lengths of successful bodies', () => {
  const NAME = { name: 'a' };
  test.each<[OpName, string, Args, object, number[], number[]]>([
    ['LOOKUP', 'entry_out', NAME, {}, [128], [0, 120, 127, 129]],
    ['LOOKUP', 'entry_out before minor 9', NAME, { minor: 8 }, [120], [0, 119, 121, 128]],
    ['GETATTR', 'attr_out', {}, {}, [104], [0, 96, 105]],
    ['GETATTR', 'attr_out before minor 9', {}, { minor: 8 }, [96], [104]],
    ['STATFS', 'statfs_out', {}, {}, [80], [48, 81]],
    ['STATFS', 'statfs_out before minor 4', {}, { minor: 3 }, [48], [80]],
    ['OPEN', 'open_out', {}, {}, [16], [0, 15, 17]],
    ['CREATE', 'entry_out and open_out', NAME, {}, [144], [128, 143, 145]],
    ['CREATE', 'the same before minor 9', NAME, { minor: 8 }, [136], [144]],
    ['TMPFILE', 'never shortened', NAME, { minor: 8 }, [144], [136]],
    ['UNLINK', 'nothing', NAME, {}, [0], [1, 16]],
    ['FLUSH', 'nothing', {}, {}, [0], [1]],
    ['WRITE', 'write_out', { data: bytes(4) }, {}, [8], [0, 4, 9]],
    ['READ', 'up to what was asked', { size: 100 }, {}, [0, 1, 99, 100], [101]],
    ['READDIR', 'up to what was asked', { size: 4096 }, {}, [0, 4096], [4097]],
    ['READLINK', 'up to a page less one', {}, {}, [0, 1, 4095], [4096]],
    ['GETXATTR', 'size asked: the size', { ...NAME, size: 0 }, {}, [8], [0, 7, 9]],
    ['GETXATTR', 'value asked: up to size', { ...NAME, size: 64 }, {}, [0, 8, 64], [65]],
    ['LISTXATTR', 'size asked: the size', { size: 0 }, {}, [8], [0, 9]],
    ['LISTXATTR', 'names asked: up to size', { size: 64 }, {}, [0, 64], [65]],
    ['IOCTL', 'a page at least', { out_size: 10 }, {}, [16, 26, 4112], [15, 0, 4113]],
    ['IOCTL', 'more where more was asked', { out_size: 8192 }, {}, [16, 8208], [8209]],
    ['GETLK', 'lk_out', {}, {}, [24], [0, 23]],
    ['LSEEK', 'lseek_out', {}, {}, [8], [0]],
    ['POLL', 'poll_out', {}, {}, [8], [0]],
    ['STATX', 'statx_out', {}, {}, [288], [256, 289]],
    ['COPY_FILE_RANGE', 'write_out', {}, {}, [8], [0]],
    ['COPY_FILE_RANGE_64', 'copy_file_range_out', {}, {}, [8], [4]],
  ])('%s: %s', (name, _, args, fields, good, bad) => {
    const scene = Scene.ready({ minor: 45, ...fields });
    for (const size of [...good, ...bad]) {
      const ticket = scene.ask(name, args);
      const { unique } = scene.take();
      const fits = good.includes(size);
      const result = scene.write(written(unique, 0, bytes(size)));
      expect([size, result]).toEqual([size, fits ? 16 + size : 'EINVAL']);
      expect(scene.ended(ticket)).toBe(fits ? 0 : 'EIO');
    }
  });

  it('hands the body to the feed as it was written', () => {
    const scene = Scene.ready();
    scene.ask('READ', { size: 10 });
    const { unique } = scene.take();
    scene.write(written(unique, 0, Uint8Array.of(1, 2, 3)));
    expect(scene.ends[0]).toMatchObject({ replied: true, body: Uint8Array.of(1, 2, 3) });
  });
});
