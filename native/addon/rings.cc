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

std::map<uint64_t, int> RingDescriptors(pid_t pid) {
  std::map<uint64_t, int> found;
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/fd", pid);
  DIR* dir = opendir(path);
  if (!dir) return found;
  while (dirent* e = readdir(dir)) {
    char to[64];
    ssize_t n = readlinkat(dirfd(dir), e->d_name, to, sizeof to - 1);
    if (n <= 0) continue;
    to[n] = 0;
    struct stat st;
    if (strcmp(to, "anon_inode:[io_uring]") == 0 && fstatat(dirfd(dir), e->d_name, &st, 0) == 0) {
      found[st.st_ino] = atoi(e->d_name);
    }
  }
  closedir(dir);
  return found;
}

// The thread may end as soon as it has its ring: its process is looked at.
uint32_t Rings::Made(Descriptors* descriptors, pid_t tid, pid_t tgid, const io_uring_params& asked,
                     const std::map<uint64_t, int>& known) {
  numbers_.clear();
  for (int look = 0; look < kSetupLooks; ++look) {
    const bool was_in_setup = StillInSetup(tid);
    for (auto& [inode, fd] : RingDescriptors(tgid)) {
      if (known.count(inode)) continue;
      Fd mine(descriptors->Get(tgid, fd));
      if (!mine.ok()) continue;
      ServerRing* ring = ServerRing::Map(std::move(mine), asked, inode);
      if (!ring) return 0;
      rings_[++last_] = Known{std::unique_ptr<ServerRing>(ring), {{tgid, fd}}};
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

void Rings::Clear() {
  messages.Close();
  rings_.clear();
  numbers_.clear();
  linked.clear();
  now.clear();
}

void Rings::Each(const std::function<void(ServerRing&)>& use) {
  for (auto& [number, known] : rings_) use(*known.ring);
}

// Any process may hold a ring that it has not entered yet: a forked one, or one it was sent to.
void Rings::FindHolders(std::map<uint64_t, Known*>* wanted) {
  DIR* dir = opendir("/proc");
  if (!dir) return;
  while (dirent* e = readdir(dir)) {
    const pid_t pid = static_cast<pid_t>(atoi(e->d_name));
    if (pid <= 0 || pid == getpid()) continue;
    for (auto& [inode, fd] : RingDescriptors(pid)) {
      auto found = wanted->find(inode);
      if (found != wanted->end()) found->second->holders.push_back({pid, fd});
    }
  }
  closedir(dir);
}

std::vector<uint32_t> Rings::Gone(Descriptors* descriptors) {
  std::map<uint64_t, Known*> lost;
  for (auto& [number, known] : rings_) {
    if (Held(descriptors, known)) continue;
    known.holders.clear();
    lost[known.ring->inode()] = &known;
  }
  std::vector<uint32_t> gone;
  if (lost.empty()) return gone;
  FindHolders(&lost);
  for (auto it = rings_.begin(); it != rings_.end();) {
    if (!it->second.holders.empty()) {
      ++it;
      continue;
    }
    gone.push_back(it->first);
    for (auto l = linked.begin(); l != linked.end();) l = l->second.ring == it->first ? linked.erase(l) : std::next(l);
    it = rings_.erase(it);
  }
  numbers_.clear();
  return gone;
}

}  // namespace fuse_rig
