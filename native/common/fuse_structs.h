// The structures of FUSE protocol 7.45, as on the wire of x86-64. Source: the layouts of Linux 6.18's
// include/uapi/linux/fuse.h, taken from a running kernel's type information. Own definitions, since a
// distribution's <linux/fuse.h> is older; never include both.
#pragma once

#include <cstdint>

namespace fuse_rig {

struct fuse_attr {
  uint64_t ino, size, blocks, atime, mtime, ctime;
  uint32_t atimensec, mtimensec, ctimensec, mode, nlink, uid, gid, rdev, blksize, flags;
};
static_assert(sizeof(fuse_attr) == 88);

struct fuse_sx_time {
  int64_t tv_sec;
  uint32_t tv_nsec;
  int32_t __reserved;
};
static_assert(sizeof(fuse_sx_time) == 16);

struct fuse_statx {
  uint32_t mask, blksize;
  uint64_t attributes;
  uint32_t nlink, uid, gid;
  uint16_t mode, __spare0[1];
  uint64_t ino, size, blocks, attributes_mask;
  fuse_sx_time atime, btime, ctime, mtime;
  uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
  uint64_t __spare2[14];
};
static_assert(sizeof(fuse_statx) == 256);

struct fuse_kstatfs {
  uint64_t blocks, bfree, bavail, files, ffree;
  uint32_t bsize, namelen, frsize, padding, spare[6];
};
static_assert(sizeof(fuse_kstatfs) == 80);

struct fuse_file_lock {
  uint64_t start, end;
  uint32_t type, pid;
};
static_assert(sizeof(fuse_file_lock) == 24);

struct fuse_entry_out {
  uint64_t nodeid, generation, entry_valid, attr_valid;
  uint32_t entry_valid_nsec, attr_valid_nsec;
  fuse_attr attr;
};
static_assert(sizeof(fuse_entry_out) == 128);

struct fuse_forget_in {
  uint64_t nlookup;
};
static_assert(sizeof(fuse_forget_in) == 8);

struct fuse_forget_one {
  uint64_t nodeid, nlookup;
};
static_assert(sizeof(fuse_forget_one) == 16);

struct fuse_batch_forget_in {
  uint32_t count, dummy;
};
static_assert(sizeof(fuse_batch_forget_in) == 8);

struct fuse_getattr_in {
  uint32_t getattr_flags, dummy;
  uint64_t fh;
};
static_assert(sizeof(fuse_getattr_in) == 16);

struct fuse_attr_out {
  uint64_t attr_valid;
  uint32_t attr_valid_nsec, dummy;
  fuse_attr attr;
};
static_assert(sizeof(fuse_attr_out) == 104);

struct fuse_statx_in {
  uint32_t getattr_flags, reserved;
  uint64_t fh;
  uint32_t sx_flags, sx_mask;
};
static_assert(sizeof(fuse_statx_in) == 24);

struct fuse_statx_out {
  uint64_t attr_valid;
  uint32_t attr_valid_nsec, flags;
  uint64_t spare[2];
  fuse_statx stat;
};
static_assert(sizeof(fuse_statx_out) == 288);

struct fuse_mknod_in {
  uint32_t mode, rdev, umask, padding;
};
static_assert(sizeof(fuse_mknod_in) == 16);

struct fuse_mkdir_in {
  uint32_t mode, umask;
};
static_assert(sizeof(fuse_mkdir_in) == 8);

struct fuse_rename2_in {
  uint64_t newdir;
  uint32_t flags, padding;
};
static_assert(sizeof(fuse_rename2_in) == 16);

struct fuse_link_in {
  uint64_t oldnodeid;
};
static_assert(sizeof(fuse_link_in) == 8);

struct fuse_setattr_in {
  uint32_t valid, padding;
  uint64_t fh, size, lock_owner, atime, mtime, ctime;
  uint32_t atimensec, mtimensec, ctimensec, mode, unused4, uid, gid, unused5;
};
static_assert(sizeof(fuse_setattr_in) == 88);

struct fuse_open_in {
  uint32_t flags, open_flags;
};
static_assert(sizeof(fuse_open_in) == 8);

struct fuse_create_in {
  uint32_t flags, mode, umask, open_flags;
};
static_assert(sizeof(fuse_create_in) == 16);

struct fuse_open_out {
  uint64_t fh;
  uint32_t open_flags;
  int32_t backing_id;
};
static_assert(sizeof(fuse_open_out) == 16);

struct fuse_release_in {
  uint64_t fh;
  uint32_t flags, release_flags;
  uint64_t lock_owner;
};
static_assert(sizeof(fuse_release_in) == 24);

struct fuse_flush_in {
  uint64_t fh;
  uint32_t unused, padding;
  uint64_t lock_owner;
};
static_assert(sizeof(fuse_flush_in) == 24);

struct fuse_read_in {
  uint64_t fh, offset;
  uint32_t size, read_flags;
  uint64_t lock_owner;
  uint32_t flags, padding;
};
static_assert(sizeof(fuse_read_in) == 40);

struct fuse_write_in {
  uint64_t fh, offset;
  uint32_t size, write_flags;
  uint64_t lock_owner;
  uint32_t flags, padding;
};
static_assert(sizeof(fuse_write_in) == 40);

struct fuse_write_out {
  uint32_t size, padding;
};
static_assert(sizeof(fuse_write_out) == 8);

struct fuse_statfs_out {
  fuse_kstatfs st;
};
static_assert(sizeof(fuse_statfs_out) == 80);

struct fuse_fsync_in {
  uint64_t fh;
  uint32_t fsync_flags, padding;
};
static_assert(sizeof(fuse_fsync_in) == 16);

struct fuse_setxattr_in {
  uint32_t size, flags, setxattr_flags, padding;
};
static_assert(sizeof(fuse_setxattr_in) == 16);

struct fuse_getxattr_in {
  uint32_t size, padding;
};
static_assert(sizeof(fuse_getxattr_in) == 8);

struct fuse_getxattr_out {
  uint32_t size, padding;
};
static_assert(sizeof(fuse_getxattr_out) == 8);

struct fuse_lk_in {
  uint64_t fh, owner;
  fuse_file_lock lk;
  uint32_t lk_flags, padding;
};
static_assert(sizeof(fuse_lk_in) == 48);

struct fuse_lk_out {
  fuse_file_lock lk;
};
static_assert(sizeof(fuse_lk_out) == 24);

struct fuse_access_in {
  uint32_t mask, padding;
};
static_assert(sizeof(fuse_access_in) == 8);

struct fuse_init_in {
  uint32_t major, minor, max_readahead, flags, flags2, unused[11];
};
static_assert(sizeof(fuse_init_in) == 64);

struct fuse_init_out {
  uint32_t major, minor, max_readahead, flags;
  uint16_t max_background, congestion_threshold;
  uint32_t max_write, time_gran;
  uint16_t max_pages, map_alignment;
  uint32_t flags2, max_stack_depth;
  uint16_t request_timeout, unused[11];
};
static_assert(sizeof(fuse_init_out) == 64);

struct fuse_interrupt_in {
  uint64_t unique;
};
static_assert(sizeof(fuse_interrupt_in) == 8);

struct fuse_bmap_in {
  uint64_t block;
  uint32_t blocksize, padding;
};
static_assert(sizeof(fuse_bmap_in) == 16);

struct fuse_bmap_out {
  uint64_t block;
};
static_assert(sizeof(fuse_bmap_out) == 8);

struct fuse_ioctl_in {
  uint64_t fh;
  uint32_t flags, cmd;
  uint64_t arg;
  uint32_t in_size, out_size;
};
static_assert(sizeof(fuse_ioctl_in) == 32);

struct fuse_ioctl_iovec {
  uint64_t base, len;
};
static_assert(sizeof(fuse_ioctl_iovec) == 16);

struct fuse_ioctl_out {
  int32_t result;
  uint32_t flags, in_iovs, out_iovs;
};
static_assert(sizeof(fuse_ioctl_out) == 16);

struct fuse_poll_in {
  uint64_t fh, kh;
  uint32_t flags, events;
};
static_assert(sizeof(fuse_poll_in) == 24);

struct fuse_poll_out {
  uint32_t revents, padding;
};
static_assert(sizeof(fuse_poll_out) == 8);

struct fuse_notify_poll_wakeup_out {
  uint64_t kh;
};
static_assert(sizeof(fuse_notify_poll_wakeup_out) == 8);

struct fuse_fallocate_in {
  uint64_t fh, offset, length;
  uint32_t mode, padding;
};
static_assert(sizeof(fuse_fallocate_in) == 32);

struct fuse_in_header {
  uint32_t len, opcode;
  uint64_t unique, nodeid;
  uint32_t uid, gid, pid;
  uint16_t total_extlen, padding;
};
static_assert(sizeof(fuse_in_header) == 40);

struct fuse_out_header {
  uint32_t len;
  int32_t error;
  uint64_t unique;
};
static_assert(sizeof(fuse_out_header) == 16);

struct fuse_dirent {
  uint64_t ino, off;
  uint32_t namelen, type;
};
static_assert(sizeof(fuse_dirent) == 24);

struct fuse_direntplus {
  fuse_entry_out entry_out;
  fuse_dirent dirent;
};
static_assert(sizeof(fuse_direntplus) == 152);

struct fuse_notify_inval_inode_out {
  uint64_t ino;
  int64_t off, len;
};
static_assert(sizeof(fuse_notify_inval_inode_out) == 24);

struct fuse_notify_inval_entry_out {
  uint64_t parent;
  uint32_t namelen, flags;
};
static_assert(sizeof(fuse_notify_inval_entry_out) == 16);

struct fuse_notify_delete_out {
  uint64_t parent, child;
  uint32_t namelen, padding;
};
static_assert(sizeof(fuse_notify_delete_out) == 24);

struct fuse_notify_store_out {
  uint64_t nodeid, offset;
  uint32_t size, padding;
};
static_assert(sizeof(fuse_notify_store_out) == 24);

struct fuse_notify_retrieve_out {
  uint64_t notify_unique, nodeid, offset;
  uint32_t size, padding;
};
static_assert(sizeof(fuse_notify_retrieve_out) == 32);

struct fuse_notify_retrieve_in {
  uint64_t dummy1, offset;
  uint32_t size, dummy2;
  uint64_t dummy3, dummy4;
};
static_assert(sizeof(fuse_notify_retrieve_in) == 40);

struct fuse_notify_prune_out {
  uint32_t count, padding;
  uint64_t spare;
};
static_assert(sizeof(fuse_notify_prune_out) == 16);

struct fuse_backing_map {
  int32_t fd;
  uint32_t flags;
  uint64_t padding;
};
static_assert(sizeof(fuse_backing_map) == 16);

struct fuse_lseek_in {
  uint64_t fh, offset;
  uint32_t whence, padding;
};
static_assert(sizeof(fuse_lseek_in) == 24);

struct fuse_lseek_out {
  uint64_t offset;
};
static_assert(sizeof(fuse_lseek_out) == 8);

struct fuse_copy_file_range_in {
  uint64_t fh_in, off_in, nodeid_out, fh_out, off_out, len, flags;
};
static_assert(sizeof(fuse_copy_file_range_in) == 56);

struct fuse_copy_file_range_out {
  uint64_t bytes_copied;
};
static_assert(sizeof(fuse_copy_file_range_out) == 8);

struct fuse_syncfs_in {
  uint64_t padding;
};
static_assert(sizeof(fuse_syncfs_in) == 8);

struct fuse_secctx {
  uint32_t size, padding;
};
static_assert(sizeof(fuse_secctx) == 8);

struct fuse_secctx_header {
  uint32_t size, nr_secctx;
};
static_assert(sizeof(fuse_secctx_header) == 8);

struct fuse_ext_header {
  uint32_t size, type;
};
static_assert(sizeof(fuse_ext_header) == 8);

struct fuse_supp_groups {
  uint32_t nr_groups;
};
static_assert(sizeof(fuse_supp_groups) == 4);

// Of a ring entry's header buffer (struct fuse_uring_req_header): commit_id names the delivered
// request, payload_sz the bytes in the payload buffer, of the request and then of the reply.
struct fuse_uring_ent_in_out {
  uint64_t flags, commit_id;
  uint32_t payload_sz, padding;
  uint64_t reserved;
};
static_assert(sizeof(fuse_uring_ent_in_out) == 32);

// in_out: fuse_in_header, then fuse_out_header. op_in: the operation's own structure.
struct fuse_uring_req_header {
  char in_out[128];
  char op_in[128];
  fuse_uring_ent_in_out ring_ent_in_out;
};
static_assert(sizeof(fuse_uring_req_header) == 288);

// In the command area of the SQE (the kernel's struct has 6 bytes of padding at its end).
struct fuse_uring_cmd_req {
  uint64_t flags, commit_id;
  uint16_t qid, padding[3];
};
static_assert(sizeof(fuse_uring_cmd_req) == 24);

}  // namespace fuse_rig
