// A probe's child process. Only for probe*.cc: all of it is in the header.
#pragma once

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace fuse_rig {

constexpr int kPatienceMs = 5000;

// fork(2) without libuv's atfork handlers and without SIGCHLD, which is Node's. The child may only
// make system calls.
inline pid_t RawFork() {
  return static_cast<pid_t>(syscall(SYS_clone, 0, nullptr, nullptr, nullptr, nullptr));
}

// Kills and reaps, whatever happened.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  ~Child() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    while (waitpid(pid_, nullptr, __WALL) < 0 && errno == EINTR) {
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

// Whether there is something to read before patience ends.
inline bool Readable(int fd) {
  pollfd p = {fd, POLLIN, 0};
  int r;
  do {
    r = poll(&p, 1, kPatienceMs);
  } while (r < 0 && errno == EINTR);
  return r == 1 && (p.revents & POLLIN);
}

}  // namespace fuse_rig
