// Attributes and extended attributes of the nodes behind.
#include <fcntl.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <cerrno>

#include "passthrough.h"

namespace fuse_rig {
namespace {

void FillTime(const statx_timestamp& from, fuse_sx_time* to) {
  *to = {from.tv_sec, from.tv_nsec, 0};
}

timespec TimeOf(const fuse_setattr_in& in, uint32_t set, uint32_t now, uint64_t s, uint32_t ns) {
  if ((in.valid & now) != 0) return {0, UTIME_NOW};
  if ((in.valid & set) == 0) return {0, UTIME_OMIT};
  return {static_cast<time_t>(s), static_cast<long>(ns)};
}

}  // namespace

int Passthrough::Getattr(In in, const uint64_t* fh, fuse_attr* attr) {
  const auto node = nodes_.Find(in.nodeid);
  if (!node) return ENOENT;
  const auto file = fh != nullptr ? files_.Find(*fh) : nullptr;
  struct stat st{};
  const int failed = file ? fstat(file->fd.get(), &st)
                          : fstatat(node->fd.get(), "", &st, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
  if (failed < 0) return errno;
  FillAttr(st, attr);
  return 0;
}

int Passthrough::Statx(In in, const uint64_t* fh, const fuse_statx_in& asked, fuse_statx* out) {
  const auto node = nodes_.Find(in.nodeid);
  if (!node) return ENOENT;
  const auto file = fh != nullptr ? files_.Find(*fh) : nullptr;
  struct statx stx{};
  const int flags =
      AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | (static_cast<int>(asked.sx_flags) & AT_STATX_SYNC_TYPE);
  const unsigned mask = asked.sx_mask & ~static_cast<unsigned>(STATX__RESERVED);
  if (statx(file ? file->fd.get() : node->fd.get(), "", flags, mask, &stx) < 0) return errno;
  out->mask = stx.stx_mask & (STATX_BASIC_STATS | STATX_BTIME);
  out->blksize = stx.stx_blksize;
  out->attributes = stx.stx_attributes;
  out->attributes_mask = stx.stx_attributes_mask;
  out->nlink = stx.stx_nlink;
  out->uid = stx.stx_uid;
  out->gid = stx.stx_gid;
  out->mode = stx.stx_mode;
  out->ino = stx.stx_ino;
  out->size = stx.stx_size;
  out->blocks = stx.stx_blocks;
  FillTime(stx.stx_atime, &out->atime);
  FillTime(stx.stx_btime, &out->btime);
  FillTime(stx.stx_ctime, &out->ctime);
  FillTime(stx.stx_mtime, &out->mtime);
  out->rdev_major = stx.stx_rdev_major;
  out->rdev_minor = stx.stx_rdev_minor;
  out->dev_major = stx.stx_dev_major;
  out->dev_minor = stx.stx_dev_minor;
  return 0;
}

int Passthrough::Setattr(In in, const fuse_setattr_in& set, fuse_attr* attr) {
  const auto node = nodes_.Find(in.nodeid);
  if (!node) return ENOENT;
  const auto file = (set.valid & kSetFh) != 0 ? files_.Find(set.fh) : nullptr;
  const std::string path = node->Path();
  if ((set.valid & kSetMode) != 0) {
    const int failed = file ? fchmod(file->fd.get(), set.mode) : chmod(path.c_str(), set.mode);
    if (failed < 0) return errno;
  }
  if ((set.valid & (kSetUid | kSetGid)) != 0) {
    const uid_t uid = (set.valid & kSetUid) != 0 ? set.uid : static_cast<uid_t>(-1);
    const gid_t gid = (set.valid & kSetGid) != 0 ? set.gid : static_cast<gid_t>(-1);
    if (fchownat(node->fd.get(), "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0)
      return errno;
  }
  if ((set.valid & kSetSize) != 0) {
    const auto size = static_cast<off_t>(set.size);
    // A handle opened for reading cannot truncate; the path can, if the user may.
    if (!file || ftruncate(file->fd.get(), size) < 0) {
      if (truncate(path.c_str(), size) < 0) return errno;
    }
  }
  if ((set.valid & (kSetAtime | kSetMtime)) != 0) {
    const timespec times[2] = {TimeOf(set, kSetAtime, kSetAtimeNow, set.atime, set.atimensec),
                               TimeOf(set, kSetMtime, kSetMtimeNow, set.mtime, set.mtimensec)};
    // AT_EMPTY_PATH reaches symbolic links as well (Linux 5.8).
    if (utimensat(node->fd.get(), "", times, AT_EMPTY_PATH) < 0) return errno;
  }
  return Getattr(in, (set.valid & kSetFh) != 0 ? &set.fh : nullptr, attr);
}

int Passthrough::Readlink(In in, char* into, size_t room, size_t* length) {
  const auto node = nodes_.Find(in.nodeid);
  if (!node) return ENOENT;
  const ssize_t n = readlinkat(node->fd.get(), "", into, room);
  if (n < 0) return errno == ENOENT ? EINVAL : errno;
  *length = static_cast<size_t>(n);
  return 0;
}

int Passthrough::Access(In in, uint32_t mask) {
  const auto node = nodes_.Find(in.nodeid);
  if (!node) return ENOENT;
  return access(node->Path().c_str(), static_cast<int>(mask)) < 0 ? errno : 0;
}

int Passthrough::Statfs(In in, fuse_kstatfs* out) {
  const auto node = nodes_.Find(in.nodeid != 0 ? in.nodeid : kRootId);
  if (!node) return ENOENT;
  struct statfs st{};
  if (fstatfs(node->fd.get(), &st) < 0) return errno;
  out->blocks = st.f_blocks;
  out->bfree = st.f_bfree;
  out->bavail = st.f_bavail;
  out->files = st.f_files;
  out->ffree = st.f_ffree;
  out->bsize = static_cast<uint32_t>(st.f_bsize);
  out->namelen = static_cast<uint32_t>(st.f_namelen);
  out->frsize = static_cast<uint32_t>(st.f_frsize);
  return 0;
}

int Passthrough::Syncfs(In in) {
  const auto node = nodes_.Find(in.nodeid != 0 ? in.nodeid : kRootId);
  if (!node) return ENOENT;
  Fd fd(open(node->Path().c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  return !fd.ok() || syncfs(fd.get()) < 0 ? errno : 0;
}

int Passthrough::Setxattr(In in, Name name, const char* value, size_t size, uint32_t flags) {
  const auto node = nodes_.Find(in.nodeid);
  if (!node) return ENOENT;
  return setxattr(node->Path().c_str(), name, value, size, static_cast<int>(flags)) < 0 ? errno : 0;
}

int Passthrough::Getxattr(In in, Name name, char* into, size_t size, size_t* length) {
  const auto node = nodes_.Find(in.nodeid);
  if (!node) return ENOENT;
  const ssize_t n = getxattr(node->Path().c_str(), name, into, size);
  if (n < 0) return errno;
  *length = static_cast<size_t>(n);
  return 0;
}

int Passthrough::Listxattr(In in, char* into, size_t size, size_t* length) {
  const auto node = nodes_.Find(in.nodeid);
  if (!node) return ENOENT;
  const ssize_t n = listxattr(node->Path().c_str(), into, size);
  if (n < 0) return errno;
  *length = static_cast<size_t>(n);
  return 0;
}

int Passthrough::Removexattr(In in, Name name) {
  const auto node = nodes_.Find(in.nodeid);
  if (!node) return ENOENT;
  return removexattr(node->Path().c_str(), name) < 0 ? errno : 0;
}

}  // namespace fuse_rig
