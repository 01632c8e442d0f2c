/** Mounting and unmounting: options, errors, handles that are bound already, busy mounts. */
import { describe, expect, it, test } from 'vitest';
import type { MountCall } from './kernel.ts';
import { parseMountOptions, parseUint, showMountOptions } from './mount-options.ts';
import { DIRECTORY, Scene, say } from './scene.ts';

const MS_REMOUNT = 32;
const MS_MANDLOCK = 64;
const FORCE = 1;
const DETACH = 2;
const EXPIRE = 4;

/** The errno of a first mount with this changed. */
const mounted = (call: Partial<MountCall>, world = {}) =>
  say(new Scene({ world }).mount(call).result);

describe('fuse_parse_param and fuse_fill_super: a new mount', () => {
  const ids = 'user_id=0,group_id=0';
  test.each<[string, Partial<MountCall>, string | number]>([
    ['the mandatory options', {}, 0],
    [
      'all of them',
      { options: `${DIRECTORY},default_permissions,allow_other,max_read=9,subtype=x` },
      0,
    ],
    ['generic options', { options: `rw,sync,dirsync,lazytime,,${DIRECTORY},` }, 0],
    ['a generic flag with a value', { options: `${DIRECTORY},ro=1` }, 0],
    ['mand', { options: `${DIRECTORY},mand` }, 'EINVAL'],
    ['mand, nomand', { options: `${DIRECTORY},mand,nomand` }, 0],
    ['what mount(8) takes and mount(2) does not', { options: `${DIRECTORY},nosuid` }, 'EINVAL'],
    ['user_id twice: the last one', { options: `${DIRECTORY},user_id=5` }, 0],
    ['rootmode with a sign', { options: `rootmode=+40000,${ids}` }, 0],
    ['=x', { options: `${DIRECTORY},=x` }, 0],
    ['an empty subtype option', { options: `${DIRECTORY},subtype=` }, 'EINVAL'],
    ['no rootmode', { options: ids }, 'EINVAL'],
    ['no user_id', { options: 'rootmode=40000,group_id=0' }, 'EINVAL'],
    ['no group_id', { options: 'rootmode=40000,user_id=0' }, 'EINVAL'],
    ['no fd, or one of no fuse device', { handle: undefined }, 'EINVAL'],
    ['an unknown option', { options: `${DIRECTORY},nope` }, 'EINVAL'],
    ['an unknown option of Object', { options: `${DIRECTORY},constructor=1` }, 'EINVAL'],
    ['rootmode no octal', { options: `rootmode=0x4000,${ids}` }, 'EINVAL'],
    ['rootmode no number', { options: `rootmode=,${ids}` }, 'EINVAL'],
    ['rootmode without a type', { options: `rootmode=755,${ids}` }, 'EINVAL'],
    ['user_id no number', { options: 'rootmode=40000,user_id=me,group_id=0' }, 'EINVAL'],
    ['user_id -1', { options: 'rootmode=40000,user_id=4294967295,group_id=0' }, 'EINVAL'],
    ['max_read beyond 32 bits', { options: `${DIRECTORY},max_read=4294967296` }, 'EINVAL'],
    ['a flag with a value', { options: `${DIRECTORY},allow_other=1` }, 'EINVAL'],
    ['a number without one', { options: `${DIRECTORY},max_read` }, 'EINVAL'],
    ['two subtypes', { options: `${DIRECTORY},subtype=a,subtype=b` }, 'EINVAL'],
    ['a subtype twice over', { fstype: 'fuse.a', options: `${DIRECTORY},subtype=b` }, 'EINVAL'],
    ['an empty subtype', { fstype: 'fuse.' }, 'EINVAL'],
    ['a second source', { options: `${DIRECTORY},source=b` }, 'EINVAL'],
    ['a source among the options only', { source: '', options: `${DIRECTORY},source=b` }, 0],
    ['MS_MANDLOCK', { flags: MS_MANDLOCK }, 'EINVAL'],
    ['blksize on "fuse"', { options: `${DIRECTORY},blksize=512` }, 'EINVAL'],
    ['blksize on "fuseblk"', { fstype: 'fuseblk', options: `${DIRECTORY},blksize=512` }, 0],
    ['a type with a subtype', { fstype: 'fuse.sshfs' }, 0],
  ])('%s: %s', (_, call, result) => {
    expect(mounted(call)).toBe(result);
  });

  test.each([0o01, 0o02, 0o04, 0o06, 0o10, 0o12, 0o14].map((type) => [type]))(
    'rootmode of type %o is one (fuse_valid_type)',
    (type) => {
      const rootmode = (type << 12).toString(8);
      const world = { target: () => (type === 4 ? 'directory' : 'other') };
      expect(mounted({ options: `rootmode=${rootmode},user_id=0,group_id=0` }, world)).toBe(0);
    },
  );

  it('"fuseblk" whose source is no block device: what looking it up says', () => {
    const world = { blockDevice: (source: string) => (source === '/none' ? -2 : -15) };
    expect(mounted({ fstype: 'fuseblk', source: '/none' }, world)).toBe('ENOENT');
    expect(mounted({ fstype: 'fuseblk', source: '/file' }, world)).toBe('ENOTBLK');
    expect(mounted({ source: '/none' }, world)).toBe(0);
  });

  it('on nothing: ENOENT, before anything else', () => {
    const world = { target: () => 'missing' as const };
    expect(mounted({ options: 'nope' }, world)).toBe('ENOENT');
  });

  it.each([
    ['a file on a directory', 'rootmode=100000', 'directory' as const],
    ['a directory on a file', 'rootmode=40000', 'other' as const],
  ])('%s: ENOTDIR, and the handle is bound to a dead connection', (_, rootmode, target) => {
    const scene = new Scene({ world: { target: () => target } });
    const result = scene.mount({ options: `${rootmode},user_id=0,group_id=0` });
    expect(say(result.result)).toBe('ENOTDIR');
    expect(scene.kernel.connOf(scene.handle)).toBe(result.conn);
    expect(scene.read()).toBe('ENODEV');
    expect(say(scene.mount().result)).toBe('ENOTCONN');
  });

  it('a failed one leaves the handle unbound and takes no number', () => {
    const scene = new Scene();
    expect(scene.mount({ options: '' })).toEqual({ result: -22, conn: 0, dev: 0 });
    expect(scene.read()).toBe('EPERM');
    expect(scene.mount()).toMatchObject({ result: 0, conn: 1 });
  });
});

