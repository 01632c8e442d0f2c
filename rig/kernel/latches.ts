/**
 * Operations the kernel stops sending once a server has answered them with ENOSYS (fc->no_open,
 * fc->no_flush and their like). What its clients get instead is the feed's business.
 */
import { OP, type OpName } from '../protocol/opcodes.ts';

const LATCHING: readonly OpName[] = [
  'OPEN',
  'OPENDIR',
  'CREATE',
  'TMPFILE',
  'RENAME2',
  'FLUSH',
  'FSYNC',
  'FSYNCDIR',
  'ACCESS',
  'SYNCFS',
  'SETXATTR',
  'GETXATTR',
  'LISTXATTR',
  'REMOVEXATTR',
  'LSEEK',
  'FALLOCATE',
  'COPY_FILE_RANGE',
  'COPY_FILE_RANGE_64',
  'STATX',
  'POLL',
  'BMAP',
];

const opcodes = new Set(LATCHING.map((name) => OP[name].opcode));

/** True if ENOSYS to this opcode is remembered for the rest of the connection. */
export const isLatching = (opcode: number): boolean => opcodes.has(opcode);
