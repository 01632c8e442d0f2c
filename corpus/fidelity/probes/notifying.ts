/** Notifications: what is looked at, and what comes of it (KERNEL 1.11); forgets (1.6). */
import { NOTIFY } from '../../../rig/protocol/notify.ts';
import {
  call,
  client,
  clone,
  mounted,
  notify,
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
import { body } from './words.ts';

const N = Object.fromEntries(Object.values(NOTIFY).map(({ name, code }) => [name, code])) as Record<
  string,
  number
>;
const code = (name: string): number => N[name] as number;
const F = 7n;
const D = 5n;
/** `f` is known, node 7; `d` a directory, node 5. */
const known = (words: ReplyWords = {}): Step[] => [
  ...ready(words),
  client('c', 'stat m/f'),
  ...serve(1),
  client('c', 'stat m/d'),
  ...serve(1),
];
const pages = (n: number) => new Uint8Array(n).fill(0x62);
const abort = call('fusectl', 'a', 'abort', '1');
const MANY = { init: { max_pages: 4 }, flags: ['MAX_PAGES'] } as const;
const long = (n: number) => 'n'.repeat(n);

// biome-ignore format: one row a probe
export const NOTIFYING = section('1.11', [
  ['0 is none', [...known(), notify(0)], ['EINVAL']],
  ['10 is none', [...known(), notify(10)], ['EINVAL']],
  ['-1 is none', [...known(), notify(-1)], ['EINVAL']],
  ['POLL', [...known(), notify(code('POLL'), body.poll(1n))], [24]],
  ['POLL, too short', [...known(), notify(code('POLL'), new Uint8Array(7))], ['EINVAL']],
  ['POLL, too long', [...known(), notify(code('POLL'), new Uint8Array(9))], ['EINVAL']],
  ['INVAL_INODE', [...known(), notify(code('INVAL_INODE'), body.invalInode(F))], [40]],
  ['INVAL_INODE of attributes only', [...known(), notify(code('INVAL_INODE'), body.invalInode(F, -1n)), client('c', 'statx m/f 0 0x7ff'), ...serve(1)], [40, 'asleep', 42, 144]],
  ['INVAL_INODE of nothing known', [...known(), notify(code('INVAL_INODE'), body.invalInode(77n))], ['ENOENT']],
  ['INVAL_INODE of the root', [...known(), notify(code('INVAL_INODE'), body.invalInode(1n))], [40]],
  ['INVAL_INODE of node 0', [...known(), notify(code('INVAL_INODE'), body.invalInode(0n))], ['ENOENT']],
  ['INVAL_INODE, too short', [...known(), notify(code('INVAL_INODE'), new Uint8Array(23))], ['EINVAL']],
  ['INVAL_INODE, too long', [...known(), notify(code('INVAL_INODE'), new Uint8Array(25))], ['EINVAL']],
  ['INVAL_ENTRY', [...known(), notify(code('INVAL_ENTRY'), body.invalEntry('f')), read()], [34, 48]],
  ['INVAL_ENTRY that expires', [...known(), notify(code('INVAL_ENTRY'), body.invalEntry('f', { flags: 1 })), read()], [34, 'EAGAIN']],
  ['INVAL_ENTRY with other flags', [...known(), notify(code('INVAL_ENTRY'), body.invalEntry('f', { flags: 0x80 })), read()], [34, 48]],
  ['INVAL_ENTRY of no such name', [...known(), notify(code('INVAL_ENTRY'), body.invalEntry('z'))], ['ENOENT']],
  ['INVAL_ENTRY in nothing known', [...known(), notify(code('INVAL_ENTRY'), body.invalEntry('f', { parent: 77n }))], ['ENOENT']],
  ['INVAL_ENTRY in a file', [...known(), notify(code('INVAL_ENTRY'), body.invalEntry('f', { parent: F }))], ['ENOTDIR']],
  ['INVAL_ENTRY, too short', [...known(), notify(code('INVAL_ENTRY'), new Uint8Array(15))], ['EINVAL']],
  ['INVAL_ENTRY, no name', [...known(), notify(code('INVAL_ENTRY'), body.invalEntry('').subarray(0, 16))], ['EINVAL']],
  ['INVAL_ENTRY, an empty name', [...known(), notify(code('INVAL_ENTRY'), body.invalEntry(''))], ['ENOENT']],
  ['INVAL_ENTRY, namelen too large', [...known(), notify(code('INVAL_ENTRY'), body.invalEntry('f', { namelen: 2 }))], ['EINVAL']],
  ['INVAL_ENTRY, namelen too small', [...known(), notify(code('INVAL_ENTRY'), body.invalEntry('ff', { namelen: 1 }))], ['EINVAL']],
  ['INVAL_ENTRY, the longest name', [...known(), notify(code('INVAL_ENTRY'), body.invalEntry(long(1024)))], ['ENOENT']],
  ['INVAL_ENTRY, a name too long', [...known(), notify(code('INVAL_ENTRY'), body.invalEntry(long(1025)))], ['ENAMETOOLONG']],
  ['INVAL_ENTRY, too long before the size', [...known(), notify(code('INVAL_ENTRY'), body.invalEntry('f', { namelen: 1025 }))], ['ENAMETOOLONG']],
  ['INVAL_ENTRY, the longest name with MAX_PAGES', [...known(MANY), notify(code('INVAL_ENTRY'), body.invalEntry(long(4095)))], ['ENOENT']],
  ['INVAL_ENTRY, a name too long with MAX_PAGES', [...known(MANY), notify(code('INVAL_ENTRY'), body.invalEntry(long(4096)))], ['ENAMETOOLONG']],
  ['STORE', [...known(), notify(code('STORE'), body.store(F, pages(100))), read()], [140, 'EAGAIN']],
  ['STORE of nothing', [...known(), notify(code('STORE'), body.store(F, pages(0)))], [40]],
  ['STORE in nothing known', [...known(), notify(code('STORE'), body.store(77n, pages(5)))], ['ENOENT']],
  ['STORE in a directory', [...known(), notify(code('STORE'), body.store(D, pages(5)))], ['EINVAL']],
  ['STORE, size too large', [...known(), notify(code('STORE'), body.store(F, pages(5), 0n, 6))], ['EINVAL']],
  ['STORE, too short', [...known(), notify(code('STORE'), new Uint8Array(23))], ['EINVAL']],
  ['RETRIEVE of what is not cached', [...known(), notify(code('RETRIEVE'), body.retrieve(F, 100)), read(), read()], [48, 80, 'EAGAIN']],
  ['RETRIEVE of what was stored', [...known(), notify(code('STORE'), body.store(F, pages(100))), notify(code('RETRIEVE'), body.retrieve(F, 50, 10n)), read()], [140, 48, 130]],
  ['RETRIEVE beyond the end', [...known(), notify(code('STORE'), body.store(F, pages(100))), notify(code('RETRIEVE'), body.retrieve(F, 500, 90n)), read()], [140, 48, 90]],
  ['RETRIEVE after the end', [...known(), notify(code('RETRIEVE'), body.retrieve(F, 500, 5000n)), read()], [48, 80]],
  ['RETRIEVE stops where nothing is cached', [...known(), notify(code('STORE'), body.store(F, pages(4096))), notify(code('STORE'), body.store(F, pages(4096), 8192n)), notify(code('RETRIEVE'), body.retrieve(F, 12288)), read()], [4136, 4136, 48, 4176]],
  ['RETRIEVE is cut to max_write', [...known({ init: { max_write: 4096 } }), notify(code('STORE'), body.store(F, pages(8192))), notify(code('RETRIEVE'), body.retrieve(F, 8192)), read()], [8232, 48, 4176]],
  ['RETRIEVE is cut to max_pages', [...known({ init: { max_pages: 1 }, flags: ['MAX_PAGES'] }), notify(code('STORE'), body.store(F, pages(8192))), notify(code('RETRIEVE'), body.retrieve(F, 8192)), read()], [8232, 48, 4176]],
  ['RETRIEVE of what was invalidated', [...known(), notify(code('STORE'), body.store(F, pages(100))), notify(code('INVAL_INODE'), body.invalInode(F)), notify(code('RETRIEVE'), body.retrieve(F, 50)), read()], [140, 40, 48, 80]],
  ['RETRIEVE of nothing known', [...known(), notify(code('RETRIEVE'), body.retrieve(77n, 100))], ['ENOENT']],
  ['RETRIEVE of a directory', [...known(), notify(code('RETRIEVE'), body.retrieve(D, 100))], ['EINVAL']],
  ['RETRIEVE, too long', [...known(), notify(code('RETRIEVE'), new Uint8Array(33))], ['EINVAL']],
  ['NOTIFY_REPLY takes no reply', [...known(), notify(code('RETRIEVE'), body.retrieve(F, 100, 0n, 98n)), read(), reply({ unique: 98n })], [48, 80, 'ENOENT']],
  ['NOTIFY_REPLY is polled', [...known(), notify(code('RETRIEVE'), body.retrieve(F, 100)), poll()], [48, 'IN|OUT|RDNORM|WRNORM']],
  ['NOTIFY_REPLY counts as waiting', [...known(), notify(code('RETRIEVE'), body.retrieve(F, 100)), call('fusectl', 'a', 'waiting'), read(), call('fusectl', 'a', 'waiting')], [48, '1\n', 80, '0\n']],
  ['NOTIFY_REPLY takes no number', [...known(), notify(code('RETRIEVE'), body.retrieve(F, 100)), read(), client('c', 'stat m/z'), read()], [48, 80, 'asleep', 42]],
  ['DELETE', [...known(), notify(code('DELETE'), body.remove('f', F)), read()], [42, 48]],
  ['DELETE of another child', [...known(), notify(code('DELETE'), body.remove('f', 9n)), read()], ['ENOENT', 48]],
  ['DELETE of a directory', [...known(), notify(code('DELETE'), body.remove('d', D)), read()], [42, 48]],
  ['DELETE of no such name', [...known(), notify(code('DELETE'), body.remove('z', F))], ['ENOENT']],
  ['DELETE in a file', [...known(), notify(code('DELETE'), body.remove('f', F, { parent: F }))], ['ENOTDIR']],
  ['DELETE, a name too long', [...known(), notify(code('DELETE'), body.remove(long(1025), F))], ['ENAMETOOLONG']],
  ['DELETE, too short', [...known(), notify(code('DELETE'), new Uint8Array(20))], ['EINVAL']],
  ['DELETE, namelen too large', [...known(), notify(code('DELETE'), body.remove('f', F, { namelen: 5 }))], ['EINVAL']],
  ['RESEND of nothing', [...known(), notify(code('RESEND')), read()], [16, 'EAGAIN']],
  ['RESEND looks at no body', [...known(), notify(code('RESEND'), new Uint8Array(33))], [49]],
  ['RESEND', [...known(), client('c', 'stat m/f'), read(), notify(code('RESEND')), read(), reply()], [16, 42, 144]],
  ['RESEND: the old unique is gone', [...known(), client('c', 'stat m/f'), read(), notify(code('RESEND')), reply({ unique: 8n }), read(), reply({ unique: 8n }), reply()], [16, 'ENOENT', 42, 'ENOENT', 144]],
  ['RESEND twice', [...known(), client('c', 'stat m/f'), read(), notify(code('RESEND')), read(), notify(code('RESEND')), read(), reply()], [16, 42, 144]],
  ['RESEND goes before what is new', [...known({ flags: ['PARALLEL_DIROPS'] }), client('c', 'stat m/f'), read(), client('c2', 'stat m/g'), notify(code('RESEND')), read(), read()], [16, 42, 42]],
  ['RESEND of several keeps their order', [...known({ flags: ['PARALLEL_DIROPS'] }), client('c', 'stat m/f'), client('c2', 'stat m/g'), client('c3', 'stat m/h'), read(), read(), read(), notify(code('RESEND')), read(), read(), read()], [16, 42, 42, 42]],
  ['RESEND of all handles', [...known({ flags: ['PARALLEL_DIROPS'] }), open('b'), clone('b'), client('c', 'stat m/f'), client('c2', 'stat m/g'), read('b'), read(), notify(code('RESEND')), read(), read()], [16, 42, 42]],
  ['RESEND of INIT', [...mounted(), read(), notify(code('RESEND')), read(), reply()], [104, 16, 104, 80]],
  ['INC_EPOCH', [...known(), notify(code('INC_EPOCH')), read()], [16, 'EAGAIN']],
  ['INC_EPOCH looks at no body', [...known(), notify(code('INC_EPOCH'), new Uint8Array(5))], [21]],
  ['PRUNE', [...known(), notify(code('PRUNE'), body.prune([F])), read()], [40, 48]],
  ['PRUNE of nothing known', [...known(), notify(code('PRUNE'), body.prune([77n, 78n])), read()], [48, 'EAGAIN']],
  ['PRUNE of none', [...known(), notify(code('PRUNE'), body.prune([]))], [32]],
  ['PRUNE, count too large', [...known(), notify(code('PRUNE'), body.prune([F], 2))], ['EINVAL']],
  ['PRUNE, count too small', [...known(), notify(code('PRUNE'), body.prune([F, D], 1))], ['EINVAL']],
  ['PRUNE, too short', [...known(), notify(code('PRUNE'), new Uint8Array(15))], ['EINVAL']],
  ['before INIT is answered', [...mounted(), notify(code('INVAL_INODE'), body.invalInode(1n)), notify(code('INC_EPOCH'))], [40, 16]],
  ['after an abort', [...known(), abort, notify(code('INVAL_INODE'), body.invalInode(F)), notify(code('RESEND'))], [1, 40, 16]],
  ['STORE after an abort', [...known(), abort, notify(code('STORE'), body.store(F, pages(100)))], [1, 140]],
  ['RETRIEVE after an abort', [...known(), abort, notify(code('RETRIEVE'), body.retrieve(F, 10))], [1, 'ENOTCONN']],
  ['after an unmount', [...known(), umount(), notify(code('INVAL_INODE'), body.invalInode(F)), notify(code('RESEND')), notify(code('INC_EPOCH'))], [0, 'ENOENT', 16, 16]],
  ['through a clone', [...known(), open('b'), clone('b'), notify(code('INVAL_ENTRY'), body.invalEntry('f'), 'b'), read('b')], [34, 48]],
  ['without a device', [open(), notify(code('RESEND'))], ['EPERM']],
]);

/** `n` files are known, and their entries gone again: so many forgets wait. */
const forgotten = (n: number, words: ReplyWords = {}): Step[] => {
  // No directories and no links: stat(2) asks once for each.
  const names = [...'fghijkmnopqrstuvwxyzabce'].slice(0, n);
  return [
    ...ready({ flags: ['PARALLEL_DIROPS'], ...words }),
    ...names.flatMap((name) => [client('c', `stat m/${name}`), ...serve(1)]),
    ...names.map((name) => notify(code('INVAL_ENTRY'), body.invalEntry(name))),
  ];
};
const stats = (n: number): Step[] =>
  Array.from({ length: n }, (_, i) => client(`k${i}`, `lstat m/${String.fromCharCode(97 + i)}`));
const reads = (n: number): Step[] => Array.from({ length: n }, () => read());
const OLD = { init: { minor: 15 } };

// biome-ignore format: one row a probe
export const FORGETTING = section('1.6f', [
  ['one: FORGET', [...forgotten(1), read(), read()], [48, 'EAGAIN']],
  ['two: BATCH_FORGET', [...forgotten(2), read(), read()], [80, 'EAGAIN']],
  ['ten', [...forgotten(10), read(), read()], [208, 'EAGAIN']],
  ['minor 15: one by one', [...forgotten(3, OLD), ...reads(4)], [48, 48, 48, 'EAGAIN']],
  ['as many as fit', [...ready({ init: { max_write: 4096 } }), ...forgotten(10).slice(4), read('a', 8192)], [208]],
  ['looked up twice', [...ready(), client('c', 'stat m/f'), ...serve(1), client('c', 'stat m/f'), ...serve(1), notify(code('INVAL_ENTRY'), body.invalEntry('f')), read()], [34, 48]],
  ['polled', [...forgotten(1), poll()], ['IN|OUT|RDNORM|WRNORM']],
  ['not waiting', [...forgotten(2), call('fusectl', 'a', 'waiting')], ['0\n']],
  ['a reply to one', [...forgotten(1), read(), reply({ unique: 6n })], [48, 'ENOENT']],
  ['takes a number', [...forgotten(1), read(), client('k', 'stat m/z'), read()], [48, 'asleep', 42]],
  ['after the first request', [...forgotten(1), ...stats(2), ...reads(3)], [42, 42, 48]],
  ['8 requests, 16 forgets, 8 requests', [...forgotten(18, OLD), ...stats(20), ...reads(26)], [...Array(8).fill(42), ...Array(16).fill(48), 42, 42]],
  ['a sleeper is woken for one', [...forgotten(1).slice(0, -1), call('nonblock', 'a', 0), { ...read(), by: 'r', line: () => 'do r read a 131072' }, notify(code('INVAL_ENTRY'), body.invalEntry('f'))], ['asleep', 34]],
  ['of a file that is open: at its end', [...ready(), client('c', 'open x m/f RDONLY'), ...serve(2), notify(code('INVAL_ENTRY'), body.invalEntry('f')), read(), client('c', 'close x'), ...serve(2), read()], [34, 'EAGAIN', 'asleep', 64, 16, 64, 16, 48]],
  ['none after an unmount', [...ready(), client('c', 'stat m/f'), ...serve(1), umount(), read()], [0, 'ENODEV']],
  ['dropped by an abort', [...forgotten(2), abort, read()], [1, 'ENODEV']],
]);