describe('fuse_get_tree: a handle that is bound', () => {
  it('elsewhere: the same superblock, no second INIT, other options not needed', () => {
    const scene = Scene.ready();
    const again = scene.mount({ target: '/other', options: '' });
    expect(again).toMatchObject({ result: 0, conn: scene.conn });
    expect(scene.kernel.targets(scene.conn)).toEqual(['/mnt', '/other']);
    expect(scene.drain()).toEqual([]);
  });

  it('on the same directory: EBUSY, unless something else is on top of it', () => {
    const scene = Scene.ready();
    expect(say(scene.mount().result)).toBe('EBUSY');
    expect(say(scene.mount({ target: '/mnt/' }).result)).toBe('EBUSY');
    scene.mount({ handle: scene.kernel.open(2) });
    expect(scene.mount().result).toBe(0);
  });

  it('options are looked at all the same', () => {
    const scene = Scene.ready();
    expect(say(scene.mount({ target: '/other', options: 'nope' }).result)).toBe('EINVAL');
  });

  it('a clone is as good', () => {
    const scene = Scene.ready();
    const clone = scene.kernel.open(2);
    scene.kernel.clone(clone, scene.handle);
    expect(scene.mount({ handle: clone, target: '/other', options: '' })).toMatchObject({
      result: 0,
      conn: scene.conn,
    });
  });

  it('aborted but mounted: ok; once the superblock is gone: ENOTCONN (seen on 6.18.44)', () => {
    const scene = Scene.ready();
    scene.kernel.abort(scene.conn);
    expect(scene.mount({ target: '/other', options: '' }).result).toBe(0);
    scene.kernel.unmount('/other', 0, 1);
    scene.kernel.unmount('/mnt', 0, 1);
    expect(say(scene.mount({ options: '' }).result)).toBe('ENOTCONN');
  });

  it('as "fuseblk": EINVAL', () => {
    const scene = Scene.ready();
    expect(say(scene.mount({ fstype: 'fuseblk', target: '/other' }).result)).toBe('EINVAL');
  });
});

describe('fuse_reconfigure', () => {
  it('ignores the options of MS_REMOUNT', () => {
    const scene = Scene.ready();
    const call = { flags: MS_REMOUNT, options: 'nope=1', handle: undefined };
    expect(scene.mount(call)).toMatchObject({ result: 0, conn: scene.conn });
    expect(say(scene.mount({ ...call, target: '/none' }).result)).toBe('EINVAL');
    expect(say(scene.mount({ ...call, flags: MS_REMOUNT | MS_MANDLOCK }).result)).toBe('EINVAL');
  });
});

describe('a superblock without a mount point (fsmount)', () => {
  it('sends INIT, and is mounted by attach', () => {
    const scene = Scene.mounted({}, { target: '' });
    scene.init();
    expect(scene.kernel.targets(scene.conn)).toEqual([]);
    scene.kernel.attach(scene.conn, '/later');
    expect(scene.kernel.targets(scene.conn)).toEqual(['/later']);
    expect(scene.kernel.unmount('/later', 0, 1)).toBe(0);
    expect(scene.read()).toBe('ENODEV');
  });

  it('there are no real contexts here', () => {
    const { kernel, handle } = new Scene();
    expect(kernel.realContexts).toBe(false);
    expect(say(kernel.nameInContext(3, handle))).toBe('EINVAL');
    expect(kernel.createContext(3, 6, handle)).toMatchObject({ result: -22, conn: 0 });
  });
});

