// A process of its own: a scratch directory exists, and can be full of a fixture, long before there
// is a server and a keeper of it. A rig that was killed removes nothing, so this does. And since it is
// there, and small, it starts the servers.
//
// Removing is careful: only the inode that was made here, no symbolic link followed, nothing on
// another mount touched. The tree is flattened (directories are renamed to the top), so no depth of
// it needs a longer path or another descriptor.
#include "scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "keeper_protocol.h"
#include "starter.h"

namespace fuse_rig {
namespace {

// The server is killed by its own keeper meanwhile, and may still make files.
constexpr int kRounds = 100;
constexpr int kPauseMs = 20;

struct Scratch {
  std::string path;
  dev_t dev;
  ino_t ino;
};

unsigned long long MountOf(int fd) {
  struct statx st;
  if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) != 0) return 0;
  return (st.stx_mask & STATX_MNT_ID) ? st.stx_mnt_id : (1ull << 63 | st.stx_dev_minor);
}

// A directory as its owner may list and change it; -1 where it is none, or on another mount.
int Open(int at, const char* name, unsigned long long mount) {
  int path = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (path < 0) return -1;
  int fd = -1;
  if (mount == 0 || MountOf(path) == mount) {
    const std::string self = "/proc/self/fd/" + std::to_string(path);
    struct stat st;
    if (fstat(path, &st) == 0 && (st.st_mode & 0700) != 0700) (void)!chmod(self.c_str(), 0700);
    fd = open(self.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  }
  close(path);
  return fd;
}

std::vector<std::string> Names(int fd) {
  std::vector<std::string> names;
  DIR* d = fdopendir(dup(fd));
  if (!d) return names;
  rewinddir(d);
  while (dirent* e = readdir(d)) {
    if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) names.push_back(e->d_name);
  }
  closedir(d);
  return names;
}

class Remover {
 public:
  explicit Remover(int root) : root_(root), mount_(MountOf(root)) {}

  // One sweep over what lies at the top. False when there was nothing, or nothing could be removed.
  bool Sweep() {
    bool any = false;
    for (const std::string& name : Names(root_)) any |= Remove(name);
    return any;
  }

 private:
  bool Remove(const std::string& name) {
    if (unlinkat(root_, name.c_str(), 0) == 0) return true;
    int dir = Open(root_, name.c_str(), mount_);
    if (dir < 0) return false;
    for (const std::string& inner : Names(dir)) {
      if (unlinkat(dir, inner.c_str(), 0) == 0) continue;
      // A directory can only be moved by who may change its "..".
      int sub = Open(dir, inner.c_str(), mount_);
      if (sub < 0) continue;
      close(sub);
      if (unlinkat(dir, inner.c_str(), AT_REMOVEDIR) == 0) continue;
      const std::string flat = ".fuse-rig-" + std::to_string(next_++);
      (void)!renameat(dir, inner.c_str(), root_, flat.c_str());
    }
    close(dir);
    return unlinkat(root_, name.c_str(), AT_REMOVEDIR) == 0;
  }

  int root_;
  unsigned long long mount_;
  unsigned next_ = 0;
};

// True when it is gone, or is not ours any more.
bool Remove(const Scratch& scratch) {
  struct stat st;
  if (lstat(scratch.path.c_str(), &st) != 0) return errno == ENOENT;
  if (st.st_dev != scratch.dev || st.st_ino != scratch.ino) return true;
  int root = Open(AT_FDCWD, scratch.path.c_str(), 0);
  if (root < 0) return false;
  if (fstat(root, &st) == 0 && st.st_dev == scratch.dev && st.st_ino == scratch.ino) {
    Remover remover(root);
    while (remover.Sweep()) {
    }
  }
  close(root);
  return rmdir(scratch.path.c_str()) == 0 || errno == ENOENT;
}

void Make(int sock, const char* pattern, std::vector<Scratch>* made) {
  KeeperMessage m{};
  m.type = kScratch;
  std::string path(pattern);
  struct stat st;
  if (mkdtemp(path.data()) == nullptr || stat(path.c_str(), &st) != 0) {
    m.status = errno;
  } else {
    made->push_back({path, st.st_dev, st.st_ino});
    strncpy(m.text, path.c_str(), sizeof m.text - 1);
  }
  while (send(sock, &m, kKeeperHead + strlen(m.text) + 1, MSG_NOSIGNAL) < 0 && errno == EINTR) {
  }
}

// The next message, with its descriptors; false when the rig is gone.
bool Receive(int sock, KeeperMessage* m, std::vector<int>* fds) {
  iovec iov = {m, sizeof *m - 1};
  alignas(cmsghdr) char control[CMSG_SPACE(kStartMost * sizeof(int))];
  msghdr msg{};
  msg.msg_iov = &iov;
  msg.msg_iovlen = 1;
  msg.msg_control = control;
  msg.msg_controllen = sizeof control;
  ssize_t n;
  while ((n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR) {
  }
  cmsghdr* c = n < 0 ? nullptr : CMSG_FIRSTHDR(&msg);
  if (c && c->cmsg_type == SCM_RIGHTS) {
    const int* first = reinterpret_cast<const int*>(CMSG_DATA(c));
    fds->assign(first, first + (c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
  }
  return n >= static_cast<ssize_t>(kKeeperHead);
}

}  // namespace

int KeepScratch(int sock) {
  for (int signal_number : {SIGINT, SIGHUP, SIGTERM, SIGPIPE}) signal(signal_number, SIG_IGN);
  fcntl(sock, F_SETFD, FD_CLOEXEC);
  setsid();
  (void)!chdir("/");
  std::vector<Scratch> made;
  Starter starter;
  for (;;) {
    pollfd fds[2] = {{sock, POLLIN, 0}, {starter.ended(), POLLIN, 0}};
    if (poll(fds, 2, -1) < 0) continue;
    if (fds[1].revents & POLLIN) starter.Reap();
    if (!fds[0].revents) continue;
    KeeperMessage m{};
    std::vector<int> passed;
    if (!Receive(sock, &m, &passed)) break;
    if (m.type == kMakeScratch) Make(sock, m.text, &made);
    if (m.type == kStart) starter.Start(sock, m, passed.data(), static_cast<int>(passed.size()));
  }
  for (const Scratch& scratch : made) {
    for (int round = 0; round < kRounds && !Remove(scratch); ++round) poll(nullptr, 0, kPauseMs);
  }
  return 0;
}

}  // namespace fuse_rig
