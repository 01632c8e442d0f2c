/** Abort, unmount and close, what they end and what is seen afterwards (KERNEL 1.12, 1.14, 1.15, 1.17). */
import {
  call,
  client,
  clone,
  close,
  IOC,
  mount,
  mounted,
  on,
  open,
  poll,
  type ReplyWords,
  read,
  ready,
  reply,
  type Step,
  section,
  serve,
  umount,
} from '../step.ts';

const abort = call('fusectl', 'a', 'abort', '1');
const force = umount('m', 'FORCE');
const lazy = umount('m', 'DETACH');
const waiting = call('fusectl', 'a', 'waiting');
const PARALLEL = { flags: ['PARALLEL_DIROPS'] } as const;
/** A LOOKUP in the server's hands, another not read. */
const both = (): Step[] => [
  ...ready(PARALLEL),
  client('c', 'stat m/f'),
  client('k', 'stat m/g'),
  read(),
];
const opened = (): Step[] => [...ready(), client('c', 'open x m/f RDWR'), ...serve(2)];
const later = client('l', 'stat m/h');
const told = { flags: ['ABORT_ERROR'] } as const;

// biome-ignore format: one row a probe
export const ENDING = section('1.12', [
  ['abort', [...both(), abort, read(), poll(), later], ['asleep', 'asleep', 42, 1, 'ENODEV', 'ERR', 'ENOTCONN']],
  ['abort, ABORT_ERROR', [...ready(told), abort, read()], [1, 'ECONNABORTED']],
  ['abort, ABORT_ERROR, too short a read', [...ready(told), abort, read('a', 100)], [1, 'EINVAL']],
  ['abort twice', [...ready(told), abort, abort, read()], [1, 1, 'ECONNABORTED']],
  ['abort before INIT is read', [...mounted(), client('c', 'stat m/f'), abort, read()], ['asleep', 1, 'ENODEV']],
  ['abort before INIT is answered', [...mounted(), client('c', 'stat m/f'), read(), abort, reply(), later], [104, 1, 'ENOENT', 'ENOTCONN']],
  ['abort of a refused connection', [...mounted(), read(), reply({ error: -5 }), abort, read(), client('c', 'stat m/f')], [16, 1, 'ENODEV', 'ENOTCONN']],
  ['abort wakes a sleeping read', [...ready(), call('nonblock', 'a', 0), on('r', read()), abort], ['asleep', 1]],
  ['abort wakes a sleeping splice', [...ready(told), call('nonblock', 'a', 0), on('r', call('spliceout', 'a', '128K', '0', '1M')), abort], ['asleep', 1]],
  ['abort, then unmount', [...ready(told), abort, umount(), read()], [1, 0, 'ECONNABORTED']],
  ['abort, then close', [...both(), abort, close()], [1, 0]],
  ['umount -f', [...ready(), force, read(), poll()], [0, 'ENODEV', 'ERR']],
  ['umount -f, ABORT_ERROR', [...ready(told), force, read()], [0, 'ENODEV']],
  ['umount -f of what is busy', [...opened(), force, read(), later], ['EBUSY', 'ENODEV', 'ENOTCONN']],
  ['umount -f with requests', [...opened(), client('k', 'stat m/g'), read(), force, read()], [42, 'EBUSY', 'ENODEV']],
  ['umount', [...ready(), umount(), read(), poll(), later], [0, 'ENODEV', 'ERR', 'ENOENT']],
  ['umount of what is busy', [...opened(), umount(), read(), later], ['EBUSY', 'EAGAIN', 'asleep']],
  ['umount before INIT is answered', [...mounted(), read(), umount(), reply(), read()], [104, 0, 'ENOENT', 'ENODEV']],
  ['umount before INIT is read', [...mounted(), umount(), read()], [0, 'ENODEV']],
  ['umount twice', [...ready(), umount(), umount()], [0, 'EINVAL']],
  ['umount of nothing', [open(), umount('m2')], ['EINVAL']],
  ['umount, flags there are not', [...ready(), umount('m', '0x80')], ['EINVAL']],
  ['umount that expires', [...ready(), umount('m', 'EXPIRE'), umount('m', 'EXPIRE'), read()], ['EAGAIN', 0, 'ENODEV']],
  ['umount that expires and forces', [...ready(), umount('m', 'EXPIRE|FORCE')], ['EINVAL']],
  ['umount by its own name', [...ready(), umount('m', 'NOFOLLOW'), read()], [0, 'ENODEV']],
  ['umount wakes a sleeping read', [...ready(), call('nonblock', 'a', 0), on('r', read()), umount()], ['asleep', 0]],
  ['what was queued goes with the unmount', [...opened(), client('c', 'close x'), ...serve(1), umount(), read()], [64, 16, 0, 'ENODEV']],
  ['lazy, idle', [...ready(), lazy, read()], [0, 'ENODEV']],
  ['lazy, with an open file', [...opened(), lazy, read(), later, client('c', 'read x 4096 0'), ...serve(1)], [0, 'EAGAIN', 'ENOENT', 'asleep', 80, 4112]],
  ['lazy, until the file is closed', [...opened(), lazy, client('c', 'close x'), ...serve(1), read()], [0, 'asleep', 64, 16, 'ENODEV']],
  ['lazy, with a request', [...both(), lazy, reply()], [42, 0, 144]],
  ['the last handle is closed', [...both(), close(), later], [42, 0, 'ENOTCONN']],
  ['closed before INIT is read', [...mounted(), client('c', 'stat m/f'), close()], ['asleep', 0]],
  ['closed, then unmounted', [...ready(), close(), umount()], [0, 0]],
  ['an unbound one is closed', [open(), close(), open(), read()], [0, 0, 'EPERM']],
  ['a new mount of the same place', [...ready(), umount(), open('b'), mount({ options: 'fd=@b,rootmode=40000,user_id=0,group_id=0' }), read('b'), read()], [0, 0, 0, 104, 'ENODEV']],
  ['a mount upon a mount', [...ready(), open('b'), mount({ options: 'fd=@b,rootmode=40000,user_id=0,group_id=0' }), umount(), read('b'), read()], [0, 0, 'ENODEV', 'EAGAIN']],
]);