describe('do_umount', () => {
  test.each<[string, number, boolean, string | number, string[], string]>([
    ['idle', 0, false, 0, [], 'ENODEV'],
    ['busy', 0, true, 'EBUSY', ['/mnt'], 'BLOCK'],
    ['lazy, idle', DETACH, false, 0, [], 'ENODEV'],
    ['lazy, busy: alive until the last reference goes', DETACH, true, 0, [], 'BLOCK'],
    ['forced, idle', FORCE, false, 0, [], 'ENODEV'],
    ['forced, busy: aborted, yet mounted', FORCE, true, 'EBUSY', ['/mnt'], 'ENODEV'],
    ['forced and lazy, busy', FORCE | DETACH, true, 0, [], 'ENODEV'],
    ['expiring, first time', EXPIRE, false, 'EAGAIN', ['/mnt'], 'BLOCK'],
    ['expiring, busy', EXPIRE, true, 'EBUSY', ['/mnt'], 'BLOCK'],
    ['expiring and forced', EXPIRE | FORCE, false, 'EINVAL', ['/mnt'], 'BLOCK'],
    ['unknown flags', 16, false, 'EINVAL', ['/mnt'], 'BLOCK'],
  ])('%s', (_, flags, busy, result, targets, reader) => {
    const scene = Scene.ready({}, [], { world: { busy: () => busy } });
    expect(say(scene.kernel.unmount('/mnt', flags, 1))).toBe(result);
    expect(scene.kernel.targets(scene.conn)).toEqual(targets);
    expect(scene.read()).toBe(reader);
  });

  it('expiring, second time: gone', () => {
    const scene = Scene.ready();
    scene.kernel.unmount('/mnt', EXPIRE, 1);
    expect(scene.kernel.unmount('/mnt', EXPIRE, 1)).toBe(0);
    expect(scene.read()).toBe('ENODEV');
  });

  it('lazy and busy, then the last reference goes', () => {
    const scene = Scene.ready({}, [], { world: { busy: () => true } });
    scene.kernel.unmount('/mnt', DETACH, 1);
    scene.ask();
    expect(scene.drain()).toEqual(['LOOKUP 4']);
    scene.kernel.shutdown(scene.conn);
    expect(scene.read()).toBe('ENODEV');
  });

  it('where nothing of ours is: EINVAL; a second time too', () => {
    const scene = Scene.ready();
    expect(say(scene.kernel.unmount('/other', 0, 1))).toBe('EINVAL');
    expect(scene.kernel.unmount('/mnt/', 0, 1)).toBe(0);
    expect(say(scene.kernel.unmount('/mnt', 0, 1))).toBe('EINVAL');
  });

  it('takes the topmost; the superblock goes with its last mount', () => {
    const scene = Scene.ready();
    scene.mount({ target: '/other', options: '' });
    const top = scene.kernel.open(2);
    const over = scene.mount({ handle: top }).conn;
    expect(scene.kernel.unmount('/mnt', 0, 1)).toBe(0);
    expect(scene.kernel.connected(over)).toBe(false);
    expect(scene.kernel.unmount('/mnt', 0, 1)).toBe(0);
    expect(scene.kernel.connected(scene.conn)).toBe(true);
    expect(scene.kernel.unmount('/other', 0, 1)).toBe(0);
    expect(scene.kernel.connected(scene.conn)).toBe(false);
  });
});

describe('fuse_show_options', () => {
  test.each([
    [DIRECTORY, 'user_id=0,group_id=0'],
    ['rootmode=40000,user_id=10,group_id=0x14', 'user_id=10,group_id=20'],
    [
      `${DIRECTORY},allow_other,default_permissions`,
      'user_id=0,group_id=0,default_permissions,allow_other',
    ],
    [`${DIRECTORY},max_read=1`, 'user_id=0,group_id=0,max_read=4096'],
    [`${DIRECTORY},max_read=65536`, 'user_id=0,group_id=0,max_read=65536'],
    [`${DIRECTORY},max_read=4294967295`, 'user_id=0,group_id=0'],
  ])('%s: %s', (options, shown) => {
    const parsed = parseMountOptions('fuse', 'src', options);
    expect(parsed && showMountOptions(parsed)).toBe(shown);
    const scene = Scene.mounted({}, { options });
    expect(scene.kernel.mountOptions(scene.conn)).toBe(shown);
  });
});

describe('kstrtouint', () => {
  test.each<[string, 0 | 8 | 10, number | undefined]>([
    ['10', 0, 10],
    ['010', 0, 8],
    ['0x10', 0, 16],
    ['0X1f', 0, 31],
    ['0', 0, 0],
    ['+5', 0, 5],
    ['5\n', 0, 5],
    ['40000', 8, 0o40000],
    ['8', 8, undefined],
    ['0x1', 8, undefined],
    ['010', 10, 10],
    ['4294967295', 0, 4294967295],
    ['4294967296', 0, undefined],
    ['', 0, undefined],
    ['-1', 0, undefined],
    [' 1', 0, undefined],
    ['1 ', 0, undefined],
    ['1a', 0, undefined],
    ['08', 0, undefined],
    ['0x', 0, undefined],
  ])('%j base %d: %s', (text, base, value) => {
    expect(parseUint(text, base)).toBe(value);
  });
});
