/** Notifications: the size rules of each code, what a node must be, and RESEND. */
import { describe, expect, it, test } from 'vitest';
import { concat, writeU32, writeU64 } from '../protocol/cursor.ts';
import { encodeNotification, NOTIFY, type NotifyName } from '../protocol/notify.ts';
import type { NodeFacts } from './notify.ts';
import { Scene, written } from './scene.ts';
import { type Switches, VERSIONS } from './versions.ts';

const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const bytes = (size: number) => new Uint8Array(size);

/** Node 1 is a directory, 2 a regular file, 3 something else; `2` is called f. */
const NODES: NodeFacts = {
  knowsNode: (_, nodeid) => nodeid >= 1n && nodeid <= 3n,
  typeOf: (_, nodeid) => (nodeid === 1n ? S_IFDIR : nodeid === 2n ? S_IFREG : 0o120000),
  entryError: (_conn, _parent, name, child) => {
    if (new TextDecoder().decode(name) !== 'f') return -2;
    return child === 0n || child === 2n ? 0 : -2;
  },
};

const scene = (fields: object = {}, switches: Switches = VERSIONS['6.18']) =>
  Scene.ready(fields, [], { nodes: NODES, switches });

describe('fuse_notify_*: sizes', () => {
  const entry = (size: number, namelen: number, at: number) => {
    const body = bytes(size);
    writeU64(body, 0, 1n);
    if (size >= at + 4) writeU32(body, at, namelen);
    return body;
  };
  const store = (size: number, says: number) => {
    const body = bytes(size);
    writeU64(body, 0, 2n);
    if (size >= 20) writeU32(body, 16, says);
    return body;
  };
  const prune = (size: number, count: number) => {
    const body = bytes(size);
    if (size >= 4) writeU32(body, 0, count);
    return body;
  };
  const node = (size: number, at = 0) => {
    const body = bytes(size);
    if (size >= at + 8) writeU64(body, at, 2n);
    return body;
  };
  test.each<[NotifyName, string, Uint8Array, string | number]>([
    ['POLL', '8 bytes', bytes(8), 24],
    ['POLL', '7 bytes', bytes(7), 'EINVAL'],
    ['POLL', '9 bytes', bytes(9), 'EINVAL'],
    ['INVAL_INODE', '24 bytes', node(24), 40],
    ['INVAL_INODE', '23 bytes', node(23), 'EINVAL'],
    ['INVAL_INODE', '25 bytes', node(25), 'EINVAL'],
    ['INVAL_ENTRY', 'less than its structure', bytes(15), 'EINVAL'],
    ['INVAL_ENTRY', 'no NUL', entry(17, 1, 8), 'EINVAL'],
    ['INVAL_ENTRY', 'one byte more', entry(19, 1, 8), 'EINVAL'],
    ['INVAL_ENTRY', 'fits, no such entry', entry(18, 1, 8), 'ENOENT'],
    ['INVAL_ENTRY', 'the longest name', entry(16 + 1025, 1024, 8), 'ENOENT'],
    ['INVAL_ENTRY', 'a name too long', entry(16 + 1026, 1025, 8), 'ENAMETOOLONG'],
    ['INVAL_ENTRY', 'too long goes before the size', entry(16, 5000, 8), 'ENAMETOOLONG'],
    ['STORE', 'less than its structure', bytes(23), 'EINVAL'],
    ['STORE', 'fits', store(24 + 5, 5), 45],
    ['STORE', 'nothing to store', store(24, 0), 40],
    ['STORE', 'one byte less', store(24 + 4, 5), 'EINVAL'],
    ['STORE', 'one byte more', store(24 + 6, 5), 'EINVAL'],
    ['RETRIEVE', '32 bytes', node(32, 8), 48],
    ['RETRIEVE', '31 bytes', node(31, 8), 'EINVAL'],
    ['RETRIEVE', '33 bytes', node(33, 8), 'EINVAL'],
    ['DELETE', 'less than its structure', bytes(23), 'EINVAL'],
    ['DELETE', 'no NUL', entry(25, 1, 16), 'EINVAL'],
    ['DELETE', 'a name too long', entry(24, 1025, 16), 'ENAMETOOLONG'],
    ['RESEND', 'nothing', bytes(0), 16],
    ['RESEND', 'anything', bytes(99), 115],
    ['INC_EPOCH', 'nothing', bytes(0), 16],
    ['INC_EPOCH', 'anything', bytes(3), 19],
    ['PRUNE', 'less than its structure', bytes(15), 'EINVAL'],
    ['PRUNE', 'no nodes', prune(16, 0), 32],
    ['PRUNE', 'two unknown nodes', prune(32, 2), 48],
    ['PRUNE', 'one node too few', prune(24, 2), 'EINVAL'],
    ['PRUNE', 'half a node', prune(20, 1), 'EINVAL'],
    ['PRUNE', 'a count beyond 2^32 bytes', prune(16, 2 ** 29), 'EINVAL'],
  ])('%s: %s', (name, _, body, result) => {
    const it = scene();
    expect(it.notify(NOTIFY[name].code, body)).toBe(result);
    expect(it.notifications).toEqual(typeof result === 'number' ? [NOTIFY[name].code] : []);
  });

  test.each([0, 10, 11, -1, -2, 2 ** 31 - 1])('code %d: EINVAL', (code) => {
    expect(scene().notify(code, bytes(24))).toBe('EINVAL');
  });

  test.each([
    [{}, [], 1024],
    [{ max_pages: 1 }, ['MAX_PAGES' as const], 1024],
    [{ max_pages: 2 }, ['MAX_PAGES' as const], 4095],
  ])('fc->name_max with %o %o is %d', (fields, flags, most) => {
    const ready = Scene.ready(fields, flags);
    const name = (size: number) =>
      ready.write(encodeNotification('INVAL_ENTRY', { parent: 1n, name: 'x'.repeat(size) }));
    expect(name(most)).toBe(16 + 16 + most + 1);
    expect(name(most + 1)).toBe('ENAMETOOLONG');
  });

  test.each<[NotifyName, object]>([
    ['POLL', { kh: 1n }],
    ['INVAL_INODE', { ino: 1n }],
    ['INVAL_ENTRY', { parent: 1n, name: 'f' }],
    ['STORE', { nodeid: 2n, data: 'abc' }],
    ['RETRIEVE', { nodeid: 2n }],
    ['DELETE', { parent: 1n, child: 2n, name: 'f' }],
    ['PRUNE', { nodeids: [{ nodeid: 2n }] }],
  ])('%s that cannot be read to its end: EFAULT', (name, args) => {
    const message = encodeNotification(name, args as never);
    for (const readable of [16, message.length - 1]) {
      expect(scene().write(message.subarray(0, readable), message.length)).toBe('EFAULT');
    }
    expect(scene().write(message)).toBe(message.length);
  });
});

