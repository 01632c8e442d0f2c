/** What ENOSYS is remembered for (KERNEL 3.4), and replies that are well formed and wrong (3.5). */
import { encode } from '../../../rig/protocol/codec.ts';
import { concat } from '../../../rig/protocol/cursor.ts';
import type { InitFlag } from '../../../rig/protocol/init-flags.ts';
import { ENTRY_OUT } from '../../../rig/protocol/structs-common.ts';
import { ATTR_OUT } from '../../../rig/protocol/structs-node.ts';
import { client, read, ready, reply, type Step, section, serve } from '../step.ts';

const ENOSYS = -38;
const none = reply({ error: ENOSYS });
const opened = (flags: readonly InitFlag[] = []): Step[] => [
  ...ready({ flags }),
  client('c', 'open x m/f RDWR'),
  ...serve(2),
];
const directory = (): Step[] => [...ready(), client('c', 'open x m RDONLY|DIRECTORY'), ...serve(1)];
const nothing = read();

/** On an open file: once with ENOSYS, then again: what it comes to without a request. */
const twice = (
  operation: string,
  first: readonly Step[] = [],
  flags: readonly InitFlag[] = [],
): Step[] => [
  ...opened(flags),
  client('c', operation),
  ...first,
  read(),
  none,
  client('c', operation),
  ...first,
  nothing,
];
/** The same by a path: LOOKUP comes every time. */
const again = (operation: string): Step[] => [
  ...ready(),
  client('c', operation),
  ...serve(1),
  read(),
  none,
  client('c', operation),
  ...serve(1),
  nothing,
];

// biome-ignore format: one row a probe
export const LATCHING = section('3.4', [
  ['OPEN', [...ready(), client('c', 'open x m/f RDWR'), ...serve(1), read(), none, client('c', 'open y m/g RDWR'), ...serve(1), nothing], [42, 144, 'EAGAIN']],
  ['OPEN: no RELEASE', [...ready(), client('c', 'open x m/f RDWR'), ...serve(1), read(), none, client('c', 'close x'), ...serve(1), nothing], [64, 16, 'EAGAIN']],
  ['OPENDIR', [...ready(), client('c', 'open x m RDONLY|DIRECTORY'), read(), none, client('c', 'open y m RDONLY|DIRECTORY'), nothing], [48, 16, '0', 'EAGAIN']],
  ['OPENDIR: no RELEASEDIR', [...ready(), client('c', 'open x m RDONLY|DIRECTORY'), read(), none, client('c', 'close x'), nothing], ['0', 'EAGAIN']],
  ['CREATE', [...ready(), client('c', 'open x m/n RDWR|CREAT'), read(), reply({ error: -2 }), read(), none, ...serve(2)], [58, 144, 48, 32]],
  ['TMPFILE', [...ready(), client('c', 'open x m RDWR|TMPFILE'), read(), none, client('c', 'open x m RDWR|TMPFILE'), nothing], [16, 'EOPNOTSUPP', 'EAGAIN']],
  ['RENAME2', [...ready(), client('c', 'rename m/f m/g EXCHANGE'), ...serve(2), read(), none, client('c', 'rename m/f m/g EXCHANGE'), ...serve(2), nothing], [42, 144, 'EAGAIN']],
  ['FLUSH', [...opened(), client('c', 'close x'), read(), none, ...serve(1), client('c', 'open x m/f RDWR'), ...serve(2), client('c', 'close x'), ...serve(1), nothing], ['0', 64, 16, 'EAGAIN']],
  ['FSYNC', twice('fsync x'), [56, 16, '0', 'EAGAIN']],
  ['FSYNCDIR', [...directory(), client('c', 'fsync x'), read(), none, client('c', 'fsync x'), nothing], [56, 16, '0', 'EAGAIN']],
  ['ACCESS', again('access m/f 4'), [48, 16, 'asleep', 42, 144, 'EAGAIN']],
  ['SETXATTR', again('setxattr m/f user.a v'), [56, 16, 'asleep', 42, 144, 'EAGAIN']],
  ['GETXATTR', again('getxattr m/f user.a'), [55, 16, 'asleep', 42, 144, 'EAGAIN']],
  ['LISTXATTR', again('listxattr m/f'), [48, 16, 'asleep', 42, 144, 'EAGAIN']],
  ['REMOVEXATTR', again('removexattr m/f user.a'), [47, 16, 'asleep', 42, 144, 'EAGAIN']],
  ['GETXATTR: no more capabilities are asked for', [...ready(), client('c', 'truncate m/f 9'), ...serve(1), read(), none, ...serve(1), client('c', 'truncate m/f 9'), ...serve(1), read()], [42, 144, 128]],
  ['LSEEK', twice('lseek x DATA 3'), [64, 16, '3', 'EAGAIN']],
  ['FALLOCATE', [...opened(), client('c', 'fallocate x KEEP_SIZE 0 5'), ...serve(1), read(), none, client('c', 'fallocate x KEEP_SIZE 0 5'), nothing], [16, 'EOPNOTSUPP', 'EAGAIN']],
  ['POLL', twice('poll x 5'), [64, 16, '5', 'EAGAIN']],
  ['IOCTL is not remembered', twice('ioctl x 0x6603'), [72, 16, 'asleep', 72]],
  ['STATX: what is known does', [...ready(), client('c', 'statx m/f 0 0xfff'), ...serve(1), read(), none, nothing], [64, 16, 'EAGAIN']],
  ['STATX: GETATTR instead', [...ready(), client('c', 'statx m/f 0x2000 0xfff'), ...serve(1), read(), none, read()], [64, 16, 56]],
  ['SETLK is not remembered', twice('setlk x WR', [], ['POSIX_LOCKS']), [88, 16, 'asleep', 88]],
  ['READ is not remembered', twice('read x 100 0'), [80, 16, 'asleep', 80]],
  ['WRITE is not remembered', twice('put x a'), [81, 16, 'asleep', 81]],
  ['STATFS is not remembered', [...ready(), client('c', 'statfs m'), read(), none, client('c', 'statfs m'), read()], [40, 16, 'asleep', 40]],
  ['another errno is not remembered', [...opened(), client('c', 'fsync x'), read(), reply({ error: -95 }), client('c', 'fsync x'), read()], [56, 16, 'asleep', 56]],
]);

