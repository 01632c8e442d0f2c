/**
 * Every operation as it lies in a ring's entry, what stays in the areas it does not write, and its reply
 * (KERNEL 4.4, 4.7). What never goes over a ring is in section 4.3.
 */
import type { InitFlag } from '../../../rig/protocol/init-flags.ts';
import { NOTIFY } from '../../../rig/protocol/notify.ts';
import {
  type CommitWords,
  carried,
  commit,
  dump,
  enter,
  protect,
  type RingWords,
  register,
  slot,
  taken,
} from '../ring_words.ts';
import { call, client, notify, read, type Step, section } from '../step.ts';
import { body } from './words.ts';

const OK: CommitWords = {};
const ABSENT: CommitWords = { error: -2 };
/** A count of five. */
const FIVE: CommitWords = { body: Uint8Array.of(5, 0, 0, 0, 0, 0, 0, 0) };
const LOCKS = ['POSIX_LOCKS', 'FLOCK_LOCKS'] as const;

/** The requests that an operation makes, answered so one after the other; each is looked at. */
const answered = (operation: string, replies: readonly CommitWords[]): Step[] => [
  client('c', operation),
  enter(),
  ...replies.flatMap((words) => [dump('e0'), commit('e0', words)]),
];
const over = (operation: string, replies: readonly CommitWords[], words?: RingWords): Step[] => [
  ...carried(words),
  ...answered(operation, replies),
];
/** The same on a file, or on the root, that is open. */
const withFile = (
  operation: string,
  replies: readonly CommitWords[] = [OK],
  flags: readonly InitFlag[] = [],
): Step[] => [...over('open x m/f RDWR', [OK, OK], { flags }), ...answered(operation, replies)];
const withRoot = (operation: string, flags: readonly InitFlag[] = []): Step[] => [
  ...over('open x m RDONLY|DIRECTORY', [OK], { flags }),
  ...answered(operation, [OK]),
];
/** Node of `f`. */
const F = 7n;
const STORE = notify(NOTIFY.STORE.code, body.store(F, new Uint8Array(100).fill(0x62)));
/** A file that the kernel knows, and some of its contents. */
const stored = (depth = 1): Step[] => [
  // A NOTIFY_REPLY goes to the queue of the CPU that its RETRIEVE is written on.
  call('pin', 0),
  ...carried({ depth }),
  client('c', 'stat m/f'),
  enter(),
  dump(`e${depth - 1}`),
  commit(`e${depth - 1}`),
  STORE,
];
const retrieve = (size = 50, unique = 98n): Step =>
  notify(NOTIFY.RETRIEVE.code, body.retrieve(F, size, 10n, unique));
const waiting = call('fusectl', 'a', 'waiting');

// biome-ignore format: one row a probe
export const RING_OPCODES = section('4.4o', [
  ['GETATTR', over('statx m/f 0x2000 0x7ff', [OK, OK]), [0, '-']],
  ['SETATTR', over('chmod m/f 0600', [OK, OK]), [0, '-']],
  ['SETATTR: truncate', over('truncate m/f 100', [OK, OK, OK]), [0, '-']],
  ['READLINK', over('readlink m/l', [OK, { body: Buffer.from('target') }]), [0, '-']],
  ['SYMLINK: two names', over('symlink target m/l', [ABSENT, OK]), [9, '-']],
  ['MKNOD', over('mknod m/p fifo 0666', [ABSENT, OK]), [2, '-']],
  ['MKDIR', over('mkdir m/d 0777', [ABSENT, OK]), [2, '-']],
  ['MKDIR, SECURITY_CTX: the extension is payload', over('mkdir m/d 0777', [ABSENT, OK], { flags: ['SECURITY_CTX'] }), [10, '-']],
  ['UNLINK', over('unlink m/f', [OK, OK]), [2, '-']],
  ['RMDIR', over('rmdir m/d', [OK, OK]), [2, '-']],
  ['RENAME', over('rename m/f m/g', [OK, ABSENT, OK]), [4, '-']],
  ['RENAME2', over('rename m/f m/n NOREPLACE', [OK, ABSENT, OK]), [4, '-']],
  ['LINK', over('link m/f m/n', [OK, ABSENT, OK]), [2, '-']],
  ['WRITE: the data is the payload', withFile('put x hello'), [5, '-']],
  ['WRITE of max_write', withFile('put x *4096'), [4096, '-']],
  ['WRITE in pieces', withFile('put x *5000', [OK, OK]), [904, '-']],
  ['FSYNC', withFile('fsync x'), [0, '-']],
  ['SETXATTR: name and value', over('setxattr m/f user.a value', [OK, OK]), [12, '-']],
  ['SETXATTR, SETXATTR_EXT', over('setxattr m/f user.a value 1', [OK, OK], { flags: ['SETXATTR_EXT'] }), [12, '-']],
  ['GETXATTR', over('getxattr m/f user.a', [OK, { body: Buffer.from('value') }]), [7, '-']],
  ['GETXATTR, its size', over('getxattr m/f user.a 0', [OK, FIVE]), [7, '-']],
  ['LISTXATTR', over('listxattr m/f', [OK, { body: Buffer.from('user.a\0') }]), [0, '-']],
  ['REMOVEXATTR', over('removexattr m/f user.a', [OK, OK]), [7, '-']],
  ['OPENDIR', over('open x m RDONLY|DIRECTORY', [OK]), [0, '-']],
  ['READDIR', withRoot('getdents x 4096'), [0, '-']],
  ['READDIRPLUS', withRoot('getdents x 4096', ['DO_READDIRPLUS']), [0, '-']],
  ['RELEASEDIR', withRoot('close x'), [0, '-']],
  ['FSYNCDIR', withRoot('fsync x'), [0, '-']],
  ['GETLK', withFile('getlk x WR 10 20', [OK], LOCKS), [0, '-']],
  ['SETLK', withFile('setlk x WR 10 20', [OK], LOCKS), [0, '-']],
  ['SETLKW', withFile('setlkw x RD 0 5', [OK], LOCKS), [0, '-']],
  ['flock', withFile('flock x EX', [OK], LOCKS), [0, '-']],
  ['ACCESS', over('access m/f 4', [OK, OK]), [0, '-']],
  ['CREATE', over('open x m/n RDWR|CREAT 0666', [ABSENT, OK]), [2, '-']],
  ['TMPFILE', over('open x m RDWR|TMPFILE 0600', [{ error: -5 }]), [2, '-']],
  ['IOCTL', withFile('ioctl x 0x40086601'), [8, '-']],
  ['IOCTL that reads', withFile('ioctl x 0x80086602'), [0, '-']],
  ['POLL', withFile('poll x 5'), [0, '-']],
  ['FALLOCATE', withFile('fallocate x KEEP_SIZE 4096 8192', [OK, OK]), [0, '-']],
  ['LSEEK', withFile('lseek x DATA 3'), [0, '-']],
  ['STATX', over('statx m/f 0 0xfff', [OK, { error: -5 }]), [0, '-']],
  ['COPY_FILE_RANGE_64', [...withFile('open y m/g RDWR', [OK, OK]), ...answered('copy_file_range x 0 y 4096 5', [OK, FIVE])], [0, '-']],
  ['COPY_FILE_RANGE, where the newer one is not there', [...withFile('open y m/g RDWR', [OK, OK]), ...answered('copy_file_range x 0 y 4096 5', [OK, { error: -38 }, FIVE])], [0, '-']],
  ['FLUSH, RELEASE', withFile('close x', [OK, OK]), [0, '-']],
]);

