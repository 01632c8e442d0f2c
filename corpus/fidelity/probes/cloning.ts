/** FUSE_DEV_IOC_CLONE and what several handles of a connection have in common (KERNEL 1.10, 1.13). */
import {
  call,
  client,
  clone,
  close,
  DIRECTORY,
  IOC,
  mount,
  mounted,
  on,
  open,
  poll,
  read,
  ready,
  reply,
  type Step,
  section,
  signal,
  umount,
} from '../step.ts';

const PARALLEL = { flags: ['PARALLEL_DIROPS'] } as const;
/** A device and its clone `b`. */
const two = (): Step[] => [...ready(PARALLEL), open('b'), clone('b')];
const sync = call('ioctl', 'a', IOC.syncInit, 'none');
/** A device in the state SYNC_INIT, and who wants a clone of it. */
const waiting = (): Step[] => [open(), sync, open('b'), on('r', clone('b'))];
const abort = call('fusectl', 'a', 'abort', '1');

// biome-ignore format: one row a probe
export const CLONING = section('1.10', [
  ['of a mounted one', two(), [0]],
  ['with a bad pointer', [...ready(), open('b'), call('ioctl', 'b', IOC.clone, 'bad')], ['EFAULT']],
  ['of a closed descriptor', [...ready(), open('b'), call('ioctl', 'b', IOC.clone, 'e7030000')], ['EINVAL']],
  ['of what is no device', [...ready(), open('b'), call('ioctl', 'b', IOC.clone, '00000000')], ['EINVAL']],
  ['of -1', [...ready(), open('b'), call('ioctl', 'b', IOC.clone, 'ffffffff')], ['EINVAL']],
  ['of an unmounted one', [open(), open('b'), clone('b')], ['EPERM']],
  ['into one that is bound', [...two(), clone('b')], [0, 'EINVAL']],
  ['of itself', [...ready(), clone('a')], ['EINVAL']],
  ['into one that another connection has', [...ready(), open('b'), call('mount', 'probe', 'm2', 'fuse', '0', 'fd=@b,rootmode=40000,user_id=0,group_id=0'), clone('b')], [0, 'EINVAL']],
  ['of a clone', [...two(), open('c'), clone('c', 'b'), client('k', 'stat m/f'), read('c')], [0, 'asleep', 42]],
  ['into one that waits for its mount', [...ready(), open('b'), call('ioctl', 'b', IOC.syncInit, 'none'), clone('b'), read('b')], [0, 0, 'EAGAIN']],
  ['of one that waits for its mount: waits too', waiting(), ['asleep']],
  ['of one that waits, by itself', [open(), sync, on('r', clone('a'))], ['asleep']],
  ['of one that waits, by itself: then it is bound', [open(), sync, on('r', clone('a')), on('u', mount()), read(), reply()], ['asleep', 'asleep', 104, 80]],
  ['of one that waits: goes on when that is mounted', [...waiting(), on('u', mount()), read('b'), reply({ to: 'b' }), client('k', 'stat m/f'), read()], ['asleep', 'asleep', 104, 80, 'asleep', 42]],
  ['of one that waits: two of them', [...waiting(), open('c'), on('s', clone('c')), on('u', mount()), read('c'), reply({ to: 'c' }), read('b')], ['asleep', 'asleep', 104, 80, 'EAGAIN']],
  ['of one that waits: the mount is refused', [...waiting(), on('u', mount()), read(), reply({ error: -5 }), read('b'), poll('b')], ['asleep', 104, 16, 'ENODEV', 'ERR']],
  ['of one that waits: a mount that fails does not wake it', [...waiting(), mount({ options: 'fd=@a' })], ['asleep', 'EINVAL']],
  ['of one that waits: interrupted', [...waiting(), signal('r', 'USR1')], ['asleep', 'EINTR']],
  ['of one that waits: interrupted, and again', [...waiting(), signal('r', 'USR1'), on('r', clone('b')), on('u', mount()), read('b'), reply({ to: 'b' })], ['EINTR', 'asleep', 'asleep', 104, 80]],
  ['of one that waits: bound meanwhile', [...waiting(), call('mount', 'probe', 'm2', 'fuse', '0', `fd=@b,${DIRECTORY}`), on('u', mount()), read(), reply()], ['asleep', 0, 'asleep', 104, 80]],
  ['of one that waits, with a bad pointer', [open(), sync, open('b'), call('ioctl', 'b', IOC.clone, 'bad')], ['EFAULT']],
  ['of one that waits: its descriptor is closed', [...waiting(), close('a'), signal('r', 'USR1')], ['asleep', 0, 'EINTR']],
  ['before INIT is read', [...mounted(), open('b'), clone('b'), read('b'), read()], [0, 104, 'EAGAIN']],
  ['before INIT is answered', [...mounted(), read(), open('b'), clone('b'), read('b')], [0, 'EAGAIN']],
  ['after an abort', [...ready(), abort, open('b'), clone('b'), read('b'), poll('b')], [0, 'ENODEV', 'ERR']],
  ['after an unmount', [...ready(), umount(), open('b'), clone('b'), read('b')], [0, 0, 'ENODEV']],
  ['closed: what it has read ends', [...two(), client('k', 'stat m/f'), client('l', 'stat m/g'), read(), read('b'), close('b'), reply({ of: 'LOOKUP', unique: 4n })], [0, 144]],
  ['closed: what nobody has read stays', [...two(), client('k', 'stat m/f'), close('b'), read()], ['asleep', 0, 42]],
  ['the first is closed, the clone goes on', [...two(), close('a'), client('k', 'stat m/f'), read('b'), reply({ to: 'b' })], [0, 'asleep', 42, 144]],
  ['both closed: the end', [...two(), client('k', 'stat m/f'), close('a'), close('b')], ['asleep', 0, 0]],
  ['INIT dies with the handle that has it', [...mounted(), open('b'), clone('b'), read('b'), client('k', 'stat m/f'), close('b')], ['asleep', 0]],
  ['the reader of INIT is another than who answers', [...mounted(), open('b'), clone('b'), read('b'), reply({ to: 'a' }), reply({ to: 'b' })], ['ENOENT', 80]],
  ['all poll IN', [...two(), client('k', 'stat m/f'), poll(), poll('b'), read('b'), poll()], ['IN|OUT|RDNORM|WRNORM', 'IN|OUT|RDNORM|WRNORM', 42, 'OUT|WRNORM']],
  ['a dup is the same handle', [...ready(), call('dup', 'a', 'b'), client('k', 'stat m/f'), read('b'), reply({ to: 'a' })], [42, 144]],
  ['a dup closed is no end', [...ready(), call('dup', 'a', 'b'), client('k', 'stat m/f'), read(), close('b'), reply()], [42, 0, 144]],
  ['two sleepers on two handles, one request', [...two(), call('nonblock', 'a', 0), call('nonblock', 'b', 0), on('r', read()), on('s', read('b')), client('k', 'stat m/f')], ['asleep', 'asleep', 'asleep']],
  ['an abort wakes all', [...two(), call('nonblock', 'a', 0), call('nonblock', 'b', 0), on('r', read()), on('s', read('b')), abort], ['asleep', 'asleep', 1]],
]);

