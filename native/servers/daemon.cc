// daemon(7), the old way. The first parent exits only once everything is mounted. A signal that came before
// that is pending in the process that goes: fork(2) gives none to the child, who would never hear of it.
#include "daemon.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace fuse_rig {
namespace {

// What asked the process to stop so far, or 0.
int Pending() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);
  const timespec now{};
  return std::max(0, sigtimedwait(&set, nullptr, &now));
}

// The parent waits for the child, so that nobody sees the state in between.
void ForkAndLeave(bool wait) {
  const pid_t child = fork();
  if (child < 0) {
    fprintf(stderr, "fuse-rig-server: fork: %s\n", strerror(errno));
    _exit(1);
  }
  if (child == 0) return;
  int status = 0;
  if (wait) waitpid(child, &status, 0);
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

}  // namespace

void Daemonize() {
  int stop = Pending();
  ForkAndLeave(true);
  setsid();
  stop = std::max(stop, Pending());
  ForkAndLeave(false);
  if (stop != 0) kill(getpid(), stop);
  if (chdir("/") < 0) _exit(1);
  const int null = open("/dev/null", O_RDWR);
  if (null < 0) return;
  for (int fd = 0; fd <= 2; ++fd) dup2(null, fd);
  if (null > 2) close(null);
}

}  // namespace fuse_rig