describe('fuse_ilookup and fuse_reverse_inval_entry: nodes', () => {
  const all = { ok: 'ok', ENOENT: 'ENOENT', EINVAL: 'EINVAL', ENOTDIR: 'ENOTDIR' };
  const result = (it: Scene, message: Uint8Array) => {
    const said = it.write(message);
    return said === message.length ? all.ok : said;
  };
  const of = {
    INVAL_INODE: (ino: bigint) => encodeNotification('INVAL_INODE', { ino }),
    STORE: (nodeid: bigint) => encodeNotification('STORE', { nodeid, data: 'abc' }),
    RETRIEVE: (nodeid: bigint) => encodeNotification('RETRIEVE', { nodeid, size: 9 }),
    INVAL_ENTRY: (parent: bigint) => encodeNotification('INVAL_ENTRY', { parent, name: 'f' }),
    DELETE: (parent: bigint) => encodeNotification('DELETE', { parent, child: 2n, name: 'f' }),
  };
  test.each<[keyof typeof of, string, string, string, string]>([
    // unknown, directory, regular file, other
    ['INVAL_INODE', 'ENOENT', 'ok', 'ok', 'ok'],
    ['STORE', 'ENOENT', 'EINVAL', 'ok', 'EINVAL'],
    ['RETRIEVE', 'ENOENT', 'EINVAL', 'ok', 'EINVAL'],
    ['INVAL_ENTRY', 'ENOENT', 'ok', 'ENOTDIR', 'ENOTDIR'],
    ['DELETE', 'ENOENT', 'ok', 'ENOTDIR', 'ENOTDIR'],
  ])('%s', (name, unknown, directory, file, other) => {
    const nodes = [99n, 1n, 2n, 3n];
    expect(nodes.map((node) => result(scene(), of[name](node)))).toEqual([
      unknown,
      directory,
      file,
      other,
    ]);
  });

  it('6.18.15 stores into what is no regular file', () => {
    const old = scene({}, VERSIONS['6.18.15']);
    expect(result(old, of.STORE(3n))).toBe('ok');
    expect(result(old, of.RETRIEVE(1n))).toBe('ok');
  });

  it('DELETE of an entry that is another node, and of none: ENOENT', () => {
    const other = encodeNotification('DELETE', { parent: 1n, child: 3n, name: 'f' });
    const none = encodeNotification('DELETE', { parent: 1n, child: 2n, name: 'g' });
    expect([result(scene(), other), result(scene(), none)]).toEqual(['ENOENT', 'ENOENT']);
  });

  it('by default every node is known and nothing stands in the way', () => {
    const ready = Scene.ready();
    for (const name of Object.keys(of) as (keyof typeof of)[]) {
      expect(result(ready, of[name](12345n))).toBe('ok');
    }
  });
});

