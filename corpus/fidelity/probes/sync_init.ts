/** FUSE_DEV_IOC_SYNC_INIT (KERNEL 1.4). */
import {
  call,
  clone,
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
  write,
} from '../step.ts';

const sync = call('ioctl', 'a', IOC.syncInit, 'none');
/** A device in the state SYNC_INIT, and a mount that waits for it. */
const mounting = (flags = 'RDWR|NONBLOCK') => [open('a', flags), sync, on('u', mount())];

const create = call('fsconfig', 'x', 'CREATE', '-', '-');
const context = (): Step[] => [
  call('fsopen', 'x', 'fuse'),
  ...Object.entries({ fd: '@a', rootmode: '40000', user_id: '0', group_id: '0' }).map(
    ([key, value]) => call('fsconfig', 'x', 'STRING', key, value),
  ),
];

// biome-ignore format: one row a probe
export const SYNC_INIT = section('1.4', [
  ['may be said twice', [open(), sync, sync], [0, 0]],
  ['not after the mount', [...mounted(), sync], ['EINVAL']],
  ['not of a clone', [...ready(), open('b'), clone('b'), call('ioctl', 'b', IOC.syncInit, 'none')], ['EINVAL']],
  ['the argument is not looked at', [open(), call('ioctl', 'a', IOC.syncInit, 'bad')], [0]],
  ['write', [open(), sync, write(new Uint8Array(16))], ['EPERM']],
  ['a read waits, O_NONBLOCK or not', [open(), sync, on('r', read())], ['asleep']],
  ['a read of nothing waits', [open(), sync, on('r', read('a', 0))], ['asleep']],
  ['a read that waits is interrupted', [open(), sync, on('r', read()), signal('r', 'USR1')], ['asleep', 'EINTR']],
  ['a read that waits gets INIT', [open(), sync, on('r', read()), on('u', mount()), reply(), poll()], ['asleep', 'asleep', 80, 'OUT|WRNORM']],
  ['a read of nothing that waits is measured then', [open(), sync, on('r', read('a', 100)), on('u', mount()), read()], ['asleep', 'asleep', 104]],
  ['mount returns when INIT is answered', [...mounting(), read(), reply()], ['asleep', 104, 80]],
  ['an error', [...mounting(), read(), reply({ error: -5 }), read(), poll()], [104, 16, 'ENODEV', 'ERR']],
  ['another major', [...mounting(), read(), reply({ init: { major: 8 } }), read()], [104, 80, 'ENODEV']],
  ['after a refusal: no other mount', [...mounting(), read(), reply({ error: -5 }), mount()], [16, 'ENOTCONN']],
  ['an empty reply', [...mounting(), read(), reply({ cut: 64 }), read()], [104, 16, 'ENODEV']],
  ['a reply that is too long', [...mounting(), read(), reply({ cut: -1 }), read()], [104, 'EINVAL', 'ENODEV']],
  ['a mount that is signalled goes on waiting', [...mounting(), read(), signal('u', 'USR1'), reply()], [104, 'asleep', 80]],
  ['by a context: CREATE waits', [open(), sync, ...context(), on('u', create), read(), reply(), call('fsmount', 'y', 'x')], ['asleep', 104, 80, 0]],
  ['by a context: a refusal', [open(), sync, ...context(), on('u', create), read(), reply({ error: -5 }), call('fsmount', 'y', 'x')], ['asleep', 104, 16, 'EINVAL']],
  ['a mount that fails for its options', [open(), sync, mount({ options: 'fd=@a' }), write(new Uint8Array(16))], ['EINVAL', 'EPERM']],
]);
