/** Structures of the operations on open files and directories. */
import {
  FALLOCATE_MODE,
  FOPEN,
  FSYNC_FLAGS,
  IOCTL_FLAGS,
  LK_FLAGS,
  MAPPING_FLAGS,
  OPEN_FLAGS,
  OPEN_IN_FLAGS,
  POLL_EVENTS,
  POLL_FLAGS,
  READ_FLAGS,
  RELEASE_FLAGS,
  WHENCE,
  WRITE_FLAGS,
} from './flags.ts';
import { nested, s32, struct, u32, u64 } from './layout.ts';
import { FILE_LOCK } from './structs-common.ts';

const padding = (offset: number) => u32(offset, { role: 'padding' });
const openFlags = (offset: number) => u32(offset, { flags: OPEN_FLAGS });
const fh = u64(0, { role: 'fh' });

export const OPEN_IN = struct('open_in', 8, {
  flags: openFlags(0),
  open_flags: u32(4, { flags: OPEN_IN_FLAGS }),
});

export const CREATE_IN = struct('create_in', 16, {
  flags: openFlags(0),
  mode: u32(4, { view: 'mode' }),
  umask: u32(8, { view: 'mode' }),
  open_flags: u32(12, { flags: OPEN_IN_FLAGS }),
});

export const OPEN_OUT = struct('open_out', 16, {
  fh,
  open_flags: u32(8, { flags: FOPEN }),
  backing_id: s32(12, { role: 'backing-id', when: { field: 'open_flags', bit: 1 << 7 } }),
});

export const RELEASE_IN = struct('release_in', 24, {
  fh,
  flags: openFlags(8),
  release_flags: u32(12, { flags: RELEASE_FLAGS }),
  lock_owner: u64(16, { role: 'lock-owner' }),
});

export const FLUSH_IN = struct('flush_in', 24, {
  fh,
  unused: padding(8),
  padding: padding(12),
  lock_owner: u64(16, { role: 'lock-owner' }),
});

export const READ_IN = struct('read_in', 40, {
  fh,
  offset: u64(8),
  size: u32(16),
  read_flags: u32(20, { flags: READ_FLAGS }),
  lock_owner: u64(24, { role: 'lock-owner', when: { field: 'read_flags', bit: 2 } }),
  flags: openFlags(32),
  padding: padding(36),
});

/** read_in as READDIR and READDIRPLUS use it: the offset is a cookie of the server's. */
export const READDIR_IN = struct('read_in', 40, {
  ...READ_IN.fields,
  offset: u64(8, { role: 'cookie' }),
});

export const WRITE_IN = struct('write_in', 40, {
  fh,
  offset: u64(8),
  size: u32(16),
  write_flags: u32(20, { flags: WRITE_FLAGS }),
  lock_owner: u64(24, { role: 'lock-owner', when: { field: 'write_flags', bit: 2 } }),
  flags: openFlags(32),
  padding: padding(36),
});

export const WRITE_OUT = struct('write_out', 8, { size: u32(0), padding: padding(4) });

export const FSYNC_IN = struct('fsync_in', 16, {
  fh,
  fsync_flags: u32(8, { flags: FSYNC_FLAGS }),
  padding: padding(12),
});

export const LK_IN = struct('lk_in', 48, {
  fh,
  owner: u64(8, { role: 'lock-owner' }),
  lk: nested(16, FILE_LOCK),
  lk_flags: u32(40, { flags: LK_FLAGS }),
  padding: padding(44),
});

export const LK_OUT = struct('lk_out', 24, { lk: nested(0, FILE_LOCK) });

export const BMAP_IN = struct('bmap_in', 16, {
  block: u64(0),
  blocksize: u32(8),
  padding: padding(12),
});

export const BMAP_OUT = struct('bmap_out', 8, { block: u64(0) });

export const IOCTL_IN = struct('ioctl_in', 32, {
  fh,
  flags: u32(8, { flags: IOCTL_FLAGS }),
  cmd: u32(12, { view: 'hex' }),
  arg: u64(16, { view: 'hex' }),
  in_size: u32(24),
  out_size: u32(28),
});

export const IOCTL_IOVEC = struct('ioctl_iovec', 16, {
  base: u64(0, { view: 'hex' }),
  len: u64(8),
});

export const IOCTL_OUT = struct('ioctl_out', 16, {
  result: s32(0),
  flags: u32(4, { flags: IOCTL_FLAGS }),
  in_iovs: u32(8),
  out_iovs: u32(12),
});

export const POLL_IN = struct('poll_in', 24, {
  fh,
  kh: u64(8, { role: 'kh' }),
  flags: u32(16, { flags: POLL_FLAGS }),
  events: u32(20, { flags: POLL_EVENTS }),
});

export const POLL_OUT = struct('poll_out', 8, {
  revents: u32(0, { flags: POLL_EVENTS }),
  padding: padding(4),
});

export const FALLOCATE_IN = struct('fallocate_in', 32, {
  fh,
  offset: u64(8),
  length: u64(16),
  mode: u32(24, { flags: FALLOCATE_MODE }),
  padding: padding(28),
});

export const LSEEK_IN = struct('lseek_in', 24, {
  fh,
  offset: u64(8),
  whence: u32(16, { flags: WHENCE }),
  padding: padding(20),
});

export const LSEEK_OUT = struct('lseek_out', 8, { offset: u64(0) });

export const COPY_FILE_RANGE_IN = struct('copy_file_range_in', 56, {
  fh_in: fh,
  off_in: u64(8),
  nodeid_out: u64(16, { role: 'nodeid' }),
  fh_out: u64(24, { role: 'fh', of: 'nodeid_out' }),
  off_out: u64(32),
  len: u64(40),
  flags: u64(48, { view: 'hex' }),
});

export const COPY_FILE_RANGE_OUT = struct('copy_file_range_out', 8, { bytes_copied: u64(0) });

export const SETUPMAPPING_IN = struct('setupmapping_in', 40, {
  fh,
  foffset: u64(8),
  len: u64(16),
  flags: u64(24, { flags: MAPPING_FLAGS }),
  moffset: u64(32),
});

export const REMOVEMAPPING_IN = struct('removemapping_in', 4, { count: u32(0) });
export const REMOVEMAPPING_ONE = struct('removemapping_one', 16, { moffset: u64(0), len: u64(8) });

export const SYNCFS_IN = struct('syncfs_in', 8, { padding: u64(0, { role: 'padding' }) });
