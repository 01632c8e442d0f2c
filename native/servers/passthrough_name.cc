// Operations of the name space on the directory behind. The kernel has applied the umask (we do not
// take FUSE_DONT_MASK), and the server's own is 0.
#include <fcntl.h>

#include <cerrno>
#include <cstdio>

#include "passthrough.h"

namespace fuse_rig {

int Passthrough::Lookup(In in, Name name, fuse_entry_out* entry) {
  const auto parent = nodes_.Find(in.nodeid);
  return parent ? nodes_.Look(*parent, name, entry) : ENOENT;
}

int Passthrough::Symlink(In in, Name name, const char* target, fuse_entry_out* entry) {
  const auto parent = nodes_.Find(in.nodeid);
  if (!parent) return ENOENT;
  return symlinkat(target, parent->fd.get(), name) < 0 ? errno : Lookup(in, name, entry);
}

int Passthrough::Mknod(In in, Name name, uint32_t mode, uint32_t rdev, fuse_entry_out* entry) {
  const auto parent = nodes_.Find(in.nodeid);
  if (!parent) return ENOENT;
  return mknodat(parent->fd.get(), name, mode, rdev) < 0 ? errno : Lookup(in, name, entry);
}

int Passthrough::Mkdir(In in, Name name, uint32_t mode, fuse_entry_out* entry) {
  const auto parent = nodes_.Find(in.nodeid);
  if (!parent) return ENOENT;
  return mkdirat(parent->fd.get(), name, mode) < 0 ? errno : Lookup(in, name, entry);
}

int Passthrough::Unlink(In in, Name name) {
  const auto parent = nodes_.Find(in.nodeid);
  if (!parent) return ENOENT;
  return unlinkat(parent->fd.get(), name, 0) < 0 ? errno : 0;
}

int Passthrough::Rmdir(In in, Name name) {
  const auto parent = nodes_.Find(in.nodeid);
  if (!parent) return ENOENT;
  return unlinkat(parent->fd.get(), name, AT_REMOVEDIR) < 0 ? errno : 0;
}

int Passthrough::Rename(In in, Name from, uint64_t newdir, Name to, uint32_t flags) {
  const auto parent = nodes_.Find(in.nodeid);
  const auto target = nodes_.Find(newdir);
  if (!parent || !target) return ENOENT;
  return renameat2(parent->fd.get(), from, target->fd.get(), to, flags) < 0 ? errno : 0;
}

int Passthrough::Link(In in, uint64_t oldnode, Name name, fuse_entry_out* entry) {
  const auto parent = nodes_.Find(in.nodeid);
  const auto node = nodes_.Find(oldnode);
  if (!parent || !node) return ENOENT;
  // AT_EMPTY_PATH wants CAP_DAC_READ_SEARCH; the way through /proc wants nothing, but would follow
  // no symbolic link that is itself the node.
  if (linkat(node->fd.get(), "", parent->fd.get(), name, AT_EMPTY_PATH) < 0) {
    if (errno != ENOENT) return errno;
    if (linkat(AT_FDCWD, node->Path().c_str(), parent->fd.get(), name, AT_SYMLINK_FOLLOW) < 0)
      return errno;
  }
  return Lookup(in, name, entry);
}

int Passthrough::Create(In in, Name name, const fuse_create_in& create, fuse_entry_out* entry,
                        fuse_open_out* out) {
  const auto parent = nodes_.Find(in.nodeid);
  if (!parent) return ENOENT;
  Fd fd(
      openat(parent->fd.get(), name, OpenFlags(create.flags) | O_CREAT | O_NOFOLLOW, create.mode));
  if (!fd.ok()) return errno;
  if (const int error = Lookup(in, name, entry); error != 0) return error;
  Hand(in, entry->nodeid, std::move(fd), out);
  return 0;
}

int Passthrough::Tmpfile(In in, const fuse_create_in& create, fuse_entry_out* entry,
                         fuse_open_out* out) {
  const auto parent = nodes_.Find(in.nodeid);
  if (!parent) return ENOENT;
  const int flags =
      (OpenFlags(create.flags) & ~(O_CREAT | O_EXCL)) | O_TMPFILE | (create.flags & O_EXCL);
  Fd fd(openat(parent->fd.get(), ".", flags, create.mode));
  if (!fd.ok()) return errno;
  // Without a name the node is reached through the descriptor.
  Fd path(open(("/proc/self/fd/" + std::to_string(fd.get())).c_str(), O_PATH | O_CLOEXEC));
  if (!path.ok()) return errno;
  if (const int error = nodes_.Adopt(std::move(path), entry); error != 0) return error;
  Hand(in, entry->nodeid, std::move(fd), out);
  return 0;
}

}  // namespace fuse_rig
