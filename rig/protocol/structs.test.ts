/**
 * The layouts against the facts of a running kernel: sizes, offsets and types of every structure
 * are those of its type information (x86-64, Linux 6.18), and no byte belongs to two fields.
 */
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { layoutArb, runs } from './arbitraries.ts';
import { decode, encode } from './codec.ts';
import { extent, type Layout } from './layout.ts';
import { STRUCTS } from './structs.ts';

/** struct size offset:field:type ...; trailing arrays without a size are left out. */
const FACTS = `
  attr 88 0:ino:u64 8:size:u64 16:blocks:u64 24:atime:u64 32:mtime:u64 40:ctime:u64 48:atimensec:u32 52:mtimensec:u32 56:ctimensec:u32 60:mode:u32 64:nlink:u32 68:uid:u32 72:gid:u32 76:rdev:u32 80:blksize:u32 84:flags:u32
  sx_time 16 0:tv_sec:s64 8:tv_nsec:u32 12:__reserved:s32
  statx 256 0:mask:u32 4:blksize:u32 8:attributes:u64 16:nlink:u32 20:uid:u32 24:gid:u32 28:mode:u16 30:__spare0:u16[1] 32:ino:u64 40:size:u64 48:blocks:u64 56:attributes_mask:u64 64:atime:sx_time 80:btime:sx_time 96:ctime:sx_time 112:mtime:sx_time 128:rdev_major:u32 132:rdev_minor:u32 136:dev_major:u32 140:dev_minor:u32 144:__spare2:u64[14]
  kstatfs 80 0:blocks:u64 8:bfree:u64 16:bavail:u64 24:files:u64 32:ffree:u64 40:bsize:u32 44:namelen:u32 48:frsize:u32 52:padding:u32 56:spare:u32[6]
  file_lock 24 0:start:u64 8:end:u64 16:type:u32 20:pid:u32
  entry_out 128 0:nodeid:u64 8:generation:u64 16:entry_valid:u64 24:attr_valid:u64 32:entry_valid_nsec:u32 36:attr_valid_nsec:u32 40:attr:attr
  forget_in 8 0:nlookup:u64
  forget_one 16 0:nodeid:u64 8:nlookup:u64
  batch_forget_in 8 0:count:u32 4:dummy:u32
  getattr_in 16 0:getattr_flags:u32 4:dummy:u32 8:fh:u64
  attr_out 104 0:attr_valid:u64 8:attr_valid_nsec:u32 12:dummy:u32 16:attr:attr
  statx_in 24 0:getattr_flags:u32 4:reserved:u32 8:fh:u64 16:sx_flags:u32 20:sx_mask:u32
  statx_out 288 0:attr_valid:u64 8:attr_valid_nsec:u32 12:flags:u32 16:spare:u64[2] 32:stat:statx
  mknod_in 16 0:mode:u32 4:rdev:u32 8:umask:u32 12:padding:u32
  mkdir_in 8 0:mode:u32 4:umask:u32
  rename2_in 16 0:newdir:u64 8:flags:u32 12:padding:u32
  link_in 8 0:oldnodeid:u64
  setattr_in 88 0:valid:u32 4:padding:u32 8:fh:u64 16:size:u64 24:lock_owner:u64 32:atime:u64 40:mtime:u64 48:ctime:u64 56:atimensec:u32 60:mtimensec:u32 64:ctimensec:u32 68:mode:u32 72:unused4:u32 76:uid:u32 80:gid:u32 84:unused5:u32
  open_in 8 0:flags:u32 4:open_flags:u32
  create_in 16 0:flags:u32 4:mode:u32 8:umask:u32 12:open_flags:u32
  open_out 16 0:fh:u64 8:open_flags:u32 12:backing_id:s32
  release_in 24 0:fh:u64 8:flags:u32 12:release_flags:u32 16:lock_owner:u64
  flush_in 24 0:fh:u64 8:unused:u32 12:padding:u32 16:lock_owner:u64
  read_in 40 0:fh:u64 8:offset:u64 16:size:u32 20:read_flags:u32 24:lock_owner:u64 32:flags:u32 36:padding:u32
  write_in 40 0:fh:u64 8:offset:u64 16:size:u32 20:write_flags:u32 24:lock_owner:u64 32:flags:u32 36:padding:u32
  write_out 8 0:size:u32 4:padding:u32
  statfs_out 80 0:st:kstatfs
  fsync_in 16 0:fh:u64 8:fsync_flags:u32 12:padding:u32
  setxattr_in 16 0:size:u32 4:flags:u32 8:setxattr_flags:u32 12:padding:u32
  getxattr_in 8 0:size:u32 4:padding:u32
  getxattr_out 8 0:size:u32 4:padding:u32
  lk_in 48 0:fh:u64 8:owner:u64 16:lk:file_lock 40:lk_flags:u32 44:padding:u32
  lk_out 24 0:lk:file_lock
  access_in 8 0:mask:u32 4:padding:u32
  init_in 64 0:major:u32 4:minor:u32 8:max_readahead:u32 12:flags:u32 16:flags2:u32 20:unused:u32[11]
  interrupt_in 8 0:unique:u64
  bmap_in 16 0:block:u64 8:blocksize:u32 12:padding:u32
  bmap_out 8 0:block:u64
  ioctl_in 32 0:fh:u64 8:flags:u32 12:cmd:u32 16:arg:u64 24:in_size:u32 28:out_size:u32
  ioctl_iovec 16 0:base:u64 8:len:u64
  ioctl_out 16 0:result:s32 4:flags:u32 8:in_iovs:u32 12:out_iovs:u32
  poll_in 24 0:fh:u64 8:kh:u64 16:flags:u32 20:events:u32
  poll_out 8 0:revents:u32 4:padding:u32
  notify_poll_wakeup_out 8 0:kh:u64
  fallocate_in 32 0:fh:u64 8:offset:u64 16:length:u64 24:mode:u32 28:padding:u32
  in_header 40 0:len:u32 4:opcode:u32 8:unique:u64 16:nodeid:u64 24:uid:u32 28:gid:u32 32:pid:u32 36:total_extlen:u16 38:padding:u16
  out_header 16 0:len:u32 4:error:s32 8:unique:u64
  dirent 24 0:ino:u64 8:off:u64 16:namelen:u32 20:type:u32
  direntplus 152 0:entry_out:entry_out 128:dirent:dirent
  notify_inval_inode_out 24 0:ino:u64 8:off:s64 16:len:s64
  notify_inval_entry_out 16 0:parent:u64 8:namelen:u32 12:flags:u32
  notify_delete_out 24 0:parent:u64 8:child:u64 16:namelen:u32 20:padding:u32
  notify_store_out 24 0:nodeid:u64 8:offset:u64 16:size:u32 20:padding:u32
  notify_retrieve_out 32 0:notify_unique:u64 8:nodeid:u64 16:offset:u64 24:size:u32 28:padding:u32
  notify_retrieve_in 40 0:dummy1:u64 8:offset:u64 16:size:u32 20:dummy2:u32 24:dummy3:u64 32:dummy4:u64
  notify_prune_out 16 0:count:u32 4:padding:u32 8:spare:u64
  backing_map 16 0:fd:s32 4:flags:u32 8:padding:u64
  lseek_in 24 0:fh:u64 8:offset:u64 16:whence:u32 20:padding:u32
  lseek_out 8 0:offset:u64
  copy_file_range_in 56 0:fh_in:u64 8:off_in:u64 16:nodeid_out:u64 24:fh_out:u64 32:off_out:u64 40:len:u64 48:flags:u64
  copy_file_range_out 8 0:bytes_copied:u64
  syncfs_in 8 0:padding:u64
  secctx 8 0:size:u32 4:padding:u32
  secctx_header 8 0:size:u32 4:nr_secctx:u32
  ext_header 8 0:size:u32 4:type:u32
  supp_groups 4 0:nr_groups:u32
  setupmapping_in 40 0:fh:u64 8:foffset:u64 16:len:u64 24:flags:u64 32:moffset:u64
  removemapping_in 4 0:count:u32
  removemapping_one 16 0:moffset:u64 8:len:u64
  rename_in 8 0:newdir:u64
  cuse_init_in 16 0:major:u32 4:minor:u32 8:unused:u32 12:flags:u32
  cuse_init_out 72 0:major:u32 4:minor:u32 8:unused:u32 12:flags:u32 16:max_read:u32 20:max_write:u32 24:dev_major:u32 28:dev_minor:u32 32:spare:u32[10]
  init_out 64 0:major:u32 4:minor:u32 8:max_readahead:u32 12:flags:u32 16:max_background:u16 18:congestion_threshold:u16 20:max_write:u32 24:time_gran:u32 28:max_pages:u16 30:map_alignment:u16 32:flags2:u32 36:max_stack_depth:u32 40:request_timeout:u16 42:unused:u16[11]
  notify_prune_one 8 0:nodeid:u64
  uring_ent_in_out 32 0:flags:u64 8:commit_id:u64 16:payload_sz:u32 20:padding:u32 24:reserved:u64
  uring_req_header 288 0:in_out:u8[128] 128:op_in:u8[128] 256:ring_ent_in_out:uring_ent_in_out
  uring_cmd_req 24 0:flags:u64 8:commit_id:u64 16:qid:u16 18:padding:u8[6]
`;

