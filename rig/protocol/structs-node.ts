/** Structures of the operations on nodes and names: attributes, creation, links, xattrs. */
import {
  ACCESS_MASK,
  FATTR,
  GETATTR_FLAGS,
  RENAME_FLAGS,
  SETXATTR_FLAGS,
  STATX_MASK,
  XATTR_FLAGS,
} from './flags.ts';
import { nested, struct, u32, u64, u64s } from './layout.ts';
import { ATTR, KSTATFS, STATX } from './structs-common.ts';

const padding = (offset: number) => u32(offset, { role: 'padding' });

export const GETATTR_IN = struct('getattr_in', 16, {
  getattr_flags: u32(0, { flags: GETATTR_FLAGS }),
  dummy: padding(4),
  fh: u64(8, { role: 'fh', when: { field: 'getattr_flags', bit: 1 } }),
});

export const ATTR_OUT = struct('attr_out', 104, {
  attr_valid: u64(0, { role: 'validity' }),
  attr_valid_nsec: u32(8, { role: 'validity' }),
  dummy: padding(12),
  attr: nested(16, ATTR),
});

export const STATX_IN = struct('statx_in', 24, {
  getattr_flags: u32(0, { flags: GETATTR_FLAGS }),
  reserved: padding(4),
  fh: u64(8, { role: 'fh', when: { field: 'getattr_flags', bit: 1 } }),
  sx_flags: u32(16, { view: 'hex' }),
  sx_mask: u32(20, { flags: STATX_MASK }),
});

export const STATX_OUT = struct('statx_out', 288, {
  attr_valid: u64(0, { role: 'validity' }),
  attr_valid_nsec: u32(8, { role: 'validity' }),
  flags: u32(12, { view: 'hex' }),
  spare: u64s(16, 2),
  stat: nested(32, STATX),
});

/** A field of setattr_in counts while its FATTR bit is set. */
const valid = (bit: number) => ({ when: { field: 'valid', bit } }) as const;

export const SETATTR_IN = struct('setattr_in', 88, {
  valid: u32(0, { flags: FATTR }),
  padding: padding(4),
  fh: u64(8, { role: 'fh', ...valid(1 << 6) }),
  size: u64(16, valid(1 << 3)),
  lock_owner: u64(24, { role: 'lock-owner', ...valid(1 << 9) }),
  atime: u64(32, { role: 'time', ...valid(1 << 4) }),
  mtime: u64(40, { role: 'time', ...valid(1 << 5) }),
  ctime: u64(48, { role: 'time', ...valid(1 << 10) }),
  atimensec: u32(56, { role: 'time', ...valid(1 << 4) }),
  mtimensec: u32(60, { role: 'time', ...valid(1 << 5) }),
  ctimensec: u32(64, { role: 'time', ...valid(1 << 10) }),
  mode: u32(68, { view: 'mode', ...valid(1 << 0) }),
  unused4: padding(72),
  uid: u32(76, { role: 'uid', ...valid(1 << 1) }),
  gid: u32(80, { role: 'gid', ...valid(1 << 2) }),
  unused5: padding(84),
});

export const MKNOD_IN = struct('mknod_in', 16, {
  mode: u32(0, { view: 'mode' }),
  rdev: u32(4, { view: 'hex' }),
  umask: u32(8, { view: 'mode' }),
  padding: padding(12),
});

export const MKDIR_IN = struct('mkdir_in', 8, {
  mode: u32(0, { view: 'mode' }),
  umask: u32(4, { view: 'mode' }),
});

export const RENAME_IN = struct('rename_in', 8, { newdir: u64(0, { role: 'nodeid' }) });

export const RENAME2_IN = struct('rename2_in', 16, {
  newdir: u64(0, { role: 'nodeid' }),
  flags: u32(8, { flags: RENAME_FLAGS }),
  padding: padding(12),
});

export const LINK_IN = struct('link_in', 8, { oldnodeid: u64(0, { role: 'nodeid' }) });

export const ACCESS_IN = struct('access_in', 8, {
  mask: u32(0, { flags: ACCESS_MASK }),
  padding: padding(4),
});

export const STATFS_OUT = struct('statfs_out', 80, { st: nested(0, KSTATFS) });

export const SETXATTR_IN = struct('setxattr_in', 16, {
  size: u32(0),
  flags: u32(4, { flags: XATTR_FLAGS }),
  setxattr_flags: u32(8, { flags: SETXATTR_FLAGS }),
  padding: padding(12),
});

export const GETXATTR_IN = struct('getxattr_in', 8, { size: u32(0), padding: padding(4) });
export const GETXATTR_OUT = struct('getxattr_out', 8, { size: u32(0), padding: padding(4) });
