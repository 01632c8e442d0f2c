/**
 * The opcodes of FUSE protocol 7.45, one row each; what an operation is follows from its row and
 * from nothing else. Bodies as fs/fuse/{dir,file,readdir,xattr,ioctl,inode,dax,cuse}.c send them,
 * shorter forms as fuse_adjust_compat() cuts them.
 */
import {
  array,
  data,
  EXT,
  either,
  fixed,
  name,
  type OpSpec,
  prefix,
  type ReplyValues,
  type RequestValues,
  st,
  variable,
} from './op-spec.ts';
import { ENTRY_OUT } from './structs-common.ts';
import * as file from './structs-file.ts';
import * as node from './structs-node.ts';
import * as session from './structs-session.ts';

const ENTRY = st(ENTRY_OUT, { below: 9, size: 120 });
const ATTR = st(node.ATTR_OUT, { below: 9, size: 96 });
const EMPTY = fixed();
const NONE = { kind: 'none' } as const;
const BY_SIZE = { field: 'size' } as const;
const WRITEBACK = { field: 'write_flags', bit: 1 } as const;
const XATTR_SIZE = fixed(st(node.GETXATTR_OUT));
const READDIR = [st(file.READDIR_IN)] as const;

// biome-ignore format: one row an opcode
const ROWS = [
  { name: 'LOOKUP', opcode: 1, since: 1, request: [name('name')], reply: fixed(ENTRY) },
  { name: 'FORGET', opcode: 2, since: 1, request: [st(session.FORGET_IN)], reply: NONE },
  { name: 'GETATTR', opcode: 3, since: 1, request: [st(node.GETATTR_IN)], reply: fixed(ATTR) },
  { name: 'SETATTR', opcode: 4, since: 1, request: [st(node.SETATTR_IN)], reply: fixed(ATTR) },
  { name: 'READLINK', opcode: 5, since: 1, request: [], reply: variable(4095, data('target', 'text')) },
  { name: 'SYMLINK', opcode: 6, since: 1, request: [name('name'), name('target'), EXT], reply: fixed(ENTRY) },
  { name: 'MKNOD', opcode: 8, since: 1, request: [st(node.MKNOD_IN, { below: 12, size: 8 }), name('name'), EXT], reply: fixed(ENTRY) },
  { name: 'MKDIR', opcode: 9, since: 1, request: [st(node.MKDIR_IN), name('name'), EXT], reply: fixed(ENTRY) },
  { name: 'UNLINK', opcode: 10, since: 1, request: [name('name')], reply: EMPTY },
  { name: 'RMDIR', opcode: 11, since: 1, request: [name('name')], reply: EMPTY },
  { name: 'RENAME', opcode: 12, since: 1, request: [st(node.RENAME_IN), name('oldname'), name('newname')], reply: EMPTY },
  { name: 'LINK', opcode: 13, since: 1, request: [st(node.LINK_IN), name('newname')], reply: fixed(ENTRY) },
  { name: 'OPEN', opcode: 14, since: 1, request: [st(file.OPEN_IN)], reply: fixed(st(file.OPEN_OUT)) },
  { name: 'READ', opcode: 15, since: 1, request: [st(file.READ_IN)], reply: variable(BY_SIZE, data('data')) },
  { name: 'WRITE', opcode: 16, since: 1, request: [st(file.WRITE_IN, { below: 9, size: 24 }), data('data', 'bytes', 'size')], reply: fixed(st(file.WRITE_OUT)), background: WRITEBACK, force: WRITEBACK },
  { name: 'STATFS', opcode: 17, since: 1, request: [], reply: fixed(st(node.STATFS_OUT, { below: 4, size: 48 })) },
  { name: 'RELEASE', opcode: 18, since: 1, request: [st(file.RELEASE_IN)], reply: EMPTY, background: true, force: true },
  { name: 'FSYNC', opcode: 20, since: 1, request: [st(file.FSYNC_IN)], reply: EMPTY },
  { name: 'SETXATTR', opcode: 21, since: 1, request: [st(node.SETXATTR_IN, { without: 'SETXATTR_EXT', size: 8 }), name('name'), data('value', 'bytes', 'size')], reply: EMPTY },
  { name: 'GETXATTR', opcode: 22, since: 1, request: [st(node.GETXATTR_IN), name('name')], reply: either('size', XATTR_SIZE, variable(BY_SIZE, data('value'))) },
  { name: 'LISTXATTR', opcode: 23, since: 1, request: [st(node.GETXATTR_IN)], reply: either('size', XATTR_SIZE, variable(BY_SIZE, data('names', 'names'))) },
  { name: 'REMOVEXATTR', opcode: 24, since: 1, request: [name('name')], reply: EMPTY },
  { name: 'FLUSH', opcode: 25, since: 1, request: [st(file.FLUSH_IN)], reply: EMPTY, force: true },
  { name: 'INIT', opcode: 26, since: 1, request: [prefix(session.INIT_IN, 8)], reply: variable(64, prefix(session.INIT_OUT, 0)), background: true, force: true },
  { name: 'OPENDIR', opcode: 27, since: 1, request: [st(file.OPEN_IN)], reply: fixed(st(file.OPEN_OUT)) },
  { name: 'READDIR', opcode: 28, since: 1, request: READDIR, reply: variable(BY_SIZE, data('entries', 'dirents')) },
  { name: 'RELEASEDIR', opcode: 29, since: 1, request: [st(file.RELEASE_IN)], reply: EMPTY, background: true, force: true },
  { name: 'FSYNCDIR', opcode: 30, since: 1, request: [st(file.FSYNC_IN)], reply: EMPTY },
  { name: 'GETLK', opcode: 31, since: 7, request: [st(file.LK_IN)], reply: fixed(st(file.LK_OUT)) },
  { name: 'SETLK', opcode: 32, since: 7, request: [st(file.LK_IN)], reply: EMPTY },
  { name: 'SETLKW', opcode: 33, since: 7, request: [st(file.LK_IN)], reply: EMPTY },
  { name: 'ACCESS', opcode: 34, since: 3, request: [st(node.ACCESS_IN)], reply: EMPTY },
  { name: 'CREATE', opcode: 35, since: 3, request: [st(file.CREATE_IN, { below: 12, size: 8 }), name('name'), EXT], reply: fixed(ENTRY, st(file.OPEN_OUT)) },
  { name: 'INTERRUPT', opcode: 36, since: 7, request: [st(session.INTERRUPT_IN)], reply: { kind: 'optional' } },
  { name: 'BMAP', opcode: 37, since: 8, request: [st(file.BMAP_IN)], reply: fixed(st(file.BMAP_OUT)) },
  { name: 'DESTROY', opcode: 38, since: 8, request: [], reply: EMPTY, force: true },
  // The kernel offers at least a page for the reply: it may hold the iovecs of a retry instead.
  { name: 'IOCTL', opcode: 39, since: 11, request: [st(file.IOCTL_IN), data('data', 'bytes', 'in_size')], reply: variable({ field: 'out_size', atLeast: 4096 }, st(file.IOCTL_OUT), data('data')) },
  { name: 'POLL', opcode: 40, since: 11, request: [st(file.POLL_IN)], reply: fixed(st(file.POLL_OUT)) },
  { name: 'NOTIFY_REPLY', opcode: 41, since: 15, request: [st(session.NOTIFY_RETRIEVE_IN), data('data', 'bytes', 'size')], reply: NONE, payloadOnly: true },
  { name: 'BATCH_FORGET', opcode: 42, since: 16, request: [st(session.BATCH_FORGET_IN), array('forgets', session.FORGET_ONE, 'count')], reply: NONE },
  { name: 'FALLOCATE', opcode: 43, since: 19, request: [st(file.FALLOCATE_IN)], reply: EMPTY },
  { name: 'READDIRPLUS', opcode: 44, since: 21, request: READDIR, reply: variable(BY_SIZE, data('entries', 'direntplus')) },
  { name: 'RENAME2', opcode: 45, since: 23, request: [st(node.RENAME2_IN), name('oldname'), name('newname')], reply: EMPTY },
  { name: 'LSEEK', opcode: 46, since: 24, request: [st(file.LSEEK_IN)], reply: fixed(st(file.LSEEK_OUT)) },
  { name: 'COPY_FILE_RANGE', opcode: 47, since: 28, request: [st(file.COPY_FILE_RANGE_IN)], reply: fixed(st(file.WRITE_OUT)) },
  { name: 'SETUPMAPPING', opcode: 48, since: 31, request: [st(file.SETUPMAPPING_IN)], reply: EMPTY },
  { name: 'REMOVEMAPPING', opcode: 49, since: 31, request: [st(file.REMOVEMAPPING_IN), array('mappings', file.REMOVEMAPPING_ONE, 'count')], reply: EMPTY },
  { name: 'SYNCFS', opcode: 50, since: 34, request: [st(file.SYNCFS_IN)], reply: EMPTY },
  // Newer than the compat forms, and fuse_adjust_compat() does not know it: never shortened.
  { name: 'TMPFILE', opcode: 51, since: 37, request: [st(file.CREATE_IN), name('name'), EXT], reply: fixed(st(ENTRY_OUT), st(file.OPEN_OUT)) },
  { name: 'STATX', opcode: 52, since: 39, request: [st(node.STATX_IN)], reply: fixed(st(node.STATX_OUT)) },
  { name: 'COPY_FILE_RANGE_64', opcode: 53, since: 45, request: [st(file.COPY_FILE_RANGE_IN)], reply: fixed(st(file.COPY_FILE_RANGE_OUT)) },
  { name: 'CUSE_INIT', opcode: 4096, since: 12, request: [st(session.CUSE_INIT_IN)], reply: variable(4096, st(session.CUSE_INIT_OUT), data('info', 'names')), background: true },
] as const satisfies readonly OpSpec[];

