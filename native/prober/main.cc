// fuse-rig-probe: a process for each probe. In front of the real kernel it has a mount and a PID
// namespace of its own, so that nothing of it can be left.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "prober.h"

namespace {

using fuse_rig::Answer;

constexpr char kFusectl[] = "/sys/fs/fuse/connections";

[[noreturn]] void Child(bool real, const std::string& dir) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (real) {
    if (unshare(CLONE_NEWNS) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) _exit(5);
    if (mount("proc", "/proc", "proc", 0, nullptr) != 0) _exit(6);
    if (access((std::string(kFusectl) + "/.").c_str(), F_OK) == 0) mount("none", kFusectl, "fusectl", 0, nullptr);
  }
  _exit(fuse_rig::RunProbe(real, dir));
}

// Forks into a new PID namespace; the next fork gets one of its own again.
pid_t Fork(bool real) {
  if (!real) return fork();
  const int own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
  if (unshare(CLONE_NEWPID) != 0) _exit(7);
  const pid_t pid = fork();
  if (pid != 0) setns(own, CLONE_NEWPID);
  close(own);
  return pid;
}

std::string Reap(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  return WIFEXITED(status) ? "exit " + std::to_string(WEXITSTATUS(status)) : "signal " + std::to_string(WTERMSIG(status));
}

}  // namespace

int main() {
  for (std::string line; fuse_rig::ReadLine(&line);) {
    const fuse_rig::Words words = fuse_rig::SplitWords(line);
    if (words.size() != 3 || words[0] != "begin") {
      fuse_rig::SayLine(Answer().Add("ended", "not begun: " + line).Json());
      continue;
    }
    const bool real = words[1] == "real";
    const pid_t pid = Fork(real);
    if (pid == 0) Child(real, words[2]);
    // The child reads the commands from here on. It ends at `end`, or when there are no more.
    fuse_rig::SayLine(Answer().Add("ended", Reap(pid)).Json());
  }
  return 0;
}