// biome-ignore format: one row a probe
export const FUSECTL = section('1.14', [
  ['waiting, INIT', [...mounted(), waiting], ['1\n']],
  ['waiting, INIT read', [...mounted(), read(), waiting], ['1\n']],
  ['waiting, nothing', [...ready(), waiting], ['0\n']],
  ['waiting, two', [...both(), waiting, reply(), waiting], ['2\n', 144, '1\n']],
  ['waiting of who is blocked', [...mounted(), client('c', 'stat m/f'), client('k', 'statfs m'), waiting], ['3\n']],
  ['waiting after an abort', [...both(), abort, waiting], [1, '0\n']],
  ['waiting cannot be written', [...ready(), call('fusectl', 'a', 'waiting', '1')], ['EINVAL']],
  ['abort cannot be read', [...ready(), call('fusectl', 'a', 'abort')], ['EINVAL']],
  ['abort takes anything', [...ready(), call('fusectl', 'a', 'abort', 'nonsense'), read()], [8, 'ENODEV']],
  ['max_background', [...ready(), call('fusectl', 'a', 'max_background')], ['12\n']],
  ['congestion_threshold', [...ready(), call('fusectl', 'a', 'congestion_threshold')], ['9\n']],
  ['max_background before INIT is answered', [...mounted(), call('fusectl', 'a', 'max_background')], ['12\n']],
  ['as INIT says', [...ready({ init: { max_background: 77, congestion_threshold: 33 } }), call('fusectl', 'a', 'max_background'), call('fusectl', 'a', 'congestion_threshold')], ['77\n', '33\n']],
  ['as INIT says, minor 12: not', [...ready({ init: { minor: 12, max_background: 77, congestion_threshold: 33 } }), call('fusectl', 'a', 'max_background'), call('fusectl', 'a', 'congestion_threshold')], ['12\n', '9\n']],
  ...(['max_background', 'congestion_threshold'] as const).flatMap((file) => [
    [`${file} written`, [...ready(), call('fusectl', 'a', file, '7'), call('fusectl', 'a', file)], [1, '7\n']],
    [`${file} in hexadecimal`, [...ready(), call('fusectl', 'a', file, '0x10'), call('fusectl', 'a', file)], [4, '16\n']],
    [`${file} in octal`, [...ready(), call('fusectl', 'a', file, '010'), call('fusectl', 'a', file)], [3, '8\n']],
    [`${file} 0`, [...ready(), call('fusectl', 'a', file, '0'), call('fusectl', 'a', file)], [1, '0\n']],
    [`${file} 65535`, [...ready(), call('fusectl', 'a', file, '65535')], [5]],
    [`${file} 65536`, [...ready(), call('fusectl', 'a', file, '65536')], ['EINVAL']],
    [`${file} -1`, [...ready(), call('fusectl', 'a', file, '-1')], ['EINVAL']],
    [`${file}, no number`, [...ready(), call('fusectl', 'a', file, 'ten')], ['EINVAL']],
  ] as [string, Step[], (string | number)[]][]),
  ['max_background after an abort', [...ready(), abort, call('fusectl', 'a', 'max_background')], [1, '4294967295\n']],
  ['gone with the mount', [...ready(), umount(), waiting], [0, 'ENOENT']],
  ['gone with the last mount', [...ready(), mount({ target: 'm2' }), umount(), waiting, umount('m2'), waiting], [0, 0, '0\n', 0, 'ENOENT']],
  ['of a closed device', [...ready(), close(), waiting], [0, '0\n']],
]);