// biome-ignore format: one row a probe
export const POLLING = section('1.13', [
  ['before the mount, and behind it', [open(), poll(), mount(), poll()], ['ERR', 0, 'IN|OUT|RDNORM|WRNORM']],
  ['a mount that fails', [open(), mount({ options: 'fd=@a' }), poll()], ['EINVAL', 'ERR']],
  ['a mount that fails and binds the device', [open(), mount({ target: 'f' }), poll(), read()], ['ENOTDIR', 'ERR', 'ENODEV']],
  ['a clone, before and behind the CLONE', [...ready(), open('b'), poll('b'), clone('b'), poll('b')], ['ERR', 0, 'OUT|WRNORM']],
  ['a duplicate that is mounted; the first is closed', [open(), call('dup', 'a', 'b'), close('a'), mount({ options: `fd=@b,${DIRECTORY}` }), poll('b')], [0, 0, 'IN|OUT|RDNORM|WRNORM']],
  ['mounted, then its end', [open(), poll(), mount(), read(), reply(), poll(), umount(), poll()], ['OUT|WRNORM', 0, 'ERR']],
  ['mounted: INIT is there', [...mounted(), poll()], ['IN|OUT|RDNORM|WRNORM']],
  ['nothing is there', [...ready(), poll()], ['OUT|WRNORM']],
  ['before INIT is answered', [...mounted(), read(), poll()], [104, 'OUT|WRNORM']],
  ['a refused connection', [...mounted(), read(), reply({ error: -5 }), poll()], [104, 16, 'OUT|WRNORM']],
  ['a request', [...ready(), client('c', 'stat m/f'), poll()], ['asleep', 'IN|OUT|RDNORM|WRNORM']],
  ['after it is read', [...ready(), client('c', 'stat m/f'), read(), poll()], [42, 'OUT|WRNORM']],
  ['after its client is killed', [...ready(), client('c', 'stat m/f'), signal('c', 'KILL'), poll()], ['killed', 'OUT|WRNORM']],
  ['aborted', [...ready(), abort, poll()], [1, 'ERR']],
  ['aborted with requests', [...ready(), client('c', 'stat m/f'), abort, poll()], ['asleep', 1, 'ERR']],
  ['unmounted', [...ready(), umount(), poll()], [0, 'ERR']],
  ['of a clone', [...ready(), open('b'), clone('b'), poll('b')], [0, 'OUT|WRNORM']],
]);
