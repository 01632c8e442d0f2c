/** Structures of the session itself: INIT, forgets, interrupts, notifications, extensions, rings. */
import { CUSE_FLAGS, EXPIRE_FLAGS, URING_ENT_FLAGS } from './flags.ts';
import { INIT_FLAGS, INIT_FLAGS2 } from './init-flags.ts';
import { nested, s32, s64, struct, u8s, u16, u16s, u32, u32s, u64 } from './layout.ts';

const padding = (offset: number) => u32(offset, { role: 'padding' });
const padding64 = (offset: number) => u64(offset, { role: 'padding' });
const nodeid = (offset: number) => u64(offset, { role: 'nodeid' });

export const INIT_IN = struct('init_in', 64, {
  major: u32(0),
  minor: u32(4),
  max_readahead: u32(8),
  flags: u32(12, { flags: INIT_FLAGS }),
  flags2: u32(16, { flags: INIT_FLAGS2 }),
  unused: u32s(20, 11),
});

export const INIT_OUT = struct('init_out', 64, {
  major: u32(0),
  minor: u32(4),
  max_readahead: u32(8),
  flags: u32(12, { flags: INIT_FLAGS }),
  max_background: u16(16),
  congestion_threshold: u16(18),
  max_write: u32(20),
  time_gran: u32(24),
  max_pages: u16(28),
  map_alignment: u16(30),
  flags2: u32(32, { flags: INIT_FLAGS2 }),
  max_stack_depth: u32(36),
  request_timeout: u16(40),
  unused: u16s(42, 11),
});

export const CUSE_INIT_IN = struct('cuse_init_in', 16, {
  major: u32(0),
  minor: u32(4),
  unused: padding(8),
  flags: u32(12, { flags: CUSE_FLAGS }),
});

export const CUSE_INIT_OUT = struct('cuse_init_out', 72, {
  major: u32(0),
  minor: u32(4),
  unused: padding(8),
  flags: u32(12, { flags: CUSE_FLAGS }),
  max_read: u32(16),
  max_write: u32(20),
  dev_major: u32(24),
  dev_minor: u32(28),
  spare: u32s(32, 10),
});

export const FORGET_IN = struct('forget_in', 8, { nlookup: u64(0) });
export const FORGET_ONE = struct('forget_one', 16, { nodeid: nodeid(0), nlookup: u64(8) });
export const BATCH_FORGET_IN = struct('batch_forget_in', 8, { count: u32(0), dummy: padding(4) });

/** `unique` is the interrupted request's. */
export const INTERRUPT_IN = struct('interrupt_in', 8, { unique: u64(0, { role: 'unique' }) });

export const NOTIFY_POLL_WAKEUP_OUT = struct('notify_poll_wakeup_out', 8, {
  kh: u64(0, { role: 'kh' }),
});

/** `ino` is a nodeid in spite of its name; `off` below 0 means attributes only. */
export const NOTIFY_INVAL_INODE_OUT = struct('notify_inval_inode_out', 24, {
  ino: nodeid(0),
  off: s64(8),
  len: s64(16),
});

/** The name follows, with a NUL that `namelen` does not count. */
export const NOTIFY_INVAL_ENTRY_OUT = struct('notify_inval_entry_out', 16, {
  parent: nodeid(0),
  namelen: u32(8),
  flags: u32(12, { flags: EXPIRE_FLAGS }),
});

export const NOTIFY_DELETE_OUT = struct('notify_delete_out', 24, {
  parent: nodeid(0),
  child: nodeid(8),
  namelen: u32(16),
  padding: padding(20),
});

export const NOTIFY_STORE_OUT = struct('notify_store_out', 24, {
  nodeid: nodeid(0),
  offset: u64(8),
  size: u32(16),
  padding: padding(20),
});

/** `notify_unique` comes back as the unique of a NOTIFY_REPLY. */
export const NOTIFY_RETRIEVE_OUT = struct('notify_retrieve_out', 32, {
  notify_unique: u64(0, { role: 'unique' }),
  nodeid: nodeid(8),
  offset: u64(16),
  size: u32(24),
  padding: padding(28),
});

/** The body of a NOTIFY_REPLY; laid out like write_in. */
export const NOTIFY_RETRIEVE_IN = struct('notify_retrieve_in', 40, {
  dummy1: padding64(0),
  offset: u64(8),
  size: u32(16),
  dummy2: padding(20),
  dummy3: padding64(24),
  dummy4: padding64(32),
});

export const NOTIFY_PRUNE_OUT = struct('notify_prune_out', 16, {
  count: u32(0),
  padding: padding(4),
  spare: padding64(8),
});

/** One of the nodeids after notify_prune_out; a plain u64 in C. */
export const NOTIFY_PRUNE_ONE = struct('notify_prune_one', 8, { nodeid: nodeid(0) });

export const BACKING_MAP = struct('backing_map', 16, {
  fd: s32(0),
  flags: u32(4, { view: 'hex' }),
  padding: padding64(8),
});

export const SECCTX = struct('secctx', 8, { size: u32(0), padding: padding(4) });
export const SECCTX_HEADER = struct('secctx_header', 8, { size: u32(0), nr_secctx: u32(4) });
export const EXT_HEADER = struct('ext_header', 8, { size: u32(0), type: u32(4) });
/** The group ids follow as u32. */
export const SUPP_GROUPS = struct('supp_groups', 4, { nr_groups: u32(0) });

export const URING_ENT_IN_OUT = struct('uring_ent_in_out', 32, {
  flags: u64(0, { flags: URING_ENT_FLAGS }),
  commit_id: u64(8, { role: 'unique' }),
  payload_sz: u32(16),
  padding: padding(20),
  reserved: padding64(24),
});

/** What the first iovec of a REGISTER points to. */
export const URING_REQ_HEADER = struct('uring_req_header', 288, {
  in_out: u8s(0, 128, {}),
  op_in: u8s(128, 128, {}),
  ring_ent_in_out: nested(256, URING_ENT_IN_OUT),
});

/** The command area of an SQE128, at its byte 48. */
export const URING_CMD_REQ = struct('uring_cmd_req', 24, {
  flags: u64(0, { view: 'hex' }),
  commit_id: u64(8, { role: 'unique' }),
  qid: u16(16),
  padding: u8s(18, 6),
});