const ONE = { init: { max_background: 1 } };
/** Two files are open; `x` is closed and its RELEASE in the server's hands. */
const releasing = (words: ReplyWords = ONE): Step[] => [
  ...ready(words),
  client('c', 'open x m/f RDWR'),
  ...serve(2),
  client('c', 'open y m/g RDWR'),
  ...serve(2),
  client('c', 'close x'),
  ...serve(1),
  read(),
];
const flush: Step[] = [client('c', 'close y'), ...serve(1)];

// biome-ignore format: one row a probe
export const BACKGROUND = section('1.15', [
  ['as many as max_background', [...releasing(), ...flush, read()], [64, 16, 'EAGAIN']],
  ['two', [...releasing({ init: { max_background: 2 } }), ...flush, read()], [64, 16, 64]],
  ['the next when one ends', [...releasing(), ...flush, read(), reply({ of: 'RELEASE' }), read()], ['EAGAIN', 16, 64]],
  ['an error ends one too', [...releasing(), ...flush, reply({ of: 'RELEASE', error: -5 }), read()], [16, 64]],
  ['a wrong reply ends one too', [...releasing(), ...flush, reply({ of: 'RELEASE', cut: -8 }), read()], ['EINVAL', 64]],
  ['others are not held up', [...releasing(), ...flush, client('k', 'stat m/h'), read()], ['asleep', 42]],
  ['they count as waiting', [...releasing(), ...flush, waiting], ['2\n']],
  ['a larger max_background is seen with the next end', [...releasing(), ...flush, call('fusectl', 'a', 'max_background', '5'), read(), reply({ of: 'RELEASE' }), read()], [1, 'EAGAIN', 16, 64]],
  ['poll shows none of those behind', [...releasing(), ...flush, poll()], ['OUT|WRNORM']],
  ['their numbers come when they are let in', [...releasing(), ...flush, client('k', 'stat m/h'), read(), reply(), reply({ of: 'RELEASE' }), read()], [42, 144, 16, 64]],
  ['an abort ends them', [...releasing(), ...flush, abort, waiting, read()], [1, '0\n', 'ENODEV']],
  ['INIT is one', [...mounted(), read(), call('fusectl', 'a', 'waiting')], [104, '1\n']],
  ['0 in INIT is the default', [...releasing({ init: { max_background: 0 } }), ...flush, read()], [64, 16, 64]],
]);

const DEEP = { init: { max_stack_depth: 1 }, flags: ['PASSTHROUGH'] } as const;
const backing = (name: string): Step => call('ioctl', 'a', IOC.backingOpen, `@${name}`);
const unback = (id: string): Step => call('ioctl', 'a', IOC.backingClose, id);
const file = call('openpath', 'r', 'f');

// biome-ignore format: one row a probe
export const BACKING = section('1.17', [
  ['a file', [...ready(DEEP), file, backing('r')], [0, 1]],
  ['ids go on', [...ready(DEEP), file, backing('r'), unback('01000000'), backing('r')], [1, 0, 2]],
  ['closed', [...ready(DEEP), file, backing('r'), unback('01000000'), unback('01000000')], [1, 0, 'ENOENT']],
  ['not negotiated', [...ready(), file, backing('r'), unback('01000000')], ['EPERM', 'EPERM']],
  ['without a depth it is not negotiated', [...ready({ flags: ['PASSTHROUGH'] }), file, backing('r')], ['EPERM']],
  ['not with WRITEBACK_CACHE', [...ready({ init: { max_stack_depth: 1 }, flags: ['PASSTHROUGH', 'WRITEBACK_CACHE'] }), file, backing('r')], ['EPERM']],
  ['before INIT is answered', [...mounted(), file, backing('r')], ['EPERM']],
  ['a closed descriptor', [...ready(DEEP), call('ioctl', 'a', IOC.backingOpen, 'e7030000+00*12')], ['EBADF']],
  ['a directory', [...ready(DEEP), call('openpath', 'r', '.'), backing('r')], [0, 'EISDIR']],
  ['what is no regular file', [...ready(DEEP), call('openpath', 'r', '/dev/null'), backing('r')], [0, 'EINVAL']],
  ['flags', [...ready(DEEP), call('ioctl', 'a', IOC.backingOpen, '0000000001000000+00*8')], ['EINVAL']],
  ['padding', [...ready(DEEP), call('ioctl', 'a', IOC.backingOpen, '0000000000000000+01*8')], ['EINVAL']],
  ['a bad pointer', [...ready(DEEP), call('ioctl', 'a', IOC.backingOpen, 'bad')], ['EFAULT']],
  ['close of 0', [...ready(DEEP), unback('00000000')], ['EINVAL']],
  ['close of -1', [...ready(DEEP), unback('ffffffff')], ['EINVAL']],
  ['close with a bad pointer', [...ready(DEEP), unback('bad')], ['EFAULT']],
  ['through a clone', [...ready(DEEP), file, open('b'), clone('b'), call('ioctl', 'b', IOC.backingOpen, '@r'), unback('01000000')], [1, 0]],
  ['after an abort', [...ready(DEEP), file, abort, backing('r')], [1, 1]],
]);