const MODE = 0o100644;
const VALID = 1n << 30n;
const entry = (fields: object, attr: object = {}): Uint8Array =>
  encode(ENTRY_OUT, {
    nodeid: 7n,
    attr_valid: VALID,
    attr: { ino: 7n, mode: MODE, nlink: 1, size: 5n, ...attr },
    ...fields,
  });
const attr = (fields: object): Uint8Array =>
  encode(ATTR_OUT, {
    attr_valid: VALID,
    attr: { ino: 7n, mode: MODE, nlink: 1, size: 5n, ...fields },
  });
const looked = (body: Uint8Array): Step[] => [
  ...ready(),
  client('c', 'stat m/f'),
  read(),
  reply({ body }),
];
const made = (operation: string, body: Uint8Array): Step[] => [
  ...ready(),
  client('c', operation),
  read(),
  reply({ error: -2 }),
  read(),
  reply({ body }),
];
const forced = (body: Uint8Array): Step[] => [
  ...ready(),
  client('c', 'statx m/f 0x2000 0x7ff'),
  ...serve(1),
  read(),
  reply({ body }),
];
const open16 = new Uint8Array(16);
const u32 = (...words: number[]): Uint8Array => new Uint8Array(Uint32Array.from(words).buffer);

// biome-ignore format: one row a probe
export const CHECKING = section('3.5', [
  ['LOOKUP, no type', looked(entry({}, { mode: 0o644 })), [42, 144]],
  ['LOOKUP, a type there is not', looked(entry({}, { mode: 0o130644 })), [42, 144]],
  ['LOOKUP, too large', looked(entry({}, { size: 2n ** 63n })), [42, 144]],
  ['LOOKUP, as large as may be', looked(entry({}, { size: 2n ** 63n - 1n })), [42, 144]],
  ['LOOKUP, the root', looked(entry({ nodeid: 1n })), [42, 144]],
  ['LOOKUP, node 0', looked(entry({ nodeid: 0n }, { mode: 0 })), [42, 144]],
  ['LOOKUP, a fifo', looked(entry({}, { mode: 0o010644 })), [42, 144]],
  ['MKDIR that is a file', made('mkdir m/n', entry({})), [50, 144]],
  ['MKDIR, node 0', made('mkdir m/n', entry({ nodeid: 0n }, { mode: 0o040755 })), [50, 144]],
  ['MKDIR, the root', made('mkdir m/n', entry({ nodeid: 1n }, { mode: 0o040755 })), [50, 144]],
  ['MKNOD of another type', made('mknod m/n fifo 0600', entry({})), [58, 144]],
  ['SYMLINK that is a file', made('symlink target m/n', entry({})), [49, 144]],
  ['CREATE that is a directory', made('open x m/n RDWR|CREAT', concat([entry({}, { mode: 0o040755 }), open16])), [58, 160]],
  ['CREATE, node 0', made('open x m/n RDWR|CREAT', concat([entry({ nodeid: 0n }), open16])), [58, 160]],
  ['GETATTR, no type', forced(attr({ mode: 0o644 })), [56, 120]],
  ['GETATTR, another type', forced(attr({ mode: 0o040755 })), [56, 120]],
  ['GETATTR, too large', forced(attr({ size: 2n ** 64n - 1n })), [56, 120]],
  ['SETATTR, another type', [...ready(), client('c', 'chmod m/f 0600'), ...serve(1), read(), reply({ body: attr({ mode: 0o040755 }) })], [128, 120]],
  ['WRITE, more than was sent', [...opened(), client('c', 'put x hello'), read(), reply({ body: u32(6, 0) })], [85, 24]],
  ['WRITE, less than was sent', [...opened(), client('c', 'put x hello'), read(), reply({ body: u32(3, 0) })], [85, 24]],
  ['WRITE, nothing of it', [...opened(), client('c', 'put x hello'), read(), reply({ body: u32(0, 0) })], [85, 24]],
  ['COPY_FILE_RANGE, more than was asked', [...opened(), client('c', 'open y m/g RDWR'), ...serve(2), client('c', 'copy_file_range x 0 y 0 5'), ...serve(1), read(), none, read(), reply({ body: u32(6, 0) })], [96, 24]],
  ['IOCTL, more than was asked', [...opened(), client('c', 'ioctl x 0x80086602'), read(), reply({ body: new Uint8Array(16 + 9) })], [72, 41]],
  ['IOCTL, less than was asked', [...opened(), client('c', 'ioctl x 0x80086602'), read(), reply({ body: new Uint8Array(16 + 3) })], [72, 35]],
  ['IOCTL, a result', [...opened(), client('c', 'ioctl x 0x6603'), read(), reply({ body: u32(7, 0, 0, 0) })], [72, 32]],
  ['IOCTL, an errno as the result', [...opened(), client('c', 'ioctl x 0x6603'), read(), reply({ body: u32(-22 >>> 0, 0, 0, 0) })], [72, 32]],
  ['IOCTL, once more', [...opened(), client('c', 'ioctl x 0x6603'), read(), reply({ body: u32(0, 4, 0, 0) })], [72, 32]],
]);
