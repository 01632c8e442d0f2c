#include "rings.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace fuse_rig {
namespace {

// How long a thread may take through io_uring_setup: it allocates, and others may run before it.
constexpr int kSetupLooks = 20000;

uint64_t Inode(int fd) {
  struct stat st;
  return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

uint64_t Key(pid_t tid, int fd) { return static_cast<uint64_t>(tid) << 32 | static_cast<uint32_t>(fd); }

bool StillInSetup(pid_t tid) {
  char path[64], text[32] = {};
  snprintf(path, sizeof path, "/proc/%d/syscall", tid);
  FILE* f = fopen(path, "re");
  if (!f) return false;
  bool any = fgets(text, sizeof text, f) != nullptr;
  fclose(f);
  // "running": perhaps on its way there still.
  return any && (text[0] == 'r' || atoi(text) == SYS_io_uring_setup);
}

// A mapping keeps a ring alive when its descriptor is closed.
bool Mapped(pid_t tgid, uint64_t inode) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/maps", tgid);
  FILE* f = fopen(path, "re");
  if (!f) return false;
  char line[512];
  bool found = false;
  while (!found && fgets(line, sizeof line, f)) {
    unsigned long long ino;
    if (!strstr(line, "[io_uring]")) continue;
    found = sscanf(line, "%*s %*s %*s %*s %llu", &ino) == 1 && ino == inode;
  }
  fclose(f);
  return found;
}

}  // namespace

std::set<int> RingDescriptors(pid_t tid) {
  std::set<int> found;
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/fd", tid);
  DIR* dir = opendir(path);
  if (!dir) return found;
  while (dirent* e = readdir(dir)) {
    char to[64];
    ssize_t n = readlinkat(dirfd(dir), e->d_name, to, sizeof to - 1);
    if (n <= 0) continue;
    to[n] = 0;
    if (strcmp(to, "anon_inode:[io_uring]") == 0) found.insert(atoi(e->d_name));
  }
  closedir(dir);
  return found;
}

uint32_t Rings::Made(Descriptors* descriptors, pid_t tid, const io_uring_params& asked, const std::set<int>& known) {
  numbers_.clear();
  for (int look = 0; look < kSetupLooks; ++look) {
    const bool was_in_setup = StillInSetup(tid);
    for (int fd : RingDescriptors(tid)) {
      if (known.count(fd)) continue;
      Fd mine(descriptors->Get(tid, fd));
      if (!mine.ok()) continue;
      const uint64_t inode = Inode(mine.get());
      ServerRing* ring = ServerRing::Map(std::move(mine), asked, inode);
      if (!ring) return 0;
      rings_[++last_] = Known{std::unique_ptr<ServerRing>(ring), {{ThreadGroup(tid), fd}}};
      return last_;
    }
    if (!was_in_setup && look > 2) return 0;  // it failed
    timespec pause = {0, 20000};
    nanosleep(&pause, nullptr);
  }
  return 0;
}

uint32_t Rings::Find(Descriptors* descriptors, pid_t tid, int fd) {
  auto found = numbers_.find(Key(tid, fd));
  if (found != numbers_.end()) return found->second;
  Fd mine(descriptors->Get(tid, fd));
  if (!mine.ok()) return 0;
  const uint64_t inode = Inode(mine.get());
  uint32_t number = 0;
  for (auto& [n, known] : rings_) {
    if (known.ring->inode() != inode) continue;
    number = n;
    const pid_t tgid = ThreadGroup(tid);
    bool new_holder = true;
    for (const Holder& h : known.holders) new_holder = new_holder && !(h.tgid == tgid && h.fd == fd);
    if (new_holder) known.holders.push_back({tgid, fd});
  }
  numbers_[Key(tid, fd)] = number;
  return number;
}

ServerRing* Rings::ring(uint32_t number) {
  auto found = rings_.find(number);
  return found == rings_.end() ? nullptr : found->second.ring.get();
}

bool Rings::Held(Descriptors* descriptors, const Known& known) {
  for (const Holder& h : known.holders) {
    Fd fd(descriptors->Get(h.tgid, h.fd));
    if (fd.ok() && Inode(fd.get()) == known.ring->inode()) return true;
    if (Mapped(h.tgid, known.ring->inode())) return true;
  }
  return false;
}

std::vector<uint32_t> Rings::Gone(Descriptors* descriptors) {
  std::vector<uint32_t> gone;
  for (auto it = rings_.begin(); it != rings_.end();) {
    if (Held(descriptors, it->second)) {
      ++it;
      continue;
    }
    gone.push_back(it->first);
    it = rings_.erase(it);
  }
  if (!gone.empty()) numbers_.clear();
  return gone;
}

}  // namespace fuse_rig
