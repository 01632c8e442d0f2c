// daemon(7), the old way. The first parent exits only once everything is mounted.
#include "daemon.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace fuse_rig {
namespace {

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
  ForkAndLeave(true);
  setsid();
  ForkAndLeave(false);
  if (chdir("/") < 0) _exit(1);
  const int null = open("/dev/null", O_RDWR);
  if (null < 0) return;
  for (int fd = 0; fd <= 2; ++fd) dup2(null, fd);
  if (null > 2) close(null);
}

}  // namespace fuse_rig