describe('fuse_notify: when', () => {
  const inode = encodeNotification('INVAL_INODE', { ino: 1n });
  const epoch = encodeNotification('INC_EPOCH', {});
  const states = {
    'before INIT': () => Scene.mounted({ nodes: NODES }),
    'after abort': () => {
      const it = scene();
      it.kernel.abort(it.conn);
      return it;
    },
    'after unmount': () => {
      const it = scene();
      it.kernel.shutdown(it.conn);
      return it;
    },
  };
  test.each<[keyof typeof states, string | number, string | number]>([
    ['before INIT', 40, 16],
    ['after abort', 40, 16],
    ['after unmount', 'ENOENT', 16],
  ])('%s on 6.18', (state, node, none) => {
    expect(states[state]().write(inode)).toBe(node);
    expect(states[state]().write(epoch)).toBe(none);
  });

  it.each(['7.1', '7.3'] as const)('%s: EINVAL unless initialized and connected', (version) => {
    const switches = VERSIONS[version];
    expect(Scene.mounted({ switches }).write(epoch)).toBe('EINVAL');
    const ready = scene({}, switches);
    expect(ready.write(epoch)).toBe(16);
    ready.kernel.abort(ready.conn);
    expect(ready.write(epoch)).toBe('EINVAL');
  });
});

describe('fuse_resend', () => {
  const bit = 1n << 63n;

  it('delivers again, ahead of what is pending, under unique | 1 << 63', () => {
    const it = scene();
    const ticket = it.ask();
    it.take();
    it.ask();
    expect(it.notify(NOTIFY.RESEND.code)).toBe(16);
    expect(it.kernel.uniqueOf(ticket)).toBe(bit | 4n);
    expect(it.reply(4n, -2)).toBe('ENOENT');
    expect(it.drain()).toEqual([`LOOKUP ${bit | 4n}`, 'LOOKUP 6']);
    expect(it.reply(4n, -2)).toBe('ENOENT');
    expect(it.reply(bit | 4n, -2)).toBe(16);
    expect(it.ended(ticket)).toBe('ENOENT');
  });

  it('in the order of the hash buckets, as seen on 6.18.44', () => {
    const it = scene();
    for (let i = 0; i < 6; i++) it.ask();
    it.drain();
    const order = () => it.drain().map((line) => BigInt(line.split(' ')[1] ?? '') & ~bit);
    it.notify(NOTIFY.RESEND.code);
    expect(order()).toEqual([8n, 6n, 14n, 4n, 12n, 10n]);
    it.notify(NOTIFY.RESEND.code);
    expect(order()).toEqual([4n, 12n, 10n, 8n, 6n, 14n]);
  });

  it('takes from every handle, and any handle may read it again', () => {
    const it = scene();
    const clone = it.kernel.open(2);
    it.kernel.clone(clone, it.handle);
    it.ask();
    it.take(clone);
    it.notify(NOTIFY.RESEND.code);
    expect(it.take().unique).toBe(bit | 4n);
    expect(it.reply(bit | 4n, -2, clone)).toBe('ENOENT');
    expect(it.reply(bit | 4n, -2)).toBe(16);
  });

  it('drops an unread INTERRUPT and queues it anew with the request (seen on 6.18.44)', () => {
    const it = scene();
    const ticket = it.ask();
    it.take();
    it.kernel.interrupt(ticket);
    it.notify(NOTIFY.RESEND.code);
    const [again, interrupt] = [it.take(), it.take()];
    expect([again.unique, interrupt.unique]).toEqual([bit | 4n, bit | 5n]);
    expect(interrupt.args).toEqual({ unique: bit | 4n });
    expect(it.drain()).toEqual([]);
  });

  it('a request that waits to be read again can be killed, unless its client was past that', () => {
    const it = scene();
    const ticket = it.ask();
    it.take();
    it.notify(NOTIFY.RESEND.code);
    it.kernel.kill(ticket);
    expect(it.ended(ticket)).toBe('EINTR');
    expect(it.drain()).toEqual([]);
    const late = it.ask();
    it.take();
    it.kernel.kill(late);
    it.notify(NOTIFY.RESEND.code);
    it.kernel.kill(late);
    expect(it.ended(late)).toBeUndefined();
    expect(it.drain()).toEqual([`LOOKUP ${bit | 6n}`, `INTERRUPT ${bit | 7n}`]);
  });

  it('after the end of the connection it does nothing, successfully', () => {
    const it = scene();
    it.ask();
    it.take();
    it.kernel.abort(it.conn);
    expect(it.notify(NOTIFY.RESEND.code)).toBe(16);
    expect(it.read()).toBe('ENODEV');
  });
});

test('a notification with a wrong len or a short header is refused before its code matters', () => {
  const it = scene();
  expect(it.write(written(0n, 7, bytes(0), 17))).toBe('EINVAL');
  expect(it.write(concat([written(0n, 7), bytes(1)]))).toBe('EINVAL');
});
