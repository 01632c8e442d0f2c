/** Structures that several operations share: the two headers, attributes, entries, locks. */
import { ATTR_FLAGS, DIRENT_TYPES, LOCK_TYPES, STATX_MASK } from './flags.ts';
import { nested, s32, s64, struct, u16, u16s, u32, u32s, u64, u64s } from './layout.ts';

export const IN_HEADER = struct('in_header', 40, {
  len: u32(0),
  opcode: u32(4),
  unique: u64(8, { role: 'unique' }),
  nodeid: u64(16, { role: 'nodeid' }),
  uid: u32(24, { role: 'uid' }),
  gid: u32(28, { role: 'gid' }),
  pid: u32(32, { role: 'pid' }),
  total_extlen: u16(36),
  padding: u16(38, { role: 'padding' }),
});

export const OUT_HEADER = struct('out_header', 16, {
  len: u32(0),
  error: s32(4, { view: 'errno' }),
  unique: u64(8, { role: 'unique' }),
});

export const ATTR = struct('attr', 88, {
  ino: u64(0, { role: 'ino' }),
  size: u64(8),
  blocks: u64(16),
  atime: u64(24, { role: 'time' }),
  mtime: u64(32, { role: 'time' }),
  ctime: u64(40, { role: 'time' }),
  atimensec: u32(48, { role: 'time' }),
  mtimensec: u32(52, { role: 'time' }),
  ctimensec: u32(56, { role: 'time' }),
  mode: u32(60, { view: 'mode' }),
  nlink: u32(64),
  uid: u32(68, { role: 'uid' }),
  gid: u32(72, { role: 'gid' }),
  rdev: u32(76, { view: 'hex' }),
  blksize: u32(80),
  flags: u32(84, { flags: ATTR_FLAGS }),
});

export const SX_TIME = struct('sx_time', 16, {
  tv_sec: s64(0, { role: 'time' }),
  tv_nsec: u32(8, { role: 'time' }),
  __reserved: s32(12, { role: 'padding' }),
});

export const STATX = struct('statx', 256, {
  mask: u32(0, { flags: STATX_MASK }),
  blksize: u32(4),
  attributes: u64(8, { view: 'hex' }),
  nlink: u32(16),
  uid: u32(20, { role: 'uid' }),
  gid: u32(24, { role: 'gid' }),
  mode: u16(28, { view: 'mode' }),
  __spare0: u16s(30, 1),
  ino: u64(32, { role: 'ino' }),
  size: u64(40),
  blocks: u64(48),
  attributes_mask: u64(56, { view: 'hex' }),
  atime: nested(64, SX_TIME),
  btime: nested(80, SX_TIME),
  ctime: nested(96, SX_TIME),
  mtime: nested(112, SX_TIME),
  rdev_major: u32(128),
  rdev_minor: u32(132),
  dev_major: u32(136),
  dev_minor: u32(140),
  __spare2: u64s(144, 14),
});

export const KSTATFS = struct('kstatfs', 80, {
  blocks: u64(0),
  bfree: u64(8),
  bavail: u64(16),
  files: u64(24),
  ffree: u64(32),
  bsize: u32(40),
  namelen: u32(44),
  frsize: u32(48),
  padding: u32(52, { role: 'padding' }),
  spare: u32s(56, 6),
});

export const FILE_LOCK = struct('file_lock', 24, {
  start: u64(0),
  end: u64(8),
  type: u32(16, { flags: LOCK_TYPES }),
  pid: u32(20, { role: 'pid' }),
});

export const ENTRY_OUT = struct('entry_out', 128, {
  nodeid: u64(0, { role: 'nodeid' }),
  generation: u64(8, { role: 'generation' }),
  entry_valid: u64(16, { role: 'validity' }),
  attr_valid: u64(24, { role: 'validity' }),
  entry_valid_nsec: u32(32, { role: 'validity' }),
  attr_valid_nsec: u32(36, { role: 'validity' }),
  attr: nested(40, ATTR),
});

/** A READDIR record: the name follows, and padding up to a multiple of 8. */
export const DIRENT = struct('dirent', 24, {
  ino: u64(0, { role: 'ino' }),
  off: u64(8, { role: 'cookie' }),
  namelen: u32(16),
  type: u32(20, { flags: DIRENT_TYPES }),
});

/** A READDIRPLUS record: the name follows, and padding up to a multiple of 8. */
export const DIRENTPLUS = struct('direntplus', 152, {
  entry_out: nested(0, ENTRY_OUT),
  dirent: nested(128, DIRENT),
});
