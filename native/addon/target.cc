#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

namespace fuse_rig {

ssize_t ReadTargetIov(pid_t tid, const iovec* iov, size_t count, void* to, size_t n) {
  iovec local = {to, n};
  ssize_t r = process_vm_readv(tid, &local, 1, iov, count, 0);
  return r < 0 ? -errno : r;
}

// process_vm_writev pins the pages of the whole remote vector, however little is copied: a request of
// 80 bytes for a buffer of 1 MiB would cost more than the rest of the call. So the vector is cut.
ssize_t WriteTargetIov(pid_t tid, const iovec* iov, size_t count, const void* from, size_t n) {
  iovec local = {const_cast<void*>(from), n};
  iovec cut[16];
  size_t used = 0, left = n;
  while (used < count && used < 16 && left > 0) {
    cut[used] = iov[used];
    if (cut[used].iov_len > left) cut[used].iov_len = left;
    left -= cut[used++].iov_len;
  }
  ssize_t r = left == 0 ? process_vm_writev(tid, &local, 1, cut, used, 0)
                        : process_vm_writev(tid, &local, 1, iov, count, 0);
  return r < 0 ? -errno : r;
}

ssize_t ReadTarget(pid_t tid, uint64_t addr, void* to, size_t n) {
  iovec remote = {reinterpret_cast<void*>(addr), n};
  return ReadTargetIov(tid, &remote, 1, to, n);
}

ssize_t WriteTarget(pid_t tid, uint64_t addr, const void* from, size_t n) {
  iovec remote = {reinterpret_cast<void*>(addr), n};
  return WriteTargetIov(tid, &remote, 1, from, n);
}

bool ReadTargetString(pid_t tid, uint64_t addr, size_t max, std::string* out) {
  out->clear();
  char chunk[256];
  while (out->size() < max) {
    // process_vm_readv stops at the first bad page of an iovec element: stay within pages.
    size_t room = 4096 - (addr & 4095);
    size_t want = room < sizeof chunk ? room : sizeof chunk;
    ssize_t n = ReadTarget(tid, addr, chunk, want);
    if (n <= 0) return false;
    const void* nul = memchr(chunk, 0, n);
    if (nul) {
      out->append(chunk, static_cast<const char*>(nul) - chunk);
      return true;
    }
    out->append(chunk, n);
    addr += n;
  }
  return true;
}

static bool ReadStatus(pid_t tid, char* text, size_t size) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/status", tid);
  Fd fd(open(path, O_RDONLY | O_CLOEXEC));
  if (!fd.ok()) return false;
  ssize_t n = read(fd.get(), text, size - 1);
  if (n <= 0) return false;
  text[n] = 0;
  return true;
}

static uint64_t Field(const char* text, const char* name, int base) {
  const char* at = strstr(text, name);
  return at ? strtoull(at + strlen(name), nullptr, base) : 0;
}

Pending PendingSignals(pid_t tid) {
  char text[4096];
  if (!ReadStatus(tid, text, sizeof text)) return Pending::kNone;
  const uint64_t open = ~Field(text, "\nSigBlk:\t", 16);
  if (Field(text, "\nSigPnd:\t", 16) & open) return Pending::kYes;
  const uint64_t shared = Field(text, "\nShdPnd:\t", 16) & open;
  if (shared == 0) return Pending::kNone;
  const pid_t main = static_cast<pid_t>(Field(text, "\nTgid:\t", 10));
  if (main == tid) return Pending::kYes;
  // complete_signal: the main thread takes what it does not block, if it is still there.
  if (!ReadStatus(main, text, sizeof text) || strstr(text, "\nState:\tZ")) return Pending::kPerhaps;
  return (shared & Field(text, "\nSigBlk:\t", 16)) != 0 ? Pending::kPerhaps : Pending::kNone;
}

pid_t ThreadGroup(pid_t tid) {
  char text[4096];
  return ReadStatus(tid, text, sizeof text) ? static_cast<pid_t>(Field(text, "\nTgid:\t", 10)) : 0;
}

int Descriptors::Get(pid_t tid, int fd) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    auto t = tgids_.find(tid);
    if (t == tgids_.end()) {
      pid_t tgid = ThreadGroup(tid);
      if (tgid == 0) return -ESRCH;
      t = tgids_.emplace(tid, tgid).first;
    }
    auto p = pidfds_.find(t->second);
    if (p == pidfds_.end()) {
      Fd pidfd(static_cast<int>(syscall(SYS_pidfd_open, t->second, 0)));
      if (!pidfd.ok()) return -errno;
      p = pidfds_.emplace(t->second, std::move(pidfd)).first;
    }
    int got = static_cast<int>(syscall(SYS_pidfd_getfd, p->second.get(), fd, 0));
    if (got >= 0) return got;
    if (errno != ESRCH) return -errno;
    Forget(t->second);  // the pid may have been reused: look once more
    tgids_.erase(tid);
  }
  return -ESRCH;
}

void Descriptors::Forget(pid_t pid) {
  pidfds_.erase(pid);
  for (auto it = tgids_.begin(); it != tgids_.end();) {
    it = it->second == pid ? tgids_.erase(it) : std::next(it);
  }
}

}  // namespace fuse_rig