type Row = (typeof ROWS)[number];
export type OpName = Row['name'];
type RowOf<N extends OpName> = Extract<Row, { name: N }>;

/** What a request or a reply of this operation decodes to. */
export type RequestArgs<N extends OpName> = RequestValues<RowOf<N>>;
export type ReplyArgs<N extends OpName> = ReplyValues<RowOf<N>>;

/** The table, in order of number. */
export const OPCODES: readonly OpSpec[] = ROWS;
export const OP_NAMES: readonly OpName[] = ROWS.map((row) => row.name);

/** Rows by name: `OP.READ.opcode` is 15. */
export const OP = Object.fromEntries(OPCODES.map((row) => [row.name, row])) as Readonly<
  Record<OpName, OpSpec>
>;

const byNumber = new Array<OpSpec | undefined>(Math.max(...OPCODES.map((row) => row.opcode)) + 1);
for (const row of OPCODES) byNumber[row.opcode] = row;

/** The row of an opcode; undefined for a number the protocol does not have. */
export function opOf(opcode: number): OpSpec | undefined {
  return byNumber[opcode];
}

/** `READ`, or `OP_99` for an opcode without a row. */
export function opName(opcode: number): string {
  return byNumber[opcode]?.name ?? `OP_${opcode}`;
}

/** The row of a name as a person would write it, in any case. */
export function opByName(name: string): OpSpec | undefined {
  const upper = name.toUpperCase();
  return Object.hasOwn(OP, upper) ? OP[upper as OpName] : undefined;
}
