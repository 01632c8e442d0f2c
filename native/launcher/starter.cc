#include "starter.h"

#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include "launch.h"

namespace fuse_rig {
namespace {

// Strings of the file at `fd`, each with its NUL, up to the empty rest.
std::vector<char> Content(int fd) {
  struct stat st{};
  std::vector<char> text;
  if (fstat(fd, &st) != 0) return text;
  text.resize(static_cast<size_t>(st.st_size));
  size_t have = 0;
  for (ssize_t n; have < text.size(); have += static_cast<size_t>(n)) {
    if ((n = pread(fd, text.data() + have, text.size() - have, static_cast<off_t>(have))) <= 0) break;
  }
  text.resize(have);
  return text;
}

// The child: as if it had been executed with these arguments, descriptors and environment.
[[noreturn]] void Become(const KeeperMessage& m, const int* fds, int count) {
  std::vector<char> text = Content(fds[kStartArgs]);
  std::vector<char*> argv, env;
  for (size_t at = 0; at < text.size(); at += strlen(&text[at]) + 1) {
    (static_cast<int>(argv.size()) < m.status ? argv : env).push_back(&text[at]);
  }
  argv.push_back(nullptr);
  env.push_back(nullptr);
  if (static_cast<int>(argv.size()) <= kLaunchArgs) _exit(126);
  environ = env.data();
  for (int number : {SIGINT, SIGHUP, SIGTERM, SIGPIPE}) signal(number, SIG_DFL);
  if (count > kStartIn) dup2(fds[kStartIn], 0);
  dup2(fds[kStartOut], 1);
  dup2(fds[kStartErr], 2);
  Launch(fds[kStartSock], argv.data());
}

}  // namespace

Starter::Starter() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  ended_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

void Starter::Reap() {
  signalfd_siginfo si;
  while (read(ended_, &si, sizeof si) > 0) {
  }
  for (pid_t pid; (pid = waitpid(-1, nullptr, WNOHANG)) > 0;) {
    auto at = gone_.find(pid);
    if (at == gone_.end()) continue;
    close(at->second);
    gone_.erase(at);
  }
}

void Starter::Start(int sock, const KeeperMessage& m, const int* fds, int count) {
  const bool whole = count == kStartIn || count == kStartIn + 1;
  const pid_t pid = whole ? fork() : -1;
  if (pid == 0) {
    close(sock);
    close(ended_);
    close(fds[kStartGone]);
    for (const auto& other : gone_) close(other.second);
    Become(m, fds, count);
  }
  for (int i = 0; i < count; ++i) {
    if (i != kStartGone || pid < 0) close(fds[i]);
  }
  if (pid > 0) gone_[pid] = fds[kStartGone];
}

}  // namespace fuse_rig
