// What policy is shown of a trapped call, and which opens and execs it is asked about.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>

#include "seam.h"
#include "seam_header.h"
#include "seccomp_abi.h"

namespace fuse_rig {
namespace {

bool IsFusermount(const std::string& path) {
  size_t slash = path.rfind('/');
  std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  return name == "fusermount" || name == "fusermount3" || name == "mergerfs-fusermount";
}

}  // namespace

// Fills the event header.
bool Seam::Show(int slot) {
  Slot& s = slots_[slot];
  auto* h = reinterpret_cast<Header*>(header_);
  h->slot = slot;
  h->tid = s.tid;
  h->nr = s.nr;
  auto index = [&](uint64_t fd) {
    return static_cast<uint32_t>(fd) - base_ < count_ ? static_cast<int32_t>(fd - base_) : -1;
  };
  h->fd = index(s.args[0]);
  h->second = s.nr == SYS_splice ? index(s.args[2]) : s.nr == SYS_sendfile ? index(s.args[1]) : -1;
  h->size = 0;
  h->filled = 0;
  memcpy(h->args, s.args, sizeof h->args);
  if (s.nr == SYS_io_uring_enter) h->size = ShowCommands();
  else if (h->fd >= 0 || armed_.count(s.nr) == 0) Prefetch(slot);
  return true;
}

bool Seam::DecidePath(int slot, uint64_t path_addr) {
  Slot& s = slots_[slot];
  std::string path;
  bool readable = ReadTargetString(s.tid, path_addr, 4096, &path);
  bool policy = false;
  if (readable && (s.nr == SYS_execve || s.nr == SYS_execveat)) {
    policy = IsFusermount(path);
  } else if (readable) {
    policy = path == "/dev/fuse";
    for (const std::string& p : paths_) {
      if (policy) break;
      policy = path.compare(0, p.size(), p) == 0 && (path.size() == p.size() || path[p.size()] == '/');
    }
  }
  if (policy) return true;
  Send(slot, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
  return false;
}

// Gathers the arguments every transport call has: sizes, iovecs, and for writes the bytes.
void Seam::Prefetch(int slot) {
  Slot& s = slots_[slot];
  auto* h = reinterpret_cast<Header*>(header_);
  bool vector = s.nr == SYS_readv || s.nr == SYS_writev || s.nr == SYS_preadv ||
                s.nr == SYS_pwritev || s.nr == SYS_preadv2 || s.nr == SYS_pwritev2;
  bool plain = s.nr == SYS_read || s.nr == SYS_write || s.nr == SYS_pread64 || s.nr == SYS_pwrite64;
  bool write = s.nr == SYS_write || s.nr == SYS_writev || s.nr == SYS_pwritev || s.nr == SYS_pwritev2 ||
               s.nr == SYS_pwrite64;
  s.iov.clear();
  if (plain) {
    s.iov.push_back({reinterpret_cast<void*>(s.args[1]), s.args[2]});
  } else if (vector) {
    // import_iovec: more than UIO_MAXIOV is EINVAL, an unreadable array EFAULT.
    size_t count = s.args[2];
    if (count > 1024) {
      h->filled = -EINVAL;
      return;
    }
    s.iov.resize(count);
    ssize_t want = static_cast<ssize_t>(count * sizeof(iovec));
    if (count > 0 && ReadTarget(s.tid, s.args[1], s.iov.data(), want) != want) {
      s.iov.clear();
      h->filled = -EFAULT;
      return;
    }
  } else {
    return;
  }
  uint64_t total = 0;
  for (const iovec& v : s.iov) total += v.iov_len;
  h->size = total > 0x7ffff000 ? 0x7ffff000 : static_cast<int32_t>(total);
  if (!write) return;
  size_t n = total < data_size_ ? total : data_size_;
  ssize_t got = n == 0 ? 0 : ReadTargetIov(s.tid, s.iov.data(), s.iov.size(), data_, n);
  h->filled = got < 0 ? (got == -EFAULT ? 0 : static_cast<int>(got)) : static_cast<int>(got);
}

}  // namespace fuse_rig
