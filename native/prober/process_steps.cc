// Steps on processes that inherit what the server has.
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "prober.h"

namespace fuse_rig {
namespace {

std::map<std::string, pid_t> children;

// fork NAME: a process that holds everything open and does nothing
Answer Fork(Objects&, const Words& w) {
  const pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) pause();
  }
  children[w[0]] = pid;
  return Returned(pid < 0 ? -1 : 0);
}

// reap NAME: ends it
Answer Reap(Objects&, const Words& w) {
  const pid_t pid = children[w[0]];
  kill(pid, SIGKILL);
  int status = 0;
  pid_t n;
  do n = waitpid(pid, &status, 0);
  while (n < 0 && errno == EINTR);
  return Returned(n < 0 ? -1 : 0);
}

// pin CPU: the thread runs there and nowhere else
Answer Pin(Objects&, const Words& w) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<size_t>(Number(w[0])), &set);
  return Returned(sched_setaffinity(0, sizeof set, &set));
}

}  // namespace

const std::vector<Step> kProcessSteps = {{"fork", 1, Fork}, {"reap", 1, Reap}, {"pin", 1, Pin}};

}  // namespace fuse_rig
