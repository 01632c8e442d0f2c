// Attributes and extended attributes of the memory file system.
#include <sys/stat.h>
#include <sys/xattr.h>

#include <cerrno>
#include <cstring>

#include "memory.h"

namespace fuse_rig {
namespace {

fuse_sx_time SxTime(Time t) { return {static_cast<int64_t>(t.s), t.ns, 0}; }

constexpr size_t kXattrSizeMax = 65536;

}  // namespace

int Memory::Getattr(In in, const uint64_t*, fuse_attr* attr) {
  Held hold(mutex_);
  const Inode* inode = Find(in.nodeid);
  if (inode == nullptr) return ENOENT;
  Fill(*inode, attr);
  return 0;
}

int Memory::Statx(In in, const uint64_t*, const fuse_statx_in&, fuse_statx* out) {
  Held hold(mutex_);
  const Inode* inode = Find(in.nodeid);
  if (inode == nullptr) return ENOENT;
  fuse_attr attr;
  Fill(*inode, &attr);
  out->mask = STATX_BASIC_STATS | STATX_BTIME;
  out->blksize = attr.blksize;
  out->nlink = attr.nlink;
  out->uid = attr.uid;
  out->gid = attr.gid;
  out->mode = static_cast<uint16_t>(attr.mode);
  out->ino = attr.ino;
  out->size = attr.size;
  out->blocks = attr.blocks;
  out->atime = SxTime(inode->atime);
  out->btime = SxTime(inode->btime);
  out->ctime = SxTime(inode->ctime);
  out->mtime = SxTime(inode->mtime);
  // rdev is encoded as the kernel's new_encode_dev().
  out->rdev_major = (attr.rdev & 0xfff00) >> 8;
  out->rdev_minor = (attr.rdev & 0xff) | ((attr.rdev >> 12) & 0xfff00);
  return 0;
}

int Memory::Setattr(In in, const fuse_setattr_in& set, fuse_attr* attr) {
  Held hold(mutex_);
  Inode* inode = Find(in.nodeid);
  if (inode == nullptr) return ENOENT;
  if ((set.valid & kSetSize) != 0) {
    if (!S_ISREG(inode->mode)) return EINVAL;
    if (const int error = inode->data.Truncate(set.size); error != 0) return error;
    Changed(inode);
  }
  if ((set.valid & kSetMode) != 0) inode->mode = (inode->mode & S_IFMT) | (set.mode & 07777);
  if ((set.valid & kSetUid) != 0) inode->uid = set.uid;
  if ((set.valid & kSetGid) != 0) inode->gid = set.gid;
  if ((set.valid & ~static_cast<uint32_t>(kSetFh)) != 0) Touched(inode);
  // "Now" is ours to say: the kernel's clock is in the request, but must not get into replies.
  if ((set.valid & kSetAtime) != 0) {
    inode->atime = (set.valid & kSetAtimeNow) != 0 ? inode->ctime : Time{set.atime, set.atimensec};
  }
  if ((set.valid & kSetMtime) != 0) {
    inode->mtime = (set.valid & kSetMtimeNow) != 0 ? inode->ctime : Time{set.mtime, set.mtimensec};
  }
  if ((set.valid & kSetCtime) != 0) inode->ctime = {set.ctime, set.ctimensec};
  Fill(*inode, attr);
  return 0;
}

int Memory::Readlink(In in, char* into, size_t room, size_t* length) {
  Held hold(mutex_);
  const Inode* inode = Find(in.nodeid);
  if (inode == nullptr) return ENOENT;
  if (!S_ISLNK(inode->mode)) return EINVAL;
  *length = std::min(room, inode->target.size());
  memcpy(into, inode->target.data(), *length);
  return 0;
}

int Memory::Access(In in, uint32_t) {
  Held hold(mutex_);
  return Find(in.nodeid) != nullptr ? 0 : ENOENT;
}

int Memory::Statfs(In, fuse_kstatfs* out) {
  Held hold(mutex_);
  out->bsize = out->frsize = kPage;
  out->blocks = quota_.total;
  out->bfree = out->bavail = quota_.left;
  out->files = out->ffree = 1 << 20;
  out->namelen = 255;
  return 0;
}

int Memory::Setxattr(In in, Name name, const char* value, size_t size, uint32_t flags) {
  Held hold(mutex_);
  Inode* inode = Find(in.nodeid);
  if (inode == nullptr) return ENOENT;
  // Access control lists would have to be kept in step with the mode.
  if (strncmp(name, "system.", 7) == 0) return EOPNOTSUPP;
  if (size > kXattrSizeMax) return E2BIG;
  const bool present = inode->xattrs.count(name) != 0;
  if (present && (flags & XATTR_CREATE) != 0) return EEXIST;
  if (!present && (flags & XATTR_REPLACE) != 0) return ENODATA;
  inode->xattrs[name] = std::string(value, size);
  Touched(inode);
  return 0;
}

int Memory::Getxattr(In in, Name name, char* into, size_t size, size_t* length) {
  Held hold(mutex_);
  const Inode* inode = Find(in.nodeid);
  if (inode == nullptr) return ENOENT;
  if (strncmp(name, "system.", 7) == 0) return EOPNOTSUPP;
  const auto value = inode->xattrs.find(name);
  if (value == inode->xattrs.end()) return ENODATA;
  *length = value->second.size();
  if (size == 0) return 0;
  if (*length > size) return ERANGE;
  memcpy(into, value->second.data(), *length);
  return 0;
}

int Memory::Listxattr(In in, char* into, size_t size, size_t* length) {
  Held hold(mutex_);
  const Inode* inode = Find(in.nodeid);
  if (inode == nullptr) return ENOENT;
  std::string names;
  for (const auto& [name, value] : inode->xattrs) names.append(name.c_str(), name.size() + 1);
  *length = names.size();
  if (size == 0) return 0;
  if (*length > size) return ERANGE;
  memcpy(into, names.data(), *length);
  return 0;
}

int Memory::Removexattr(In in, Name name) {
  Held hold(mutex_);
  Inode* inode = Find(in.nodeid);
  if (inode == nullptr) return ENOENT;
  if (inode->xattrs.erase(name) == 0) return ENODATA;
  Touched(inode);
  return 0;
}

}  // namespace fuse_rig