const described = (layout: Layout): string => {
  const fields = layout.list.map(([name, field]) => {
    const type = typeof field.type === 'object' ? field.type.name : field.type;
    return `${field.offset}:${name}:${type}${field.count > 0 ? `[${field.count}]` : ''}`;
  });
  return [layout.name, layout.size, ...fields].join(' ');
};

const facts = FACTS.trim()
  .split('\n')
  .map((line) => line.trim());

test('every structure is laid out as in the kernel, and none is missing or invented', () => {
  expect(new Set(STRUCTS.map(described))).toEqual(new Set(facts));
});

describe.each(STRUCTS.map((layout) => [layout.name, layout] as const))('%s', (_, layout) => {
  it('gives every byte to at most one field, inside its size', () => {
    let end = 0;
    for (const [, field] of [...layout.list].sort((a, b) => a[1].offset - b[1].offset)) {
      expect(field.offset).toBeGreaterThanOrEqual(end);
      end = field.offset + extent(field);
    }
    expect(end).toBeLessThanOrEqual(layout.size);
  });

  it('names only fields of its own in its marks', () => {
    for (const [, { when, of }] of layout.list) {
      if (when !== undefined) expect(layout.fields[when.field]?.type).toBe('u32');
      if (of !== undefined) expect(layout.fields[of]?.role).toBe('nodeid');
    }
  });

  it('returns what was encoded, whole or cut short', () => {
    const sized = fc
      .integer({ min: 0, max: layout.size })
      .chain((size) => layoutArb(layout, size).map((values) => ({ size, values })));
    fc.assert(
      fc.property(sized, ({ size, values }) => {
        const bytes = encode(layout, values, size);
        expect(bytes.length).toBe(size);
        expect(decode(layout, bytes, 0, size)).toEqual(values);
      }),
      runs(30),
    );
  });
});
