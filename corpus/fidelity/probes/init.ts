/** Replies to INIT of every shape, and what sizes and old minors come to (KERNEL 2.3). */
import {
  call,
  client,
  mounted,
  notify,
  on,
  type ReplyWords,
  read,
  ready,
  reply,
  type Step,
  section,
  serve,
} from '../step.ts';
import { body } from './words.ts';

const stat = client('c', 'stat m/f');
const init = (words: ReplyWords, ...rest: readonly Step[]): Step[] => [
  ...mounted(),
  read(),
  reply(words),
  ...rest,
];
const taken = (words: ReplyWords): Step[] => init(words, stat, ...serve(1), read());
const refused = (words: ReplyWords): Step[] =>
  init(words, stat, client('k', 'stat m/g'), read(), call('poll', 'a'));
const minor = (n: number, more: object = {}) => ({ init: { minor: n, ...more } });
const opened = (words: ReplyWords): Step[] => [
  ...ready(words),
  client('c', 'open x m/f RDWR'),
  ...serve(2),
];
const MANY = ['MAX_PAGES'] as const;
const OLD = [3, 4, 5, 8, 9, 11, 12, 15, 16, 17, 18, 22, 23, 44, 46, 1000];

// biome-ignore format: one row a probe
export const INITS = section('2.3', [
  ['as it is asked', [...mounted(), read()], [104]],
  ['a full reply', taken({}), [42, 144, 'EAGAIN']],
  ...[4, 8, 12, 16, 20, 24, 28, 32, 60, 63].map((size) => [`${size} bytes`, taken({ cut: 64 - size }), [42, size < 8 ? 136 : 144, 'EAGAIN']] as [string, Step[], (string | number)[]]),
  ['nothing', refused({ cut: 64 }), [16, 'ECONNREFUSED', 'ECONNREFUSED', 'EAGAIN', 'OUT|WRNORM']],
  ['65 bytes', refused({ cut: -1 }), ['EINVAL', 'ECONNREFUSED', 'ECONNREFUSED', 'EAGAIN', 'OUT|WRNORM']],
  ['an error', refused({ error: -71 }), [16, 'ECONNREFUSED', 'ECONNREFUSED', 'EAGAIN', 'OUT|WRNORM']],
  ['an error with a body', refused({ error: -71, body: new Uint8Array(8) }), ['EINVAL', 'ECONNREFUSED', 'ECONNREFUSED', 'EAGAIN', 'OUT|WRNORM']],
  ['major 6', refused({ init: { major: 6 } }), [80, 'ECONNREFUSED', 'ECONNREFUSED', 'EAGAIN', 'OUT|WRNORM']],
  ['major 8', refused({ init: { major: 8 } }), [80, 'ECONNREFUSED', 'ECONNREFUSED', 'EAGAIN', 'OUT|WRNORM']],
  ['major 0', refused({ init: { major: 0 } }), [80, 'ECONNREFUSED', 'ECONNREFUSED', 'EAGAIN', 'OUT|WRNORM']],
  ['a wrong reply, then a good one', init({ error: 1 }, reply({}), stat), ['EINVAL', 80, 'asleep']],
  ['ALLOW_IDMAP without permissions', refused({ flags: ['ALLOW_IDMAP'] }), [80, 'ECONNREFUSED', 'ECONNREFUSED', 'EAGAIN', 'OUT|WRNORM']],
  ['ALLOW_IDMAP with default_permissions', [...mounted({ options: 'fd=@a,rootmode=40000,user_id=0,group_id=0,default_permissions' }), read(), reply({ flags: ['ALLOW_IDMAP'] }), client('c', 'statfs m'), read()], [80, 'asleep', 40]],
  ['flags that were not offered', taken({ flags: ['SUBMOUNTS', 'HAS_INODE_DAX'] }), [42, 144, 'EAGAIN']],
  ['flags2 without INIT_EXT', [...opened({ init: { flags2: 1 } }), client('c', 'open y m/n RDWR|CREAT'), read(), reply({ error: -2 }), read()], [16, 58]],
  ...OLD.map((n) => [`minor ${n}: LOOKUP`, taken(minor(n)), [42, n < 9 ? 136 : 144, 'EAGAIN']] as [string, Step[], (string | number)[]]),
  ...[3, 4].map((n) => [`minor ${n}: STATFS`, [...ready(minor(n)), client('c', 'statfs m'), ...serve(1)], [40, n < 4 ? 64 : 96]] as [string, Step[], (string | number)[]]),
  ...[8, 9].map((n) => [`minor ${n}: WRITE`, [...opened(minor(n)), client('c', 'put x hello'), ...serve(1)], [n < 9 ? 69 : 85, 24]] as [string, Step[], (string | number)[]]),
  ...[8, 9].map((n) => [`minor ${n}: GETATTR`, [...ready(minor(n)), client('c', 'statx m/f 0x2000 0x7ff'), ...serve(2)], [56, n < 9 ? 112 : 120]] as [string, Step[], (string | number)[]]),
  ...[8, 9].map((n) => [`minor ${n}: READ`, [...opened(minor(n)), client('c', 'read x 100 0'), ...serve(1)], [80, 116]] as [string, Step[], (string | number)[]]),
  ...[11, 12].map((n) => [`minor ${n}: CREATE`, [...ready(minor(n)), client('c', 'open x m/n RDWR|CREAT'), read(), reply({ error: -2 }), ...serve(1)], [n < 12 ? 50 : 58, 160]] as [string, Step[], (string | number)[]]),
  ...[11, 12].map((n) => [`minor ${n}: MKNOD`, [...ready(minor(n)), client('c', 'mknod m/p fifo 0600'), read(), reply({ error: -2 }), ...serve(1)], [n < 12 ? 50 : 58, 144]] as [string, Step[], (string | number)[]]),
  ...[16, 17].map((n) => [`minor ${n}: flock`, [...opened({ ...minor(n), flags: ['POSIX_LOCKS'] }), client('c', 'flock x EX'), read()], n < 17 ? ['asleep', 88] : ['0', 'EAGAIN']] as [string, Step[], (string | number)[]]),
  ...[17, 18].map((n) => [`minor ${n}: an ioctl of a directory`, [...ready(minor(n)), client('c', 'open x m RDONLY|DIRECTORY'), ...serve(1), client('c', 'ioctl x 0x6603'), read()], n < 18 ? ['ENOTTY', 'EAGAIN'] : ['asleep', 72]] as [string, Step[], (string | number)[]]),
  ...[22, 23].map((n) => [`minor ${n}: RENAME2`, [...ready(minor(n)), client('c', 'rename m/f m/n NOREPLACE'), ...serve(1), read(), reply({ error: -2 }), read()], [16, n < 23 ? 'EAGAIN' : 60]] as [string, Step[], (string | number)[]]),
  ['minor 5: flags are not read', [...opened({ ...minor(5), flags: ['POSIX_LOCKS'] }), client('c', 'setlk x WR'), read()], ['0', 'EAGAIN']],
  ['minor 6: flags are read', [...opened({ ...minor(6), flags: ['POSIX_LOCKS'] }), client('c', 'setlk x WR'), read()], ['asleep', 88]],
  ['minor 4: max_write is 4096', [...ready(minor(4, { max_write: 65536 })), read('a', 8191), read('a', 8192)], ['EINVAL', 'EAGAIN']],
  ['minor 5: max_write is as it says', [...ready(minor(5, { max_write: 65536 })), read('a', 65615), read('a', 65616)], ['EINVAL', 'EAGAIN']],
  ['max_write 100000', [...ready({ init: { max_write: 100000 } }), read('a', 100079), read('a', 100080)], ['EINVAL', 'EAGAIN']],
  ['a sleeping read is not measured again', [...mounted(), read(), call('nonblock', 'a', 0), on('r', read('a', 8192)), reply(), stat], [104, 0, 'asleep', 80, 'asleep']],
  ['max_pages 0 is one', [...opened({ init: { max_pages: 0 }, flags: MANY }), client('c', 'read x 8192 0'), read()], ['asleep', 80]],
  ['max_pages 256', [...opened({ init: { max_pages: 256 }, flags: MANY }), client('c', 'read x 1M 0'), read('a', '2M')], ['asleep', 80]],
  ['max_pages 65535 is cut to the limit', [...opened({ init: { max_pages: 65535 }, flags: MANY }), client('c', 'read x 2M 0'), read('a', '2M')], ['asleep', 80]],
  ['max_pages without the flag is not read', [...opened({ init: { max_pages: 1 } }), client('c', 'read x 128K 0'), read()], ['asleep', 80]],
  ['a READ has 32 pages', [...opened({}), client('c', 'read x 256K 0'), read('a', '1M')], ['asleep', 80]],
  ['a WRITE has max_write', [...opened({ init: { max_write: 5000 } }), client('c', 'put x *6000'), read()], ['asleep', 5080]],
  ['names of 1024 bytes', [...ready(), client('c', `stat m/${'n'.repeat(255)}`), read()], ['asleep', 296]],
  ['notifications: names of 4095 bytes', [...ready({ init: { max_pages: 2 }, flags: MANY }), notify(3, body.invalEntry('n'.repeat(4095)))], ['ENOENT']],
  ['notifications: one page, names of 1024', [...ready({ init: { max_pages: 1 }, flags: MANY }), notify(3, body.invalEntry('n'.repeat(1025)))], ['ENAMETOOLONG']],
]);