// biome-ignore format: one row a probe
export const RING_RETRIEVES = section('4.7', [
  ['is delivered on the ring, whole in the payload', [...stored(), retrieve(), read(), ...taken('e0'), commit('e0')], [48, 'EAGAIN', 'e0 0', 90, '-']],
  ['counts as waiting until it is committed', [...stored(), retrieve(), ...taken('e0'), waiting, commit('e0'), waiting], ['e0 0', 90, '1\n', '-', '0\n']],
  ['of nothing: the structure alone', [...stored(), notify(NOTIFY.RETRIEVE.code, body.retrieve(F, 50, 5000n, 98n)), ...taken('e0'), commit('e0')], ['e0 0', 40, '-']],
  ['stale bytes of op_in stay', [...stored(), client('c', 'chmod m/f 0600'), ...taken('e0'), commit('e0'), dump('e0'), commit('e0'), STORE, retrieve(), ...taken('e0')], ['e0 0', 90]],
  ['committed with an error', [...stored(), retrieve(), ...taken('e0'), commit('e0', { error: -5 }), waiting, client('c', 'statfs m'), ...taken('e0')], ['-', '0\n', 'asleep', 'e0 0', 0]],
  ['committed with a payload', [...stored(), retrieve(), ...taken('e0'), commit('e0', { size: 8 }), waiting, client('c', 'statfs m'), ...taken('e0')], ['-', '0\n', 'asleep', 'e0 0', 0]],
  ['committed by another number', [...stored(), retrieve(), ...taken('e0'), commit('e0', { commit: 4n }), commit('e0')], ['e0 ENOENT', '-']],
  ['its unique in the reply is another', [...stored(), retrieve(), ...taken('e0'), commit('e0', { unique: 4n }), waiting], ['-', '0\n']],
  ['waits for an entry', [...stored(), client('c', 'statfs m'), ...taken('e0'), retrieve(), waiting, commit('e0'), dump('e0'), commit('e0')], [48, '2\n', 'e0 0', 90, '-']],
  ['no entry is taken twice by two of one number', [...stored(2), retrieve(50, 98n), retrieve(20, 98n), enter(), dump('e1'), dump('e0'), commit('e1'), commit('e0'), waiting], ['e1 0, e0 0', 90, 60, '-', '-', '0\n']],
  ['an even number that a request has, too', [...stored(2), client('c', 'statfs m'), retrieve(50, 6n), enter(), dump('e1'), dump('e0'), commit('e0'), commit('e1'), waiting], ['e1 0, e0 0', 0, 90, '-', '-', '0\n']],
  ['is not cleared by RESEND', [...stored(), retrieve(), ...taken('e0'), notify(NOTIFY.RESEND.code), read(), commit('e0')], [16, 'EAGAIN', '-']],
  ['its payload is not there: it is gone', [...stored(), protect('e0', 'payload'), retrieve(), enter(), protect('e0', 'payload', 'RW'), waiting, client('c', 'statfs m'), ...taken('e0')], [0, '0\n', 'asleep', 'e0 0', 0]],
  ['cut to what max_write allows', [...stored(), notify(NOTIFY.STORE.code, body.store(F, new Uint8Array(8192).fill(0x63))), notify(NOTIFY.RETRIEVE.code, body.retrieve(F, 8192, 0n, 98n)), ...taken('e0'), commit('e0')], ['e0 0', 4136, '-']],
  ['at an abort it ends with the rest', [...stored(), retrieve(), ...taken('e0'), call('fusectl', 'a', 'abort', '1'), commit('e0')], [1, 'e0 ENOTCONN']],
  ['a new entry is delivered to', [...stored(), client('c', 'statfs m'), ...taken('e0'), slot('f'), register('f'), retrieve(), enter(), dump('f'), commit('f')], [48, 'f 0', 90, '-']],
]);
